"""A ticket as the bytes of a mail: headers that nobody can break, bodies that every server takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from jinja2 import DictLoader, Environment

from flask_kapa_handoff.conversation import Conversation, QuestionAnswer, Source, is_link
from flask_kapa_handoff.delivery.message import HTML, MAX_MESSAGE, TEXT, Letterhead, compose, mail_environment
from flask_kapa_handoff.delivery.mime import address, header, header_text
from flask_kapa_handoff.storage.records import Status, Ticket
from tests.helpers.growth import LINEAR, growth

LETTERHEAD = Letterhead("Docs", "Docs <docs@example.com>")

# What Python's header code or a mail program takes for the end of a line (mail.md, first line of the table).
LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]

INVISIBLE = [
    "\u202e",
    "\u202d",
    "\u2066",
    "\u2069",
    "\u061c",
    "\u200e",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\x00",
]

HEADERS = {
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Message-ID",
    "Date",
    "X-Kapa-Handoff-Ticket",
    "X-Kapa-Handoff-Desk",
    "X-Kapa-Handoff-Triggers",
    "MIME-Version",
    "Content-Type",
}


@pytest.fixture
def environment(app: Flask) -> Environment:
    return mail_environment(app)


@pytest.fixture
def write(environment: Environment) -> Callable[..., bytes]:
    """Composes a mail: ``write(pairs=[...], letterhead=..., subject=...)``; other names are the ticket's fields."""

    def compose_one(
        pairs: list[QuestionAnswer] | None = None, letterhead: Letterhead = LETTERHEAD, **fields: Any
    ) -> bytes:
        ticket, conversation = a_ticket(**fields)
        if pairs is not None:
            conversation = Conversation(tuple(pairs))
        return compose(environment, letterhead, ticket, conversation).data

    return compose_one


def a_ticket(**fields: Any) -> tuple[Ticket, Conversation]:
    moment = datetime.now(timezone.utc)
    values: dict[str, Any] = {
        **dict.fromkeys(field.name for field in dataclass_fields(Ticket)),
        "id": uuid4(),
        "reference": "T-7F3K2Q",
        "created_at": moment,
        "desk": "default",
        "recipient": "support@example.com",
        "visitor_email": "visitor@example.net",
        "email_key": "visitor@example.net",
        "note": "It does not work on Tuesdays.",
        "subject": "How do I rotate a key?",
        "pairs": 1,
        "transcript_source": "browser",
        "triggers": "uncertainty",
        "status": Status.QUEUED,
        "queued_at": moment,
    }
    return Ticket(**{**values, **fields}), Conversation((QuestionAnswer("How do I rotate a key?", "Run it."),))


