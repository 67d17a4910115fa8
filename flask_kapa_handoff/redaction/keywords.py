"""Reads a text at the words of which secrets are near, found faster than by one search for each word.

Python's ``re`` runs to the next place of a pattern's first character about as fast as memory is read. So the words are
sorted by a rare character in each of them, and each of these few characters is looked for once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .spans import MAX_EFFORT, Span, Subject

Reader = Callable[[Subject, int], tuple["Span | None", int]]
"""Reads the text at a word: the secret, if there is one, and where this reader goes on."""


class Keyword(NamedTuple):
    """A word to look for.

    Arguments:
        word: in lower-case octets.
        read: reads the text at it.
        unless: an expression for what follows it where there is nothing to read.
    """

    word: bytes
    read: Reader
    unless: bytes = b""


_EFFORT = 2
# A word is looked for by the first of these that it contains. In most texts they are rare.
_RARE = b"~kpcsbu/:"


class Keywords:
    """Words to look for. Where two of them begin at the same place, the one that comes first is read."""

    def __init__(self, keywords: Iterable[Keyword]) -> None:
        groups: dict[int, list[Keyword]] = defaultdict(list)
        for keyword in keywords:
            groups[next(octet for octet in _RARE if octet in keyword.word)].append(keyword)
        self._searches = [
            (re.compile(_expression(octet, group)), [(row.word.index(octet), row.read) for row in group])
            for octet, group in groups.items()
        ]

    def find(self, subject: Subject) -> Iterator[Span]:
        """The secrets near these words, in no particular order."""
        resume: dict[Reader, int] = {}
        for pattern, rows in self._searches:
            for match in pattern.finditer(subject.lower):
                subject.effort += _EFFORT
                if subject.effort > MAX_EFFORT:
                    return
                offset, read = rows[(match.lastindex or 1) - 1]
                at = match.start() - offset
                if at >= resume.get(read, 0):
                    span, resume[read] = read(subject, at)
                    if span:
                        yield span


def _expression(octet: int, group: list[Keyword]) -> bytes:
    """The words from this octet on, each with an empty group that tells which it is."""
    rests = []
    for word, _, unless in group:
        before, _, after = word.partition(bytes([octet]))
        # What follows comes first: if it begins with another character, nothing else of this word is tried.
        rest = re.escape(after) + (b"(?<=" + re.escape(word) + b")" if before else b"")
        rests.append(rest + (b"(?!" + unless + b")()" if unless else b"()"))
    return re.escape(bytes([octet])) + b"(?:" + b"|".join(rests) + b")"
