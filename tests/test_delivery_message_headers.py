"""A ticket as a mail: headers are as documented, and nobody can break them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.delivery.mail.headers import address, header, header_text
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.template_environment import make_environment
from tests.helpers.mails import (
    HEADERS,
    INVISIBLE,
    LETTERHEAD,
    LINE_ENDS,
    a_ticket,
    assert_unbroken,
    header_names,
    read,
)

pytestmark = pytest.mark.only("sqlite")

# Headers


def test_headers_are_the_documented_ones(write: Callable[..., bytes]) -> None:
    """A mail has exactly the documented headers, each once, and no Precedence or Auto-Submitted."""
    data = write()
    assert sorted(header_names(data)) == sorted(HEADERS)
    message = read(data)
    assert message["From"] == '"visitor (via Docs)" <docs@example.com>'
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
    assert message["In-Reply-To"] == read(write(id=earlier))["Message-ID"] == f"<{earlier}@example.com>"
    assert message["References"].split() == [f"<thread-{earlier}@example.com>", f"<{earlier}@example.com>"]


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
    assert f"References: <thread-{earlier}@{domain}>" in lines
    assert f" <{earlier}@{domain}>" in lines


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
        "a@x.example,b@x.example",
        "a@x.example, ",
        "<>",
        "=?utf-8?q?=0A?=@x.example",
        "=?utf-8?q?a=40b=2Eexample?=@x.example",
    ],
)
def test_an_invalid_address_is_refused(write: Callable[..., bytes], hostile: str) -> None:
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
    blank = " " if character in {"\x00", "\ud83d"} else ""  # the others are often inside words, such as U+200F
    assert message["Subject"] == f"[Do{blank}cs] T-7F3K2Q: pay{blank}pal"
    assert message["X-Kapa-Handoff-Desk"] == f"sa{blank}les"


HOSTILE = [
    *LINE_ENDS,
    *INVISIBLE,
    *"\t\x1b\x7f\ud83d\ue000\u180e",
    *(
        "=?",
        "?=",
        "=",
        "?",
        "_",
        "=?utf-8?q?=0A?=",
        "=?utf-8?b?CkJjYzogZXZpbEBleGFtcGxlLm9yZw==?=",
        "Bcc: e@x.example",
    ),
    *(
        " ",
        "  ",
        " " * 80,
        "a",
        "word " * 12,
        "x" * 75,
        "x" * 300,
        "ü",
        "鍵",
        "👩\u200d💻",
        "e\u0301" * 40,
        "می\u200cخ",
    ),
    *'"\\()<>@,;:.[]',
]


def test_random_texts_break_no_header() -> None:
    """Whatever is put together from hostile pieces, a header is one, on short lines, and reads as its safe text."""
    chosen = random.Random(12)  # noqa: S311 - the same texts in each run
    for _ in range(1500):
        hostile = "".join(chosen.choices(HOSTILE, k=chosen.randrange(1, 9)))
        text = header_text(hostile)
        written = header("Subject", text) + header("From", address("docs@example.com", text))
        assert header_names(written + b"\r\n") == ["Subject", "From"]
        *lines, last = written.decode("ascii").split("\r\n")
        assert last == ""
        assert all(line.isprintable() and line.strip() and len(line) <= 78 for line in lines)
        message = read(written + b"\r\n")
        assert message.keys() == ["Subject", "From"]
        assert str(message["Subject"]) == text
        assert "=?" not in text
        (sender,) = message["From"].addresses
        assert sender.addr_spec == "docs@example.com"
        assert "".join(sender.display_name.split()) == "".join(text.split())


def test_a_text_that_nobody_made_safe_breaks_no_header() -> None:
    """Even without header_text(), a header is refused or reads as its text, encoded words included."""
    chosen = random.Random(13)  # noqa: S311 - the same texts in each run
    refused = 0
    for _ in range(500):
        hostile = "".join(chosen.choices(HOSTILE, k=chosen.randrange(1, 5)))
        try:
            written = header("Subject", hostile)
        except ValueError:
            refused += 1
            continue
        assert header_names(written + b"\r\n") == ["Subject"]
        assert str(read(written + b"\r\n")["Subject"]).strip() == hostile.strip()
    assert 100 < refused < 400


def test_header_text_keeps_what_is_harmless() -> None:
    """Accents, other scripts, emoji and punctuation stay as they are."""
    text = 'Schlüssel „drehen“? مفتاح می‌خواهم API‌ها ه‍.ش. क्‍ष 鍵 🔑👩‍💻 a=b? (50 %) <x> \\ "q"'
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
    state = state_of(app)
    assert state.config.sender is not None
    letterhead = Letterhead("Docs", state.config.sender, names_visitor=False)
    message = compose(make_environment(app), letterhead, *a_ticket())
    assert message.sender == address
    found = read(message.data)["From"].addresses
    # Python's parser puts spaces between the parts of a long name (RFC 2047, 6.2, has none there).
    assert [("".join(one.display_name.split()), one.addr_spec) for one in found] == [("".join(name.split()), address)]
    assert_unbroken(message.data)
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