def read(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def body(data: bytes, kind: str) -> str:
    part = read(data).get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def header_names(data: bytes) -> list[str]:
    """The names in the bytes themselves: what a server sees, whatever a parser makes of it."""
    head = data.split(b"\r\n\r\n", 1)[0].decode("ascii")
    return [line.split(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]


def assert_unbroken(data: bytes) -> None:
    """The headers are the ones that a mail without anything hostile has, and nothing has slipped into the body."""
    assert sorted(header_names(data)) == sorted(HEADERS)
    head = data.split(b"\r\n\r\n", 1)[0]
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")
    message = read(data)
    assert sorted(message.keys()) == sorted(HEADERS)
    for value in message.values():
        # The decoded text as well: a mail program that decodes encoded words must not meet a line's end either.
        assert len(str(value).splitlines()) == 1


# Headers


def test_headers_are_the_documented_ones(write: Callable[..., bytes]) -> None:
    """A mail has exactly the documented headers, each once, and no Precedence or Auto-Submitted."""
    data = write()
    assert sorted(header_names(data)) == sorted(HEADERS)
    message = read(data)
    assert message["From"] == "Docs <docs@example.com>"
    assert message["To"] == "support@example.com"
    assert message["Reply-To"] == "visitor@example.net"
    assert message["Subject"] == "[Docs] T-7F3K2Q: How do I rotate a key?"
    assert message["X-Kapa-Handoff-Ticket"] == "T-7F3K2Q"
    assert message["X-Kapa-Handoff-Desk"] == "default"
    assert message["X-Kapa-Handoff-Triggers"] == "uncertainty"
    assert message["MIME-Version"] == "1.0"


def test_message_id_is_the_tickets(write: Callable[..., bytes]) -> None:
    """Each copy of a ticket's mail carries the same Message-ID, made from the ticket's id and the site's domain."""
    number = uuid4()
    first, second = read(write(id=number)), read(write(id=number))
    assert first["Message-ID"] == second["Message-ID"] == f"<{number}@example.com>"
    assert read(write(id=uuid4()))["Message-ID"] != first["Message-ID"]


def test_date_is_the_creation(write: Callable[..., bytes]) -> None:
    """The Date is the ticket's creation, not the moment of sending."""
    created_at = datetime(2024, 2, 29, 23, 59, 58, tzinfo=timezone.utc)
    assert read(write(created_at=created_at))["Date"].datetime == created_at


def test_follow_up_refers_to_the_earlier_ticket(write: Callable[..., bytes]) -> None:
    """A further ticket of a thread answers the earlier one's mail, so that mail programs show them together."""
    earlier = uuid4()
    message = read(write(follows=earlier))
    assert message["In-Reply-To"] == message["References"] == f"<{earlier}@example.com>"
    assert read(write(id=earlier))["Message-ID"] == message["References"]


def test_auto_submitted_on_request(write: Callable[..., bytes]) -> None:
    """Auto-Submitted is added when the site asks for it."""
    data = write(letterhead=replace(LETTERHEAD, auto_submitted=True))
    assert read(data)["Auto-Submitted"] == "auto-generated"
    assert sorted(header_names(data)) == sorted(HEADERS | {"Auto-Submitted"})


def test_long_subject_is_folded(write: Callable[..., bytes]) -> None:
    """A long subject in any script arrives whole, on header lines of at most 78 characters."""
    subject = "Wie rotiere ich einen Schlüssel? 日本語の質問です 🔑 " * 2
    data = write(subject=subject.strip())
    assert read(data)["Subject"] == f"[Docs] T-7F3K2Q: {subject.strip()}"
    assert max(map(len, data.split(b"\r\n\r\n", 1)[0].split(b"\r\n"))) <= 78


def test_long_domain_is_written_as_it_is(write: Callable[..., bytes]) -> None:
    """However long the site's domain is, a mail program finds the earlier mail: no part of an id is encoded."""
    domain = f"{'documentation.' * 6}example.com"
    earlier = uuid4()
    data = write(letterhead=replace(LETTERHEAD, sender=f"docs@{domain}"), follows=earlier)
    lines = data.split(b"\r\n\r\n", 1)[0].decode("ascii").split("\r\n")
    assert f"In-Reply-To: <{earlier}@{domain}>" in lines
    assert f"References: <{earlier}@{domain}>" in lines


HEADER_TEXTS = [
    "",
    "a",
    "a  b",
    "word " * 40,
    "word  and   more    " * 20,
    "x" * 69,
    "x" * 70,
    "x" * 200,
    "short " + "x" * 200 + " short",
    "x" * 68 + " y",
    " " * 100 + "x",
    "x" + " " * 100 + "y",
    'a, b; c: <d> (e) "f" \\ g@h ' * 5,
    "Schlüssel " * 20,
    "a =?UTF-8?Q?b?= c",
    "?= =? ?",
    "[Docs] T-7F3K2Q: How do I rotate a key? I have tried everything that the page says, and then some.",
]


@pytest.mark.parametrize("text", HEADER_TEXTS, ids=lambda text: text[:12])
def test_header_reads_as_the_standard_librarys(text: str) -> None:
    """A header that is written without EmailMessage reads as one that EmailMessage wrote, on lines as short."""
    text = header_text(text)
    theirs = EmailMessage(policy=policy.SMTP)
    theirs["Subject"] = text
    written = header("Subject", text)
    # Stripped: where the first word fills a line EmailMessage leaves the line with the name empty.
    assert read(written + b"\r\n")["Subject"].strip() == read(theirs.as_bytes())["Subject"].strip() == text
    lines = written.decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])


