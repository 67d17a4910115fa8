"""Writes the body of a mail: parts that every server accepts, in the plainest encoding that fits their text.

ASCII stays as it is unless a line is too long for servers (RFC 5321, 4.5.3.1.6: 1000 octets with its end). Spam
filters count text in base64 that does not need it. HTML is written in ASCII wherever it can be: with character
references, and line breaks instead of blanks.
"""

from __future__ import annotations

import re
import secrets
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST_LINE = 998  # without its CRLF (RFC 5322, 2.1.1)
_REFERENCES_GROWTH = 1.1
_STYLE_SHEET = re.compile("<style.*?</style", re.DOTALL | re.IGNORECASE)  # has no character references
_PLAIN = bytes({*range(0x20, 0x7F), *b"\t\n"} - {*b"="})  # these stay in quoted-printable, within a line
_MOST_ESCAPES = 20
_BASE64_LINES = re.compile(b".{1,76}", re.DOTALL)  # RFC 2045, 6.8; with DOTALL it does not look at each octet
_BASE64_GROWTH = 78 / 57  # with its line ends
_LONGEST_QUOTED = 76
_QUOTED_LINES = re.compile(b".{1,73}[^=]{0,2}", re.DOTALL)  # with room for the "=" at its end; keeps escapes whole


@dataclass(frozen=True)
class Attachment:
    """A text that a mail has as a file.

    Arguments:
        filename: in ASCII, without quotes.
        content_type: such as ``application/json``.
    """

    filename: str
    content_type: str
    text: str


def body(text: bytes, html: bytes | None, attachments: Sequence[Attachment] = ()) -> bytes:
    """The text, the same as HTML, and files: everything of a mail after its own headers.

    Arguments:
        text: see :func:`octets`.
        html: see :func:`html_octets`; None: the mail has only the text.
    """
    data = _part("text/plain", text)
    if html is not None:
        data = _multipart("alternative", [data, _part("text/html", html)])
    if attachments:
        data = _multipart(
            "mixed", [data, *(_part(one.content_type, octets(one.text), one.filename) for one in attachments)]
        )
    return b"MIME-Version: 1.0\r\n%s\r\n" % data


def octets(text: str) -> bytes:
    """A text as a mail needs it before encoding: UTF-8, with CRLF line ends (RFC 2046, 4.1.1)."""
    return text.encode(errors="replace").replace(b"\n", b"\r\n")


def html_octets(html: str) -> bytes:
    """HTML as a mail needs it before encoding: in ASCII and with lines that servers accept, if it can be.

    A few other characters become character references. Blanks become line breaks where both mean the same.
    """
    data = html.encode("ascii", "xmlcharrefreplace")
    if len(data) != len(html):
        sheets = "".join(_STYLE_SHEET.findall(html))
        if len(data) > _REFERENCES_GROWTH * len(html) or not sheets.isascii():
            return octets(html)
    # If more than "pre" keeps blanks, the template is the site's own.
    if max(map(len, data.split(b"\n"))) > _LONGEST_LINE and data.count(b"white-space") <= data.count(b"<pre "):
        data = _with_short_lines(data)
    return data.replace(b"\n", b"\r\n")


def _with_short_lines(html: bytes) -> bytes:
    """HTML whose lines are broken between words outside ``pre`` if they are too long."""
    before, *blocks = html.split(b"<pre")
    parts = [_broken(before)]
    for block in blocks:
        inside, end, after = block.partition(b"</pre")
        parts.append(inside + end + _broken(after))
    return b"<pre".join(parts)


def _broken(html: bytes) -> bytes:
    lines: list[bytes] = []
    for line in html.split(b"\n"):
        rest = line
        while len(rest) > _LONGEST_LINE:
            end = _last_blank(rest)
            if end < 0:
                break
            lines.append(rest[:end])
            rest = rest[end + 1 :]
        lines.append(rest)
    return b"\n".join(lines)


def _last_blank(line: bytes) -> int:
    """The place of the last blank in the text of a line that may begin it, or -1."""
    end = line.rfind(b" ", 0, _LONGEST_LINE)
    while end >= 0 and (tag := line.rfind(b"<", 0, end)) > line.rfind(b">", 0, end):
        end = line.rfind(b" ", 0, tag)
    return end


def _part(content_type: str, data: bytes, filename: str | None = None) -> bytes:
    """A text as one part of a mail, including its headers."""
    # Programs may change the line ends of a text; every octet of another file arrives as it is.
    encoding, encoded = _plainest(data) if content_type.startswith("text/") else ("base64", _base64(data))
    disposition = f'Content-Disposition: attachment; filename="{filename}"\r\n' if filename else ""
    head = f'Content-Type: {content_type}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n'
    return f"{head}{disposition}\r\n".encode("ascii") + encoded


def _plainest(data: bytes) -> tuple[str, bytes]:
    """The name of the plainest encoding for data with CRLF line ends, and the data in it."""
    lines = data.split(b"\r\n")
    changed = data.translate(None, _PLAIN)
    if changed.count(b"\r") == len(lines) - 1:  # a CR alone must not be in a mail, and quoted-printable leaves it
        if not changed.strip(b"=\r") and max(map(len, lines)) <= _LONGEST_LINE:
            return "7bit", data
        # Else base64 is shorter, since quoted-printable takes three octets for one, or quicker to write.
        escaped = set(changed) - {*b"\r"}
        if 6 * (len(changed) - len(lines) + 1) <= len(data) and len(escaped) <= _MOST_ESCAPES:
            quoted = _quoted_printable(data, escaped)
            if len(quoted) <= _BASE64_GROWTH * len(data):
                return "quoted-printable", quoted
    return "base64", _base64(data)


def _quoted_printable(data: bytes, escaped: set[int]) -> bytes:
    """Data with CRLF line ends in quoted-printable (RFC 2045, 6.7), faster than b2a_qp() writes it.

    Arguments:
        escaped: the octets that must not stay as they are.
    """
    data = data.replace(b"=", b"=3D") + b"\r\n"
    for octet in escaped - {*b"="}:
        data = data.replace(b"%c" % octet, b"=%02X" % octet)
    data = data.replace(b" \r\n", b"=20\r\n").replace(b"\t\r\n", b"=09\r\n")
    lines = data.split(b"\r\n")[:-1]
    return b"\r\n".join(
        [b"=\r\n".join(_QUOTED_LINES.findall(line)) if len(line) > _LONGEST_QUOTED else line for line in lines]
    )


def _base64(data: bytes) -> bytes:
    return b"\r\n".join(_BASE64_LINES.findall(b2a_base64(data, newline=False)))


def _multipart(kind: str, parts: list[bytes]) -> bytes:
    """Several parts as one, including its headers."""
    # Nobody can guess the boundary, so no text contains it. The line end before it belongs to it (RFC 2046, 5.1.1).
    boundary = f"=_{secrets.token_hex(16)}".encode("ascii")
    lines = [b'Content-Type: multipart/%s; boundary="%s"\r\n' % (kind.encode("ascii"), boundary)]
    lines += [b"--%s\r\n%s" % (boundary, one) for one in parts]
    return b"\r\n".join([*lines, b"--%s--" % boundary])
