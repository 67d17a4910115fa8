"""A ticket as a mail: bodies that say everything, of a size and kind that every server takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from flask_kapa_handoff.conversation import Conversation, QuestionAnswer, Source, is_link
from flask_kapa_handoff.delivery.mail.bodies import MAX_HTML, MAX_TEXT
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.template_environment import TemplateEnvironment
from tests.helpers.growth import LINEAR, growth
from tests.helpers.mails import LETTERHEAD, LINE_ENDS, a_ticket, body, read

pytestmark = pytest.mark.only("sqlite")

MAX_MAIL = 5_000_000  # octets

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
    assert [max(map(len, str(part.get_payload()).splitlines())) for part in parts] == [76, 76, 76, 76]
    # RFC 2046, 4.1.1: text ends its lines with CRLF inside the encoding, too.
    for part in parts:
        text = part.get_payload(decode=True)
        assert isinstance(text, bytes)
        assert b"\n" not in text.replace(b"\r\n", b"")


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
    text = text[text.index("Asked for help here") :]
    third, text = text[: text.index("First question?")], text[text.index("First question?") :]
    assert third.index("Third question?") < third.index("Third answer.")
    said = [
        "First question?",
        "First answer.",
        "Key guide",
        "Second question?",
        "Second answer.",
        "Third question?",
    ]
    assert [text.rindex(words) for words in said] == sorted(text.rindex(words) for words in said)
    # Each mark stands with its own pair.
    second = text[text.index("Second question?") : text.index("Third question?")]
    assert "lagged as uncertain" in second
    assert "oted down" in second
    assert "oted up" in third
    assert "oted down" not in third
    assert "topped early" in third
    assert "topped early" not in second


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
        # The last words are ours, whatever a visitor wrote before.
        assert text.index(words) > text.index("NOTE")
        assert text.index(words) > text.rindex("Run it.")


@pytest.mark.parametrize("trigger", ["always", "conversation-length", "uncertainty", "downvote"])
def test_each_trigger_has_its_reason(write: Callable[..., bytes], trigger: str) -> None:
    """Each trigger is explained in words, the same in text and HTML, and named in a header."""
    data = write(triggers=trigger)
    reasons = {
        "always": "under every answer",
        "conversation-length": "the conversation was long",
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
    known += ["cellpadding", "cellspacing"]
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


LINES_OF_OURS = "Reply to: evil@example.org\n======== 2 of 2 ========\nANSWER\n\nTicket: T-ABCDEF"


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=ascii)
def test_text_imitates_no_line_of_ours(write: Callable[..., bytes], line_end: str) -> None:
    """Whatever a visitor or the AI wrote is quoted in the text part, every line of it, in every field."""
    forged = f"x\n{LINES_OF_OURS}".replace("\n", line_end)
    pair = QuestionAnswer(forged, forged, "a1", (Source(forged, f"urn:{forged}"),))
    data = write(pairs=[pair, pair], note=forged, visitor_name=forged, page=forged)
    plain = write(
        pairs=[QuestionAnswer("x", "x", "a1", (Source("x", "urn:x"),))] * 2, note="x", visitor_name="x", page="x"
    )
    ours = [line for line in body(data, "plain").splitlines() if not line.startswith("|")]
    # Where our own line quotes one of theirs, it is one line.
    shapes = [line.partition("| ")[0] for line in ours]
    assert shapes == [
        line.partition("| ")[0] for line in body(plain, "plain").splitlines() if not line.startswith("|")
    ]
    assert shapes.count("Reply to: visitor@example.net") == 1


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
        ">https://bank.example@evil.example/page</td>",
    ):
        assert words in html
    assert 'href="https://bank' not in html


def test_pages_in_other_scripts_show_their_host(write: Callable[..., bytes]) -> None:
    """A letter that looks like another one is not taken for it."""
    data = write(page="https://\u0435vil.example/")
    assert "Page: | https://\u0435vil.example/ → xn--vil-qdd.example" in body(data, "plain")
    html = body(data, "html")
    assert "</a> <bdi>→ xn--vil-qdd.example</bdi>" in html


# Size


BODIES = ["text/plain", "text/html"]
STORED = "The whole conversation is stored with ticket T-7F3K2Q."


@pytest.mark.parametrize(
    ("unit", "kinds", "said"),
    [
        ("word ", [*BODIES, "text/html", "application/json"], "The attached conversation.html has the whole"),
        ("**a** <b> ", [*BODIES, "text/plain", "application/json"], "The attached conversation.txt has the whole"),
        ('"', [*BODIES, "text/html"], "conversation.json is too large for this mail. "),
        ('\n"', BODIES, STORED),
        ("ü\U0001f98a", [*BODIES, "text/html", "application/json"], "The attached conversation.html has the whole"),
    ],
    ids=ascii,
)
def test_a_mail_is_never_larger_than_its_limits(
    write: Callable[..., bytes], unit: str, kinds: list[str], said: str
) -> None:
    """A megabyte of anything becomes a mail of at most 5 MB with small bodies, which say where the rest is."""
    text = (unit * 1_000_000).encode()[: 1_000_000 // 16].decode(errors="ignore")
    data = write(pairs=[QuestionAnswer("Q", text)] * 16)
    assert len(data) <= MAX_MAIL
    parts = [part for part in read(data).walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == kinds
    assert len(parts[0].get_payload(decode=True)) <= MAX_TEXT
    assert len(parts[1].get_payload(decode=True)) <= MAX_HTML
    for kind in ("plain", "html"):
        assert "It does not work on Tuesdays." in body(data, kind)
        assert "15 earlier questions are not shown here." in body(data, kind)
        assert said in body(data, kind)


def test_a_mail_of_many_megabytes_is_sent(write: Callable[..., bytes]) -> None:
    """Where a site takes larger requests, the mail has as much as fits."""
    data = write(pairs=[QuestionAnswer("Q", "ü" * 20_000_000)])
    assert 40_000 < len(data) <= MAX_MAIL
    for kind in ("plain", "html"):
        assert f"Long texts are shortened here. {STORED}" in body(data, kind)
        assert "ü" * 5_000 in body(data, kind)


def test_composing_takes_linear_time(environment: TemplateEnvironment) -> None:
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