@pytest.mark.parametrize("name", ["", "Docs", "Foo, Bar", 'The "Docs" <team>', "Jürgen", "a " * 60, "=? ?="])
@pytest.mark.parametrize(
    "addr_spec", ["a@example.com", "o'brien+x=?y@e-x.example.com", f"{'a' * 64}@{'b.' * 40}example"]
)
def test_address_reads_as_the_standard_librarys(addr_spec: str, name: str) -> None:
    """An address that is taken apart without Python's parser is the one that the parser finds."""
    parsed = Address(header_text(name), addr_spec=addr_spec)
    assert address(addr_spec, header_text(name)) == parsed
    found = read(header("From", address(addr_spec, header_text(name))) + b"\r\n")["From"].addresses
    assert [(one.addr_spec, one.display_name) for one in found] == [(addr_spec, parsed.display_name)]


# Header injection


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=ascii)
@pytest.mark.parametrize("field", ["subject", "desk", "site_name"])
def test_line_ends_break_no_header(write: Callable[..., bytes], field: str, line_end: str) -> None:
    """Nothing that counts as a line's end somewhere gets from a text into the headers or ahead of the body."""
    hostile = f"x{line_end}Bcc: evil@example.org{line_end}{line_end}<b>forged body</b>"
    if field == "site_name":
        data = write(letterhead=replace(LETTERHEAD, site_name=hostile))
    else:
        data = write(**{field: hostile})
    assert_unbroken(data)
    assert "Bcc: evil@example.org" in str(read(data)["X-Kapa-Handoff-Desk" if field == "desk" else "Subject"])


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=ascii)
def test_line_ends_break_no_display_name(write: Callable[..., bytes], line_end: str) -> None:
    """A line's end in the sender's display name is refused or taken out, never sent."""
    hostile = f'"Docs{line_end}Bcc: evil@example.org" <docs@example.com>'
    try:
        data = write(letterhead=replace(LETTERHEAD, sender=hostile))
    except ValueError:
        return
    assert_unbroken(data)


@pytest.mark.parametrize("line_end", [*LINE_ENDS, "\u202e", "\u200b", "\ud800", "\x00"], ids=ascii)
@pytest.mark.parametrize("field", ["recipient", "visitor_email"])
def test_line_ends_in_addresses_are_refused(write: Callable[..., bytes], field: str, line_end: str) -> None:
    """An address with a control, bidirectional or invisible character in it is never written into a mail."""
    for hostile in (
        f"a{line_end}b@example.com",
        f"a@example.com{line_end}Bcc: evil@example.org",
        f"{line_end}a@b.example",
    ):
        with pytest.raises(ValueError):
            write(**{field: hostile})


@pytest.mark.parametrize(
    "hostile",
    [
        "a@b@c",
        "a",
        "",
        "a@",
        "@b",
        "jö@x.example",
        "a@x.example, b@x.example",
        "<>",
        "=?utf-8?q?=0A?=@x.example",
        "=?utf-8?q?a=40b=2Eexample?=@x.example",
    ],
)
def test_what_is_no_address_is_refused(write: Callable[..., bytes], hostile: str) -> None:
    """What is not exactly one ASCII address, or hides another in an encoded word, is refused before it is sent."""
    with pytest.raises(ValueError):
        write(recipient=hostile)
    with pytest.raises(ValueError):
        write(visitor_email=hostile)


@pytest.mark.parametrize(
    "trick",
    [
        "A =?UTF-8?Q?=0A?=Bcc: e@x",
        "=?UTF-8?Q?=0ABcc:_evil=40example.org?=",
        "=?utf-8?b?CkJjYzogZXZpbEBleGFtcGxlLm9yZw==?=",
        "=\u200b?UTF-8?Q?=0A?= zero-width inside the mark",
        "==?UTF-8?Q?=0A?=?UTF-8?Q?=0A?= nested",
    ],
)
@pytest.mark.parametrize("field", ["subject", "desk", "site_name", "sender"])
def test_encoded_words_are_not_decoded(write: Callable[..., bytes], field: str, trick: str) -> None:
    """An encoded word typed by a visitor stays text: decoded, it could bring a line's end back."""
    if field == "site_name":
        data = write(letterhead=replace(LETTERHEAD, site_name=trick))
    elif field == "sender":
        data = write(letterhead=replace(LETTERHEAD, sender=f'"{trick}" <docs@example.com>'))
    else:
        data = write(**{field: trick})
    assert_unbroken(data)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"], ids=ascii)
def test_header_of_two_lines_is_refused(line_end: str) -> None:
    """A line's end in a text that nobody has made safe is refused, wherever the text came from."""
    with pytest.raises(ValueError):
        header("X-Kapa-Handoff-Triggers", f"always{line_end}Bcc: evil@example.org")


