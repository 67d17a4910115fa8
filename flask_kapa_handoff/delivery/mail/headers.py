"""Writes the headers of a mail, which nobody can break, and which every mail program reads as they were meant.

Header text comes from visitors. Characters that could end a header line or hide text are removed. ASCII is written
unchanged; what is not ASCII becomes encoded words (RFC 2047). The standard library is not used for that: in several
versions of Python it loses blanks between encoded words, or adds some.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from email.errors import MessageError
from email.headerregistry import Address
from unicodedata import category, combining

from ...email_address import quoted_email
from ...text import visible

# C0, C1, line and paragraph separators, surrogates. Some of them end a line for Python's own header code (\x0b \x0c
# \x1c-\x1e \x85), which may read the mail later.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

_LINE_LENGTH = 76  # RFC 2047, 2, for lines with encoded words; RFC 5322, 2.1.1, has 78 for others
_WORDS = re.compile(" *[^ ]+")

_MAX_ENCODED = 63  # RFC 2047, 2: an encoded word has at most 75 characters, 12 of them around its text
# The "Q" encoding of each octet. These are unchanged in any encoded word, also in a display name (RFC 2047, 5 (3)).
_UNCHANGED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_QUOTED = [chr(octet) if octet in _UNCHANGED else f"={octet:02X}" for octet in range(256)]
_QUOTED[ord(" ")] = "_"

_EXTENDING = frozenset(("Mn", "Mc", "Me", "Cf"))  # marks, joiners, tags
_ZERO_WIDTH_JOINER = "\u200d"
_VIRAMA = 9  # its combining class
_SKIN_TONES = "\U0001f3fb\U0001f3ff"
_FLAG_LETTERS = "\U0001f1e6\U0001f1ff"

# Most addresses consist only of atoms and dots (RFC 5322, 3.4.1), and need no parser.
_ATOMS = re.compile(r"([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)@([\w-]+(?:\.[\w-]+)*)", re.ASCII)
# Some mailboxes have dots where RFC 5321, 4.1.2, requires quotes.
_DOTS = re.compile(r"([\w!#$%&'*+/=?^`{|}~.-]+)@([\w-]+(?:\.[\w-]+)*)", re.ASCII)


class _QuotedAddress(Address):
    """An address whose local part needs quotes because of its dots, which Python's class leaves out."""

    @property
    def addr_spec(self) -> str:
        return quoted_email(f"{self.username}@{self.domain}")


def header_text(text: str) -> str:
    """Text that is safe in a header: one line, nothing invisible, nothing that reads as an encoded word."""
    # "=?" begins an encoded word (RFC 2047), which could decode to what was just removed.
    return visible(_UNSAFE.sub(" ", text)).replace("=?", "= ?").strip()


def address(addr_spec: str, name: str = "") -> Address:
    """An address for a header and the envelope.

    Arguments:
        name: a result of :func:`header_text`.

    Raises:
        ValueError: it is not exactly one ASCII address.
    """
    # Not if it may be an encoded word, which some programs would decode.
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
    """One header, on lines of at most 78 characters unless an address is longer.

    Arguments:
        value: an address, or a result of :func:`header_text`.

    Raises:
        ValueError: the value contains a control character, such as the end of a line.
    """
    text = str(value)
    line = f"{name}: {text}"
    if len(line) <= _LINE_LENGTH and line.isascii() and line.isprintable() and "=?" not in line:
        return f"{line}\r\n".encode("ascii")  # as most are
    if _UNSAFE.search(text):
        raise ValueError(f"the header {name} has a control character: {text!r}")
    lines = [f"{name}:"]
    if isinstance(value, Address):
        if any(_must_be_encoded(word, lines[0]) for word in _WORDS.findall(f" {value.display_name}")):
            _add_encoded(lines, value.display_name)
            text = f"<{value.addr_spec}>"
        _add(lines, _WORDS.findall(f" {text}"))
    else:
        words = _WORDS.findall(f" {text}")
        # The first line is never the name alone, which some programs would read as a blank.
        found = [index for index, word in enumerate(words) if _must_be_encoded(word, "" if index else lines[0])]
        if found:  # some programs make one blank of several
            found += [index for index, word in enumerate(words) if word.startswith("  ")]
        # The words between them, too, so that the blanks are inside the encoded words.
        first, end = (min(found), max(found) + 1) if found else (len(words), len(words))
        # Beside these, Python's make_header() loses a line's end and with it the blank.
        while 0 < first < len(words) and words[first - 1][-1] in "()\\":
            first -= 1
        while end < len(words) and words[end].strip()[0] in "()\\":
            end += 1
        _add(lines, words[:first])
        _add_encoded(lines, "".join(words[first:end])[1:])
        _add(lines, words[end:])
    return "\r\n".join([*lines, ""]).encode("ascii")


def _must_be_encoded(word: str, line: str) -> bool:
    """Whether a word, with the blanks before it, can't be added to a line as it is."""
    return not word.isascii() or "=?" in word or len(line) + len(word) > _LINE_LENGTH


def _add(lines: list[str], words: list[str]) -> None:
    """Add words, each with the blanks before it."""
    for word in words:
        if len(lines[-1]) + len(word) <= _LINE_LENGTH:
            lines[-1] += word
        else:
            lines.append(word)


def _add_encoded(lines: list[str], text: str) -> None:
    """Add a text as encoded words; programs that decode them drop what is between two of them."""
    letter, encode = ("q", _quoted) if len(_quoted(text)) <= len(_base64(text)) else ("b", _base64)
    room = min(_MAX_ENCODED, _LINE_LENGTH - len(lines[-1]) - len(" =?utf-8?b??="))
    chunk = ""
    for piece in _pieces(text, encode, _MAX_ENCODED if " " in lines[-1] else room):
        if len(encode(chunk + piece)) > room:
            if chunk:
                lines[-1] += f" =?utf-8?{letter}?{encode(chunk)}?="
            lines.append("")
            chunk, room = "", _MAX_ENCODED
        chunk += piece
    if chunk:
        lines[-1] += f" =?utf-8?{letter}?{encode(chunk)}?="


def _quoted(text: str) -> str:
    return "".join(map(_QUOTED.__getitem__, text.encode()))


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _pieces(text: str, encode: Callable[[str], str], longest: int) -> Iterator[str]:
    """Words with the blanks before them; the characters of a word that is too long, as a reader sees them.

    Whole words, because some programs put blanks between the encoded words of a display name, such as those that use
    Python's ``email.headerregistry``.
    """
    for word in _WORDS.findall(text):
        if len(encode(word)) <= longest:
            yield word
        else:
            for cluster in _clusters(word):
                yield from [cluster] if len(encode(cluster)) <= longest else cluster


def _clusters(word: str) -> Iterator[str]:
    """Grapheme clusters, near enough: a letter with its marks, an emoji of several (UAX #29, 3)."""
    cluster = ""
    for character in word:
        if cluster and not _extends(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    yield cluster


def _extends(cluster: str, character: str) -> bool:
    last = cluster[-1]
    return (
        category(character) in _EXTENDING
        or last == _ZERO_WIDTH_JOINER
        or combining(last) == _VIRAMA
        or _SKIN_TONES[0] <= character <= _SKIN_TONES[-1]
        or (len(cluster) == 1 and all(_FLAG_LETTERS[0] <= each <= _FLAG_LETTERS[-1] for each in cluster + character))
    )
