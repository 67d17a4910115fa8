"""What a finder reads and what it returns: places in a text that hold a secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MAX_EFFORT = 75_000
"""How much is looked at in one text, in steps of about a microsecond: twice what a megabyte of nothing but READMEs'
lines about secrets takes.

Only a text that is made to slow a process down has more of the words that the rules look for. Its end stays as it is.
"""


class Subject:
    """A text, and the forms of it in which words are found fast.

    Attributes:
        text: the text itself.
        data: one octet for each character; those beyond Latin-1 are question marks. All offsets are those of the text.
        lower: ``data`` with its ASCII letters in lower case.
        effort: how much was looked at so far.
    """

    __slots__ = ("data", "effort", "lower", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = text.encode("latin-1", "replace")
        self.lower = self.data.lower()
        self.effort = 0

    def find(self, needle: bytes, start: int = 0) -> int:
        """Where some lower-case octets are next; -1 if nowhere, or if enough was looked at."""
        self.effort += 1
        return self.lower.find(needle, start) if self.effort < MAX_EFFORT else -1


class Span(NamedTuple):
    """A secret from ``start`` to ``end``, and what kind of secret it is."""

    start: int
    end: int
    label: str


def masked(text: str, spans: Iterable[Span]) -> str:
    """The text with ``[hidden: label]`` for each span; spans that overlap become one, with the first's label."""
    parts = []
    done = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= done:
            parts += [text[done : span.start], f"[hidden: {span.label}]"]
        done = max(done, span.end)
    return "".join(parts) + text[done:] if parts else text