@pytest.mark.parametrize("character", [*INVISIBLE, "\ud83d"], ids=ascii)
def test_invisible_characters_leave_headers(write: Callable[..., bytes], character: str) -> None:
    """Bidirectional, zero-width and surrogate characters do not get into header text, which they would disguise."""
    data = write(
        subject=f"pay{character}pal",
        desk=f"sa{character}les",
        letterhead=replace(LETTERHEAD, site_name=f"Do{character}cs"),
    )
    message = read(data)
    assert message["Subject"] == "[Do cs] T-7F3K2Q: pay pal"
    assert message["X-Kapa-Handoff-Desk"] == "sa les"


def test_header_text_keeps_what_is_harmless() -> None:
    """Accents, other scripts, emoji and punctuation stay as they are."""
    text = 'Schlüssel „drehen“? مفتاح می‌خواهم क्‍ष 鍵 🔑👩‍💻 a=b? (50 %) <x> \\ "q"'
    assert header_text(text) == text


# Senders


@pytest.mark.parametrize(
    ("sender", "address", "name"),
    [
        ("docs@example.com", "docs@example.com", ""),
        ("Docs <docs@example.com>", "docs@example.com", "Docs"),
        (("Foo, Bar", "docs@example.com"), "docs@example.com", "Foo, Bar"),
        ('"Foo, Bar" <docs@example.com>', "docs@example.com", "Foo, Bar"),
        (('The "Docs" <team>', "docs@example.com"), "docs@example.com", 'The "Docs" <team>'),
        ("Jürgen Müller <docs@example.com>", "docs@example.com", "Jürgen Müller"),
        (("Süd, Nord", "docs@example.com"), "docs@example.com", "Süd, Nord"),
        (("日本語の長い名前" * 8, "docs@example.com"), "docs@example.com", "日本語の長い名前" * 8),
        (("Docs", "docs@bücher.example"), "docs@xn--bcher-kva.example", "Docs"),
    ],
)
def test_sender_arrives_as_configured(make_app: Callable[..., Flask], sender: Any, address: str, name: str) -> None:
    """Commas, quotes, tuples, other scripts: the envelope has the address alone, From the name as it was written."""
    app = make_app(KAPA_HANDOFF_SENDER=sender)
    state = app.extensions["kapa_handoff"]
    letterhead = Letterhead("Docs", state.config.sender)
    message = compose(mail_environment(app), letterhead, *a_ticket())
    assert message.sender == address
    found = read(message.data)["From"].addresses
    # Python's parser puts spaces between the parts of a long name (RFC 2047, 6.2, has none there).
    assert [("".join(one.display_name.split()), one.addr_spec) for one in found] == [("".join(name.split()), address)]
    assert_unbroken(message.data)
    assert max(map(len, message.data.split(b"\r\n"))) <= 998


# Bodies


