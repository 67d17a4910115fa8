"""What a finder reads and what it returns: places in a text that hold a secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Subject(NamedTuple):
    """A text, and the forms of it in which words are found fast.

    Arguments:
        text: the text itself.
        data: one octet for each character; those beyond Latin-1 are question marks. All offsets are those of the text.
        lower: ``data`` with its ASCII letters in lower case.
    """

    text: str
    data: bytes
    lower: bytes

    @classmethod
    def of(cls, text: str) -> Subject:
        """The forms of a text."""
        data = text.encode("latin-1", "replace")
        return cls(text, data, data.lower())


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
