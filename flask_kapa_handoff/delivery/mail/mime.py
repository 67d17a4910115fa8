"""Writes the bytes of a mail: headers that nobody can break, parts that every server accepts.

Header text comes from visitors. Characters that could end a header line, hide text or start a forged encoded word are
removed. The rest is written unchanged if it is plain ASCII, as most of it is; otherwise ``email.message.EmailMessage``
folds and encodes it, which takes a third of a millisecond. Bodies are base64, so no line is longer than servers accept
(RFC 5321, 4.5.3.1.6: 1000 octets).
"""

from __future__ import annotations

import re
import secrets
from binascii import b2a_base64
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from ...email_address import quoted_email
from ...text import INVISIBLE

_POLICY = SMTP.clone(cte_type="7bit")

# C0, C1, line and paragraph separators, surrogates. Python's own header code treats some of them as line ends (\x0b
# \x0c \x1c-\x1e \x85).
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

_LINE_LENGTH = 78  # RFC 5322, 2.1.1
_WORDS = re.compile(" *[^ ]+")
_BASE64_LINES = re.compile(b".{1,76}")  # RFC 2045, 6.8

# Most addresses consist only of atoms and dots (RFC 5322, 3.4.1), and need no parser.
_ATOMS = re.compile(r"([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)@([\w-]+(?:\.[\w-]+)*)", re.ASCII)
# Some mailboxes have dots where RFC 5321, 4.1.2, requires quotes.
_DOTS = re.compile(r"([\w!#$%&'*+/=?^`{|}~.-]+)@([\w-]+(?:\.[\w-]+)*)", re.ASCII)


def header_text(text: str) -> str:
    """Text that is safe in a header: one line, nothing invisible, nothing that reads as an encoded word."""
    # "=?" begins an encoded word (RFC 2047), which could decode to what was just removed.
    return INVISIBLE.sub(" ", _UNSAFE.sub(" ", text)).replace("=?", "= ?").strip()


class _QuotedAddress(Address):
    """An address whose local part needs quotes because of its dots, which Python's class leaves out."""

    @property
    def addr_spec(self) -> str:
        return quoted_email(f"{self.username}@{self.domain}")


def address(addr_spec: str, name: str = "") -> Address:
    """An address for a header and the envelope.

    Raises:
        ValueError: it is not exactly one ASCII address.
    """
    # Not if it may be an encoded word, which EmailMessage would decode.
    if "=?" not in addr_spec and (plain := _ATOMS.fullmatch(addr_spec)):
        return Address(name, username=plain[1], domain=plain[2])
    if "=?" not in addr_spec and (dotted := _DOTS.fullmatch(addr_spec)):
        return _QuotedAddress(name, username=dotted[1], domain=dotted[2])
    # Without parseaddr(): it would pick one of two addresses, and Python versions differ in which.
    try:
        if not addr_spec.isascii() or _UNSAFE.search(addr_spec) or addr_spec.count("@") != 1:
            raise ValueError("not one ASCII address")
        return Address(name, addr_spec=addr_spec)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(f"{addr_spec!r} is no address that a mail can carry") from error


def header(name: str, value: str | Address) -> bytes:
    """One header, on lines of at most 78 characters if its words allow that.

    Arguments:
        value: an address, or a result of :func:`header_text`.
    """
    text = str(value)
    if text.isascii() and text.isprintable():
        lines = [f"{name}:"]
        for word in _WORDS.findall(" " + text):
            if len(lines[-1]) + len(word) <= _LINE_LENGTH:
                lines[-1] += word
            else:
                lines.append(word)
        if len(lines[0]) > len(name) + 1 and max(map(len, lines)) <= _LINE_LENGTH:
            return "\r\n".join([*lines, ""]).encode("ascii")
    message = EmailMessage(policy=_POLICY)
    message[name] = value
    return message.as_bytes().removesuffix(b"\r\n")


def octets(text: str) -> bytes:
    """A text as a mail needs it before encoding: UTF-8, with CRLF line ends (RFC 2046, 4.1.1)."""
    return text.encode(errors="replace").replace(b"\n", b"\r\n")


def part(content_type: str, text: str, *, filename: str | None = None) -> bytes:
    """A text as one part of a mail, including its headers."""
    disposition = f'Content-Disposition: attachment; filename="{filename}"\r\n' if filename else ""
    head = f'Content-Type: {content_type}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n'
    encoded = b2a_base64(octets(text), newline=False)
    return head.encode("ascii") + b"\r\n".join([*_BASE64_LINES.findall(encoded), b""])


def multipart(kind: str, parts: list[bytes]) -> bytes:
    """Several parts as one, including its headers."""
    # "=_" cannot occur in base64, so no body can contain the boundary (RFC 2045, 6.7, note 5).
    boundary = f"=_{secrets.token_hex(16)}".encode("ascii")
    lines = [b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode("ascii"), boundary)]
    lines += [b"--%s\r\n%s" % (boundary, one) for one in parts]
    return b"".join([*lines, b"--%s--\r\n" % boundary])