def test_lines_are_short_ascii_and_end_as_smtp_wants(write: Callable[..., bytes]) -> None:
    """Whatever the text, the mail is 7-bit ASCII, its lines end with CRLF and none is over 998 octets."""
    pair = QuestionAnswer(
        "x" * 3000,
        "ü🔑\r\n" + "y" * 100_000 + "\n.\n..\n.dot",
        sources=(Source("s" * 3000, "https://e.example/" + "p" * 3000),),
    )
    data = write(pairs=[pair], note="n" * 5000, page="https://e.example/" + "q" * 5000)
    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    parts = [part for part in read(data).walk() if not part.is_multipart()]
    # RFC 2045, 6.8: some programs take no longer lines of base64.
    assert [max(map(len, str(part.get_payload()).splitlines())) for part in parts] == [76, 76, 76]
    # RFC 2046, 4.1.1: text ends its lines with CRLF inside the encoding, too.
    assert [b"\n" in part.get_payload(decode=True).replace(b"\r\n", b"") for part in parts] == [False, False, False]


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_body_says_what_the_agent_needs(write: Callable[..., bytes], kind: str) -> None:
    """Text and HTML name the note, the visitor, the page, the reason, the reference, and each pair with its marks."""
    pairs = [
        QuestionAnswer(
            "First question?",
            "First answer.",
            sources=(
                Source("Key guide", "https://e.example/keys"),
                Source("https://e.example/bare", "https://e.example/bare"),
            ),
        ),
        QuestionAnswer("Second question?", "Second answer.", uncertain=True, reaction="downvote"),
        QuestionAnswer("Third question?", "Third answer.", reaction="upvote", stopped=True),
    ]
    data = write(
        pairs=pairs,
        note="Not on Tuesdays.",
        visitor_name="Ada Lovelace",
        page="https://e.example/page",
        triggers="uncertainty,downvote",
    )
    text = body(data, kind)
    for word in (
        "Not on Tuesdays.",
        "Ada Lovelace",
        "visitor@example.net",
        "https://e.example/page",
        "flagged as uncertain",
        "voted the answer down",
        "T-7F3K2Q",
        "Key guide",
        "https://e.example/keys",
        "https://e.example/bare",
    ):
        assert word in text
    text = text[text.rindex("First question?") :]  # the transcript alone
    said = [
        "First question?",
        "First answer.",
        "Key guide",
        "Second question?",
        "Second answer.",
        "Third question?",
        "Third answer.",
    ]
    assert [text.rindex(words) for words in said] == sorted(text.rindex(words) for words in said)
    # Each mark stands with its own pair.
    second, third = (
        text[text.index("Second question?") : text.index("Third question?")],
        text[text.index("Third question?") :],
    )
    assert "lagged as uncertain" in second
    assert "oted down" in second
    assert "oted up" in third
    assert "oted down" not in third
    assert "topped before its end" in third
    assert "topped before its end" not in second


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_body_says_whose_word_the_transcript_is(write: Callable[..., bytes], kind: str) -> None:
    """The agent can tell the site's own record from what a browser only claims."""
    notes = {"note": "NOTE", "subject": "SUBJECT"}
    own, claimed = (body(write(transcript_source=source, **notes), kind) for source in ("site", "browser"))
    assert "own record" in own
    assert "browser" not in own
    assert "browser sent" in claimed
    assert "own record" not in claimed
    for text, words in ((own, "own record"), (claimed, "browser sent")):
        text = text.partition("<body>")[2] or text
        assert text.index(words) < min(text.index("NOTE"), text.find("SUBJECT") % len(text))


@pytest.mark.parametrize("trigger", ["always", "conversation-length", "uncertainty", "downvote"])
def test_each_trigger_has_its_reason(write: Callable[..., bytes], trigger: str) -> None:
    """Each trigger is explained in words, the same in text and HTML, and named in a header."""
    data = write(triggers=trigger)
    reasons = {
        "always": "under every answer",
        "conversation-length": "had become long",
        "uncertainty": "flagged as uncertain",
        "downvote": "voted the answer down",
    }
    assert reasons[trigger] in body(data, "plain")
    assert reasons[trigger] in body(data, "html")
    assert read(data)["X-Kapa-Handoff-Triggers"] == trigger


def test_html_shows_hostile_text_as_text(write: Callable[..., bytes]) -> None:
    """Markup in any field is shown as text, and no link but http, https and mailto is made."""
    hostile = '<script>alert(1)</script><img src=x onerror=alert(1)>" onmouseover="alert(1)'
    pair = QuestionAnswer(
        hostile,
        hostile,
        sources=(Source(hostile, "javascript:alert(1)"), Source("t", 'https://e.example/"onmouseover="x')),
    )
    html = body(
        write(
            pairs=[pair],
            note=hostile,
            visitor_name=hostile,
            page="javascript:alert(1)",
            subject=hostile,
            letterhead=replace(LETTERHEAD, site_name=hostile),
        ),
        "html",
    )
    assert "<script" not in html
    assert "<img" not in html
    # Parsed as a browser does: an attribute that broke out of its quotes would have a name of its own.
    parser = _Attributes()
    parser.feed(html)
    known = ["lang", "charset", "name", "content", "class", "scope", "href", "rel", "style", "dir", "align", "valign"]
    assert parser.names <= set(known)
    assert [link for link in parser.links if not link.startswith(("https://", "mailto:"))] == []
    assert "javascript:alert(1)" in html  # shown, not lost


class _Attributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names |= {name for name, _ in attributes}
        self.links += [value or "" for name, value in attributes if name == "href"]


