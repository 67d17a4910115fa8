"""Handles text that visitors and models wrote: quick to normalise, and unable to imitate anything when shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

LONGEST_RUN = 30
"""The most non-starters in a row (UAX #15, section 13, "Stream-Safe Text Format"). No word has more."""

# Invisible characters: soft hyphen, bidirectional controls, zero-width characters. Not joiners and tags.
_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_JOINERS = "\u200c\u200d"
_TAGS = "\U000e0000-\U000e007f"
_BLACK_FLAG = "\U0001f3f4"  # tags after it turn it into another flag, such as Scotland's (UTS #51, ED-14a)
# Persian, Hindi and emoji need joiners between two characters. Arabic and other cursive letters also need them beside
# Latin ones and full stops, and Indic scripts after a virama at the end of a word. Elsewhere they only hide something.
_JOINED = f"[^\x00-\xa0\\s{_INVISIBLE}{_JOINERS}{_TAGS}]"
_CURSIVE = "\u0620-\u077f\u07ca-\u07ff\u0840-\u08ff\ufb50-\ufdff\ufe70-\ufefc"  # Arabic, Syriac, N'Ko, Mandaic
_VIRAMAS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"

INVISIBLE = re.compile(
    f"[{_INVISIBLE}]+"
    f"|(?<![{_BLACK_FLAG}{_TAGS}])[{_TAGS}]+"
    f"|(?<=[{_JOINERS}])[{_JOINERS}]+"  # one is enough
    f"|(?<!{_JOINED})(?<![{_JOINERS}])[{_JOINERS}](?![{_JOINERS}]*[{_CURSIVE}])"
    f"|(?<![{_VIRAMAS}{_CURSIVE}{_JOINERS}])[{_JOINERS}](?![{_JOINERS}]*{_JOINED})"
)
"""Invisible characters that change how others are read."""

# A search for one set is much faster: tabs, wide spaces and new emoji are not printable either.
_MAYBE_INVISIBLE = re.compile(f"[{_INVISIBLE}{_JOINERS}{_TAGS}]")

_ASCII = bytes(range(0x80))

# C0 and C1 controls except tab and newline: PostgreSQL's text columns refuse NUL, and the others are invisible.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_BYTES = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_SURROGATES = re.compile("[\ud800-\udfff]")


def _needs_cleaning(text: str) -> bool:
    # In UTF-8 the C1 controls begin with C2, as do a few characters that stay. Checking bytes is ten times faster than
    # matching the patterns, and most texts need no cleaning.
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return True
    return b"\xc2" in data or len(data.translate(None, _CONTROL_BYTES)) != len(data)


def clean_text(text: str) -> str:
    """Text as it is stored: NFC, ``\\n`` newlines, no controls, no lone surrogates, at most 30 marks in a row."""
    if text.isascii() and text.isprintable():  # ids, titles, addresses
        return text
    if _needs_cleaning(text):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", text))
    return normalized(text)


def normalized(text: str) -> str:
    """The text in NFC, with runs of combining marks cut after :data:`LONGEST_RUN`.

    Ordering the marks takes time that grows with the square of the run's length: minutes for a megabyte without the
    cut.
    """
    if text.isascii():
        return text
    cut = _cut_long_runs(text)
    done = unicodedata.normalize("NFC", cut)
    return done if done == cut else _cut_long_runs(done)  # some characters decompose into several marks


def _cut_long_runs(text: str) -> str:
    one, run = _non_starters()
    parts, done = [], 0
    # A run that is too long has a mark in every sample at that step; most texts have none there.
    for sample in one.finditer(text[:: LONGEST_RUN + 1]):
        at = sample.start() * (LONGEST_RUN + 1)
        if at >= done:
            begin = at - _length(run, text[max(done, at - LONGEST_RUN) : at][::-1])
            end = at + _length(run, text, at)
            if end - begin > LONGEST_RUN:
                parts.append(text[done : begin + LONGEST_RUN])
                done = end
    return "".join(parts) + text[done:] if parts else text


def _length(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    match = pattern.match(text, at)
    return match.end() - at if match else 0


@cache
def _non_starters() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One character that never composes with the one before it; and a run of them."""
    # All of them are in these planes. The last three are of class 0 and decompose only into others.
    marks = {code for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))} | {0xF73, 0xF75, 0xF81}
    # As ranges: a pattern searches single characters beyond U+FFFF one by one.
    first, last = (sorted(code for code in marks if code + step not in marks) for step in (-1, 1))
    one = f"[{''.join(f'{chr(low)}-{chr(high)}' for low, high in zip(first, last, strict=True))}]"
    return re.compile(one), re.compile(f"{one}+")


def visible(text: str) -> str:
    """The text without invisible characters that change how others are read, such as U+202E."""
    if text.isascii():
        return text
    # Looking at the few other characters alone is much faster, and ASCII has none of these.
    others = text.encode(errors="replace").translate(None, _ASCII).decode()
    # Invisible characters are not printable, and checking that is three times faster than searching.
    if others.isprintable() or not _MAYBE_INVISIBLE.search(others):
        return text
    return INVISIBLE.sub("", text)


def with_visible(record: Record, *names: str) -> Record:
    """A dataclass with :func:`visible` applied to the named fields, which are texts or None."""
    # Most texts stay the same, and copying a record takes ten times longer than looking at it.
    changed = {
        name: shown for name in names if (text := getattr(record, name)) and (shown := visible(text)) is not text
    }
    return replace(record, **changed) if changed else record


def one_line(text: str) -> str:
    """The visible text on one line."""
    return " ".join(visible(text).split())


QUOTE = "| "
"""How each line of a visitor or a model begins in a mail. Not with ">": programs that trim replies drop such lines."""


def quoted(text: str) -> str:
    """The text quoted for a mail: none of its lines can pass for ours, wherever a mail program breaks lines.

    None of them passes for the end of the mail, such as a signature's ``--``, either.
    """
    # splitlines() breaks at every character that a mail program may treat as a line break, including U+2028 and NEL.
    return QUOTE + f"\n{QUOTE}".join(text.splitlines())
