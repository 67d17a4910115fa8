"""The parts of a mail: in the plainest encoding that carries their text, and read as they were written."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from html import unescape

import pytest

from flask_kapa_handoff.conversation import QuestionAnswer
from flask_kapa_handoff.delivery.mail.mime import Attachment, body, html_octets, octets
from tests.helpers.mails import LETTERHEAD, read
from tests.helpers.postal_mime import read_by_postal_mime

pytestmark = pytest.mark.only("sqlite")

LONG = "word " * 199 + "ends"  # 999 octets


def parts_of(data: bytes) -> list[EmailMessage]:
    return [part for part in read(data).walk() if not part.is_multipart()]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "7bit"),
        ("One line.", "7bit"),
        ("One line.\n", "7bit"),
        ("> a\n\n\tb  \n.\n..\n.dot\nFrom me\n-- \n", "7bit"),
        ("======== 2 of 2 ========\n" * 20, "7bit"),
        (LONG[1:], "7bit"),
        (f"a\n{LONG[1:]}\nb\n", "7bit"),
        (LONG, "quoted-printable"),
        (f"a\n{LONG}\nb\n", "quoted-printable"),
        (f"{'a' * 3000}", "quoted-printable"),
        ("How’s that – good? Here is a line.\n.\n..\n \n\t\nFrom me, and another one. ", "quoted-printable"),
        ("It has a \x00 and a \x7f in it", "quoted-printable"),
        ("=" * 5000, "base64"),  # quoted-printable takes three times as much
        (" \n" * 2000 + LONG, "base64"),
        ("Как восстановить доступ?\n", "base64"),
        ("本当に?\n", "base64"),
        ("a CR alone \r ends no line\n" * 20, "base64"),
        ("a CR and\r\na line end\n" * 20, "base64"),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_a_text_is_in_the_plainest_encoding(text: str, encoding: str) -> None:
    """ASCII stays as it is while its lines are short enough; a few other characters do not make it base64."""
    data = body(octets(text), octets(text), [Attachment("conversation.txt", "text/plain", text)])
    assert max(map(len, data.split(b"\r\n"))) <= 998
    for part in parts_of(data):
        assert part["Content-Transfer-Encoding"] == encoding
        assert part.get_payload(decode=True) == octets(text)


@pytest.mark.parametrize(
    ("html", "encoding", "sent"),
    [
        ("<p>How’s that – good? " + "It is. " * 20, "7bit", "<p>How&#8217;s that &#8211; good? "),
        ("<title>é</title><STYLE>p {}</STYLE>" + "<p>A.</p>" * 9, "7bit", "<title>&#233;</title>"),
        ("<style>p::before { content: '→' }</STYLE>" + "<p>A.</p>" * 9, "quoted-printable", "content: '→'"),
        ("<p>Как восстановить доступ?</p>", "base64", "Как"),
        (f"<p>{LONG}</p>", "7bit", "word\r\nends"),
        (f'<p>{LONG[8:]}<a href="a b" rel="c d">e f</a></p>', "7bit", 'word\r\nends<a href="a b" rel="c d">e f</a>'),
        (f"<pre >{LONG}</pre>", "quoted-printable", LONG),
        (f"<pre >\n{LONG}\n</pre>", "quoted-printable", LONG),
        (f"<pre >{LONG[20:]}\n</pre>\n<p>{LONG}</p>", "7bit", "word\r\nends"),
        (f'<p style="white-space:pre-wrap">{LONG}</p>', "quoted-printable", LONG),
        (f"<p>{'a' * 999}</p>", "quoted-printable", "a" * 999),
        ("a CR alone \r ends no line\n" * 20, "base64", "\r ends"),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_html_is_ascii_if_it_can_be(html: str, encoding: str, sent: str) -> None:
    """A few other characters become references, and blanks become line breaks, but only where both mean the same."""
    found = html_octets(html)
    (part,) = parts_of(body(b"", found))[1:]
    assert part["Content-Transfer-Encoding"] == encoding
    assert part.get_payload(decode=True) == found
    assert sent in found.decode()
    assert unescape(found.decode()).split() == html.split()
    if "<p" not in html:
        assert found.decode().replace("\r\n", "\n") == html


def test_random_texts_arrive() -> None:
    """What separates, ends, escapes and repeats, in any order, comes out as it went in, within the limits."""
    chosen = random.Random(12)  # noqa: S311 - the same texts in each run
    pieces = [
        "\n",
        "\n\n",
        ".",
        " ",
        "\t",
        "=",
        "=\n",
        "=3D",
        "--",
        "a",
        "word " * 15,
        "x" * 997,
        "x" * 72,
        "x" * 76,
        "ü",
        "鍵",
        "\r",
        "\0",
    ]
    for _ in range(300):
        text = "".join(chosen.choices(pieces, k=chosen.randrange(12)))
        data = body(octets(text), None, [Attachment("a.json", "application/json", text)])
        assert data.isascii()
        assert data.endswith(b"\r\n")
        assert b"\r" not in data.replace(b"\r\n", b"")
        assert b"\n" not in data.replace(b"\r\n", b"")
        assert max(map(len, data.split(b"\r\n"))) <= 998
        assert len(data) <= 1.4 * 2 * len(octets(text)) + 1000
        assert [part.get_payload(decode=True) for part in parts_of(data)] == [octets(text)] * 2
        if b"\r\nContent-Transfer-Encoding: quoted-printable\r\n" in data:
            assert not re.search(rb"[^\r\n]{77}|[ \t]\r\n", data)  # RFC 2045, 6.7


def test_a_part_has_no_more_around_it_than_it_needs() -> None:
    """A multipart has more than one part: spam filters count multipart/mixed with a single one."""
    file = Attachment("conversation.json", "application/json", "{}\n")
    page = Attachment("conversation.html", "text/html", "<p>all of it</p>\n")

    def types(data: bytes) -> list[str]:
        return [part.get_content_type() for part in read(data).walk()]

    assert types(body(b"a", None)) == ["text/plain"]
    assert types(body(b"a", b"<p>a")) == ["multipart/alternative", "text/plain", "text/html"]
    assert types(body(b"a", None, [file])) == ["multipart/mixed", "text/plain", "application/json"]
    data = body(b"a", b"<p>a", [file, page])
    alternative = ["multipart/alternative", "text/plain", "text/html"]
    assert types(data) == ["multipart/mixed", *alternative, "application/json", "text/html"]
    found = read(data).get_body(("html",))
    assert found is not None
    assert found.get_content() == "<p>a"
    assert [one.get_filename() for one in read(data).iter_attachments()] == ["conversation.json", "conversation.html"]


def test_a_mail_without_its_attachment_is_an_alternative(write: Callable[..., bytes]) -> None:
    """A site that wants no conversation.json gets mails with the two texts and nothing around them."""
    message = read(write(letterhead=replace(LETTERHEAD, attach_json=False)))
    assert message.get_content_type() == "multipart/alternative"


def test_a_mail_in_ascii_has_no_base64(write: Callable[..., bytes]) -> None:
    """Text and HTML of an English ticket, also with long lines: spam filters count base64 that is not needed."""
    for answer in ("Run `keys rotate`. See **the guide**: https://docs.example.com/keys?a=1", "word " * 1000):
        data = write(pairs=[QuestionAnswer("How do I rotate a key?", answer)])
        text, html, file = parts_of(data)
        assert "base64" not in {text["Content-Transfer-Encoding"], html["Content-Transfer-Encoding"]}
        assert data.count(b"How do I rotate a key?") >= 3  # the subject, the text, the HTML
        assert file["Content-Transfer-Encoding"] == "base64"


def test_another_parser_reads_the_same(write: Callable[..., bytes]) -> None:
    """Whole mails, in each encoding, with and without HTML and files, as npm's postal-mime reads them."""
    texts = ["Plain.\n.\n..\n> quoted\n", f"Grüße – {LONG}\n", "本当に?\n" * 100, "a \u2028 b =\n=3D \n"]
    files = [Attachment("conversation.json", "application/json", '{"a": "ü"}\n')]
    htmls = (None, "<p>%s</p>\n", "<style></style><pre >%s</pre>\n")
    mails = [
        body(octets(text), None if html is None else html_octets(html % text), some)
        for text in texts
        for html in htmls
        for some in ([], files)
    ]
    mails.append(write(note="Grüße\n.\n本当に"))
    found = read_by_postal_mime([b"Subject: x\r\n" * (mail[:4] == b"MIME") + mail for mail in mails])
    for mail, read_there in zip(mails, found, strict=True):
        message = read(mail)
        for kind, name in (("plain", "text"), ("html", "html")):
            part = message.get_body((kind,))
            expected = part.get_content() if part is not None else ""
            assert (read_there.get(name) or "").split() == expected.split()
            assert (read_there.get(name) or "").count("\n") - expected.count("\n") in {0, 1}  # it may add the last
        assert [(one["filename"], one["mimeType"], one["content"].encode()) for one in read_there["attachments"]] == [
            (one.get_filename(), one.get_content_type(), one.get_payload(decode=True))
            for one in message.iter_attachments()
        ]
