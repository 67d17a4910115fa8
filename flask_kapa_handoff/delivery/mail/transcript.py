"""Which pairs of a conversation a mail shows, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ...conversation import Conversation, QuestionAnswer
from ...storage.tickets import Ticket

FEW_SOURCES = 10
"""How many sources a shortened pair keeps."""


@dataclass(frozen=True)
class Item:
    """A pair with its number in the conversation, from 1."""

    number: int
    pair: QuestionAnswer
    is_pressed: bool


class Transcript:
    """A ticket's conversation: the pressed pair, the others in order, and which of them an earlier ticket had.

    A visitor who has not asked the AI has none; then ``pressed`` is None.
    """

    def __init__(self, ticket: Ticket, conversation: Conversation) -> None:
        pressed = conversation.pressed(ticket.answer_id)
        self._items = [Item(n + 1, pair, n == pressed) for n, pair in enumerate(conversation.pairs)]
        self._earlier = ticket.earlier_pairs
        self.pressed = self._items[pressed] if self._items else None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def octets(self) -> int:
        """The size of all questions and answers."""
        return sum(_octets(item.pair) for item in self._items)

    def within(self, octets: int) -> int:
        """How many of the latest pairs have at most so many octets of text, without the pressed one."""
        for count, item in enumerate(reversed(self._items)):
            octets -= 0 if item.is_pressed else _octets(item.pair)
            if octets < 0:
                return count
        return len(self)

    def within_with_pressed(self, octets: int) -> int:
        """The same, with the pressed pair, which is shown in any case."""
        return self.within(octets - _octets(self.pressed.pair)) if self.pressed else 0

    def context(self, latest: int, length: int | None = None) -> dict[str, Any]:
        """What the templates show.

        Arguments:
            latest: how many of the latest pairs; the pressed one is always there.
            length: cut the texts of the pressed pair after so many characters; None: leave them whole.
        """
        kept = [item for item in self._items if item.is_pressed or item.number > len(self) - latest]
        pressed = self.pressed
        if pressed is not None and length is not None:
            pressed = replace(pressed, pair=shortened(pressed.pair, length))
        return {
            "pairs": tuple(item.pair for item in kept),
            "pressed": pressed,
            "total": len(self),
            "new": _beside_pressed(item for item in kept if item.number > self._earlier),
            "earlier": _beside_pressed(item for item in kept if item.number <= self._earlier),
        }


def _octets(pair: QuestionAnswer) -> int:
    return len(pair.question.encode()) + len(pair.answer.encode())


def _beside_pressed(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items; none if the pressed pair, which is shown above them, is the only one."""
    found = tuple(items)
    return found if any(not item.is_pressed for item in found) else ()


def shortened(pair: QuestionAnswer, length: int) -> QuestionAnswer:
    """The pair with its texts cut after so many characters; longer addresses of sources are left out."""
    sources = [source for source in pair.sources if len(source.url) <= length]
    return replace(
        pair,
        question=cut(pair.question, length),
        answer=cut(pair.answer, length),
        comment=cut(pair.comment, length),
        sources=tuple(replace(source, title=cut(source.title, length)) for source in sources[:FEW_SOURCES]),
        files=tuple(cut(name, length) for name in pair.files),
    )


def cut(text: str, length: int) -> str:
    """The text, cut after so many characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
