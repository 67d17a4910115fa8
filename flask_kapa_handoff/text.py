"""Text that visitors and models wrote: kept cheap to normalise, and shown so that it can imitate nothing."""

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
"""Most non-starters in a row (UAX #15, section 13, "Stream-Safe Text Format"). No word of any language has more."""

# What has no shape of its own: soft hyphen, bidirectional controls, zero-width characters. Joiners and tags aside.
_SHAPELESS = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_JOINERS = "\u200c\u200d"
_TAGS = "\U000e0000-\U000e007f"
_BLACK_FLAG = "\U0001f3f4"  # tags after it make another flag of it, such as Scotland's (UTS #51, ED-14a)
# Persian, Hindi and emoji need joiners between two characters, and Indic scripts after a virama also at a word's end.
# Between ASCII letters they only hide something.
_JOINED = f"[^\x00-\xa0\\s{_SHAPELESS}{_JOINERS}{_TAGS}]"
_VIRAMAS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"

INVISIBLE = re.compile(
    f"[{_SHAPELESS}]+"
    f"|(?<![{_BLACK_FLAG}{_TAGS}])[{_TAGS}]+"
    f"|(?<!{_JOINED})[{_JOINERS}]+"
    f"|(?<![{_VIRAMAS}])[{_JOINERS}](?!{_JOINED})"
)
"""Characters that cannot be seen and change how others are read."""


def normalized(text: str) -> str:
    """The text in NFC, its runs of combining marks cut after :data:`LONGEST_RUN`.

    To order the marks of a run takes the square of its length: without the cut, minutes for a megabyte.
    """
    if text.isascii():
        return text
    cut = _cut(text)
    done = unicodedata.normalize("NFC", cut)
    return done if done == cut else _cut(done)  # some characters become several marks


def _cut(text: str) -> str:
    one, too_many = _non_starters()
    # A run that is too long has one of its marks in every sample of that step, and most texts have none there.
    return too_many.sub(r"\1", text) if one.search(text[:: LONGEST_RUN + 1]) else text


@cache
def _non_starters() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One character that no character can be composed before, and a run of too many, the allowed ones as group 1."""
    # All of them lie in these planes. The last three are of class 0 and decompose into nothing but others.
    marks = {code for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))} | {0xF73, 0xF75, 0xF81}
    # As ranges: a pattern looks through single characters beyond U+FFFF one by one.
    first, last = (sorted(code for code in marks if code + step not in marks) for step in (-1, 1))
    one = f"[{''.join(f'{chr(low)}-{chr(high)}' for low, high in zip(first, last, strict=True))}]"
    return re.compile(one), re.compile(f"({one}{{{LONGEST_RUN}}}){one}+")


def visible(text: str) -> str:
    """The text without characters that cannot be seen and change how others are read, such as U+202E."""
    # What cannot be seen is not printable, and to ask that is three times faster than to search.
    if text.isascii() or text.replace("\n", "").isprintable():
        return text
    return INVISIBLE.sub("", text)


def with_visible(record: Record, *names: str) -> Record:
    """A dataclass whose named fields, texts or None, are as they can be seen."""
    values = {name: getattr(record, name) for name in names}
    return replace(record, **{name: visible(text) for name, text in values.items() if text is not None})


def one_line(text: str) -> str:
    """The text on one line, as it can be seen."""
    return " ".join(visible(text).split())


def quoted(text: str) -> str:
    """The text as mails quote it: no line of it can be taken for one of ours, wherever a mail program breaks lines."""
    # splitlines() knows every character that a mail program may take for the end of a line, U+2028 and NEL included.
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])