def test_html_keeps_line_breaks_without_styles(write: Callable[..., bytes]) -> None:
    """Lines of the note and of a question stay apart in programs that drop the style sheet, as helpdesks do."""
    html = body(write(note="one\n<two>\n\nthree", pairs=[QuestionAnswer("four\nfive", "six")]), "html")
    assert squeezed("one<br>&lt;two&gt;<br><br>three") in squeezed(html)
    assert squeezed("four<br>five") in squeezed(html)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_plain_text_is_not_escaped(write: Callable[..., bytes]) -> None:
    """The plain text has the visitor's characters themselves, not HTML entities."""
    assert "a < b && \"c\" 'd'" in body(write(note="a < b && \"c\" 'd'"), "plain")


def test_html_mailto_link_is_an_address(write: Callable[..., bytes]) -> None:
    """The link to the visitor works in mail programs that take the address literally (RFC 6068: a bare @)."""
    html = body(write(visitor_email="o'brien+docs&x=1@example.net"), "html")
    assert 'href="mailto:o%27brien%2Bdocs%26x%3D1@example.net"' in html


@pytest.mark.parametrize(
    ("address", "linked"),
    [
        ("https://e.example/a?b=c#d", True),
        ("HTTP://e.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (" https://e.example", False),
        ("https://e.example/a b", False),
        ("https://e.example/\n", False),
        ("https://bank.example@evil.example/", False),
        ("http://[", False),
        ("//e.example", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_become_links(address: str | None, linked: bool) -> None:
    """Only an http or https address of one word, with a host and without a user, becomes a link."""
    assert is_link(address) is linked


def test_attachment_is_the_conversation(write: Callable[..., bytes]) -> None:
    """conversation.json holds the conversation and what belongs to it, letter for letter."""
    pairs = [QuestionAnswer("Q\n\u2028ü🔑", "A\t\n.\n", "id-1", (Source("S", "https://e.example"),), True, "downvote")]
    attachments = list(
        read(
            write(pairs=pairs, note="n", page="https://e.example/p", thread_id="th", answer_id="id-1")
        ).iter_attachments()
    )
    assert [(one.get_filename(), one.get_content_type()) for one in attachments] == [
        ("conversation.json", "application/json")
    ]
    document = json.loads(attachments[0].get_content())
    assert document["conversation"] == [pair.as_json() for pair in pairs]
    assert {name: document[name] for name in ("reference", "email", "note", "page", "thread_id", "answer_id")} == {
        "reference": "T-7F3K2Q",
        "email": "visitor@example.net",
        "note": "n",
        "page": "https://e.example/p",
        "thread_id": "th",
        "answer_id": "id-1",
    }
    assert datetime.now(timezone.utc) - datetime.fromisoformat(document["created_at"]) < timedelta(minutes=1)


def test_attachment_can_be_left_out(write: Callable[..., bytes]) -> None:
    """Without the attachment the mail has its two texts alone."""
    message = read(write(letterhead=replace(LETTERHEAD, attach_json=False)))
    assert list(message.iter_attachments()) == []
    assert [part.get_content_type() for part in message.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
    ]


LINES_OF_OURS = "Reply to:  evil@example.org\n======== 2 of 2 ========\nANSWER\n\nTicket:    T-ABCDEF"


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=ascii)
def test_text_imitates_no_line_of_ours(write: Callable[..., bytes], line_end: str) -> None:
    """Whatever a visitor or the AI wrote is quoted in the text part, every line of it, in every field."""
    forged = f"x\n{LINES_OF_OURS}".replace("\n", line_end)
    pair = QuestionAnswer(forged, forged, "a1", (Source(forged, f"urn:{forged}"),))
    data = write(pairs=[pair, pair], note=forged, visitor_name=forged, page=forged)
    plain = write(
        pairs=[QuestionAnswer("x", "x", "a1", (Source("x", "urn:x"),))] * 2, note="x", visitor_name="x", page="x"
    )
    ours = [line for line in body(data, "plain").splitlines() if not line.startswith(">")]
    # Where our own line quotes one of theirs, it is one line.
    shapes = [line.partition("> ")[0] for line in ours]
    assert shapes == [
        line.partition("> ")[0] for line in body(plain, "plain").splitlines() if not line.startswith(">")
    ]
    assert shapes.count("Reply to:  visitor@example.net") == 1


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_invisible_characters_leave_bodies(write: Callable[..., bytes], kind: str) -> None:
    """In every field; the attachment keeps them."""
    hidden = "pay\u202epal"
    pair = QuestionAnswer(
        hidden, f"{hidden} `{hidden}` &#8238;", sources=(Source(hidden, "https://x.example/\u202ey"),)
    )
    data = write(
        pairs=[pair, pair],
        note=hidden,
        visitor_name=hidden,
        page="https://x.example/\u202ey",
        subject=hidden,
        letterhead=replace(LETTERHEAD, site_name=hidden),
    )
    assert "\u202e" not in body(data, kind)
    assert body(data, kind).count("paypal") >= 8
    (attachment,) = read(data).iter_attachments()
    assert json.loads(attachment.get_content())["conversation"][0]["question"] == hidden


def test_no_link_hides_where_it_leads(write: Callable[..., bytes]) -> None:
    """Links of answers and sources show their host, and an address with a user in it is text."""
    pair = QuestionAnswer(
        "Q",
        "[https://a.example/reset](https://evil.example/x)",
        sources=(
            Source("Key guide", "https://e.example/keys"),
            Source("https://e.example/bare", "https://e.example/bare"),
            Source("bank", "https://bank.example@evil.example/"),
        ),
    )
    html = body(write(pairs=[pair], page="https://bank.example@evil.example/page"), "html")
    for words in (
        ">https://a.example/reset</a> <bdi>→ evil.example</bdi>",
        ">Key guide</a> <bdi>→ e.example</bdi>",
        ">https://e.example/bare</a></li>",
        "<li>bank (https://bank.example@evil.example/)</li>",
        "<td>https://bank.example@evil.example/page</td>",
    ):
        assert words in html
    assert 'href="https://bank' not in html


def test_pages_in_other_scripts_show_their_host(write: Callable[..., bytes]) -> None:
    """A letter that looks like another one is not taken for it."""
    data = write(page="https://\u0435vil.example/")
    assert "Page:      > https://\u0435vil.example/ → xn--vil-qdd.example" in body(data, "plain")
    html = body(data, "html")
    assert "</a> <bdi>→ xn--vil-qdd.example</bdi>" in html


# Size


@pytest.mark.parametrize(
    ("unit", "kinds", "said"),
    [
        ("word ", ["text/plain", "application/json"], ""),
        ("**a** <b> ", ["text/plain", "application/json"], ""),
        ('"', ["text/plain"], "conversation.json. "),
        ("\n", ["text/plain"], "conversation.json and the rest of the conversation. "),
        ("ü\U0001f98a", ["text/plain", "application/json"], ""),
    ],
    ids=ascii,
)
def test_a_mail_is_never_larger_than_its_limit(
    write: Callable[..., bytes], unit: str, kinds: list[str], said: str
) -> None:
    """A megabyte of anything becomes a mail of at most 5 MB, which says what had to be left out."""
    text = (unit * 1_000_000).encode()[: 1_000_000 // 16].decode(errors="ignore")
    data = write(pairs=[QuestionAnswer("Q", text)] * 16)
    assert len(data) <= MAX_MESSAGE
    assert [part.get_content_type() for part in read(data).walk() if not part.is_multipart()] == kinds
    last = body(data, "plain").rstrip().splitlines()[-1]
    if said:
        assert last == f"Too large for this mail: {said}The whole conversation is stored with ticket T-7F3K2Q."
    else:
        assert "Too large" not in body(data, "plain")
        assert body(data, "plain").count("======== 16 of 16 ========") == 1


def test_a_mail_of_many_megabytes_is_sent(write: Callable[..., bytes]) -> None:
    """Where a site takes larger requests, the mail has as much as fits."""
    data = write(pairs=[QuestionAnswer("Q", "ü" * 20_000_000)])
    assert 2_000_000 < len(data) <= MAX_MESSAGE
    assert "…\n\n--------\nToo large for this mail" in body(data, "plain").replace("\r\n", "\n")


def test_composing_takes_no_square(environment: Environment) -> None:
    """Four times the conversation takes about four times as long, also in many answers."""

    def write(count: int) -> None:
        ticket, _ = a_ticket()
        for unit in ("a@b.c ", "\n", "http://ü.a ", '"'):
            pair = QuestionAnswer(unit * 1000, unit * 2000, sources=(Source("t", "https://ü.example/"),) * 20)
            compose(environment, LETTERHEAD, ticket, Conversation((pair,) * count))

    assert growth(write, 3, 12) < LINEAR


def test_text_cannot_end_its_part(write: Callable[..., bytes]) -> None:
    """A text that looks like MIME stays in its own part: the boundary cannot occur in it and is new each time."""
    forged = "\r\n--=_0\r\nContent-Type: text/html\r\n\r\n<b>forged</b>\r\n--=_0--\r\n"
    first, second = write(note=forged), write(note=forged)
    assert [part.get_content_type() for part in read(first).walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/json",
    ]
    assert "<b>forged</b>" in body(first, "plain")
    assert read(first).get_boundary() != read(second).get_boundary()


def test_site_can_replace_the_mails_templates(make_app: Callable[..., Flask], tmp_path: Any) -> None:
    """A template of the site with the same name takes the place of the package's."""
    folder = tmp_path / "site-templates" / "kapa_handoff" / "mail"
    folder.mkdir(parents=True)
    (folder / "ticket.txt").write_text("OWN {{ ticket.reference }} {{ pairs[0].question }}")
    app = make_app()
    app.template_folder = str(tmp_path / "site-templates")
    message = compose(mail_environment(app), LETTERHEAD, *a_ticket())
    assert message.text.startswith("OWN T-7F3K2Q How do I rotate")
    assert "<html" in str(message.html)


class Panic(BaseException):
    """What native code raises when it panics is no Exception."""


BROKEN = {
    "syntax": "{% if %}",
    "error": "a\n{{ ticket.note.no_such.name }}",
    "unknown filter": "{{ ticket.note | no_such }}",
    "panic": "{{ panic(ticket.note) }}",
}


def with_templates(app: Flask, **templates: str) -> Environment:
    """The mail environment of a site with templates of its own: ``with_templates(app, html="...", txt="...")``."""

    def panic(text: str) -> str:
        raise Panic(text)

    app.jinja_env.globals["panic"] = panic
    app.jinja_loader = DictLoader({f"kapa_handoff/mail/ticket.{ending}": text for ending, text in templates.items()})
    return mail_environment(app)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_mail_without_its_html_goes_out_as_text(app: Flask, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where the HTML cannot be had the mail has its text and attachment, and the log says why, by reference alone."""
    ticket, conversation = a_ticket(note="My note is private.")
    message = compose(with_templates(app, html=broken), LETTERHEAD, ticket, conversation)
    assert message.html is None
    assert [part.get_content_type() for part in read(message.data).walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/json",
    ]
    assert "How do I rotate a key?" in body(message.data, "plain")
    logged = logging.Formatter().format(caplog.records[0])
    assert "T-7F3K2Q" in logged
    assert HTML in logged
    assert "private" not in caplog.text
    assert "visitor@example.net" not in caplog.text


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_text_template_is_replaced(app: Flask, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where a site's own text template fails the package's takes its place, beside the site's HTML."""
    message = compose(with_templates(app, txt=broken, html="<p>OWN"), LETTERHEAD, *a_ticket(note="a < b"))
    assert message.html == "<p>OWN"
    text = body(message.data, "plain")
    assert "a < b" in text
    assert "How do I rotate a key?" in text
    assert "T-7F3K2Q" in caplog.text
    assert TEXT in caplog.text


def test_log_names_the_line_of_a_broken_template(app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever wrote the template is told which of its lines fails."""
    folder = tmp_path / "site-templates" / "kapa_handoff" / "mail"
    folder.mkdir(parents=True)
    (folder / "ticket.html").write_text("<p>\n<p>\n{{ ticket.note.no_such.name }}\n")
    app.template_folder = str(tmp_path / "site-templates")
    compose(mail_environment(app), LETTERHEAD, *a_ticket())
    assert f"{HTML}, line 3: UndefinedError" in caplog.text


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupts_end_the_composing(app: Flask, interrupt: type[BaseException]) -> None:
    """Ctrl-C and the end of the process are no failure of a template."""

    def stop() -> str:
        raise interrupt

    environment = with_templates(app, html="{{ stop() }}")
    environment.globals["stop"] = stop
    with pytest.raises(interrupt):
        compose(environment, LETTERHEAD, *a_ticket())
