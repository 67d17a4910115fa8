"""When does an answer qualify for a handoff? One pure decision."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from .conversation import Conversation


class Trigger(str, Enum):
    """What makes the button appear; the values are Kapa's names (``data-handoff-triggers``)."""

    ALWAYS = "always"
    CONVERSATION_LENGTH = "conversation-length"
    UNCERTAINTY = "uncertainty"
    DOWNVOTE = "downvote"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Facts:
    """What is known about an answer when deciding.

    Arguments:
        pairs: number of question-answer pairs of the thread up to and with this answer, 1 or more.
        uncertain: the answer was flagged as uncertain.
        downvoted: the visitor's vote on the answer is a downvote.
    """

    pairs: int
    uncertain: bool = False
    downvoted: bool = False

    @classmethod
    def of(cls, conversation: Conversation, answer_id: str | None = None) -> Facts:
        """The facts of one answer of a conversation.

        Arguments:
            answer_id: the answer's id; the last answer counts without one, and where none has it.
        """
        pairs = conversation.pairs
        places = [place for place, pair in enumerate(pairs) if answer_id is not None and pair.id == answer_id]
        place = places[-1] if places else len(pairs) - 1
        return cls(place + 1, pairs[place].uncertain, pairs[place].reaction == "downvote")


class Rules(Protocol):
    """The part of a desk's settings that decides."""

    @property
    def triggers(self) -> Collection[Trigger]: ...

    @property
    def threshold(self) -> int: ...


def matching(facts: Facts, rules: Rules) -> tuple[Trigger, ...]:
    """The chosen triggers that this answer meets, in the order of :class:`Trigger`; none: no button."""
    met = {
        Trigger.ALWAYS: True,
        Trigger.CONVERSATION_LENGTH: facts.pairs >= rules.threshold,
        Trigger.UNCERTAINTY: facts.uncertain,
        Trigger.DOWNVOTE: facts.downvoted,
    }
    return tuple(trigger for trigger in Trigger if trigger in rules.triggers and met[trigger])


def parse_triggers(value: str | Iterable[str]) -> tuple[Trigger, ...]:
    """Read triggers from comma-separated text or a list of names.

    Returns:
        Each trigger once, in the order of :class:`Trigger`.

    Raises:
        ValueError: a name is unknown, or there is none; the message names it and the allowed ones.
    """
    names = value.split(",") if isinstance(value, str) else list(value)
    allowed = ", ".join(trigger.value for trigger in Trigger)
    chosen = set()
    for name in names:
        text = str(name).strip()
        if not text:
            continue
        try:
            chosen.add(Trigger(text))
        except ValueError:
            raise ValueError(f"unknown trigger {text!r}; use any of {allowed}") from None
    if not chosen:
        raise ValueError(f"no trigger is chosen; use any of {allowed}")
    return tuple(trigger for trigger in Trigger if trigger in chosen)
