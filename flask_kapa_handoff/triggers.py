"""Decides when an answer qualifies for a handoff: one table of triggers, and one pure function.

A new trigger is a member of :class:`Trigger` and a row of :data:`TABLE`; everything else loops over the table. If it
needs a new fact, that is a field of :class:`Facts`, which :meth:`Facts.of` fills and the scripts report by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from typing import Any, Protocol

from .conversation import Conversation
from .translation import gettext as _
from .translation import noop as N_
from .unknown import Unknown, log_once, read_name


class Trigger(str, Enum):
    """What makes the button appear; the first four values are Kapa's names (``data-handoff-triggers``)."""

    ALWAYS = "always"
    CONVERSATION_LENGTH = "conversation-length"
    UNCERTAINTY = "uncertainty"
    DOWNVOTE = "downvote"
    ASKED_FOR_HUMAN = "asked-for-human"

    def __str__(self) -> str:
        return self.value


Asks = Callable[[str], bool]
"""Whether a question asks for a human, see :meth:`.HumanRequests.found_in`."""

MAX_TEXT = 100
"""The most characters of a list of triggers in the database."""


@dataclass(frozen=True)
class Facts:
    """What is known about an answer when deciding.

    Each field is a parameter of ``GET /offer`` and a claim of an offer by the same name. All but ``pairs`` have a
    default, which applies if a page or an offer does not name the fact.

    Arguments:
        pairs: number of question-answer pairs of the thread up to and including this answer; 0: there is no answer,
            since the visitor has not asked the AI. Then no trigger is met, and the desk must allow that.
        uncertain: the answer was flagged as uncertain.
        downvoted: the visitor's vote on the answer is a downvote.
        stopped: the answer is incomplete: the visitor stopped it, or something failed.
        asked_for_human: the question asks for a human. The server decides that from the question, which is not kept;
            no page reports it.
    """

    pairs: int
    uncertain: bool = False
    downvoted: bool = False
    stopped: bool = False
    asked_for_human: bool = field(default=False, metadata={"reported": False})

    @classmethod
    def of(cls, conversation: Conversation, answer_id: str | None = None, asks: Asks | None = None) -> Facts:
        """The facts of one answer of a conversation.

        Arguments:
            answer_id: the answer's id; without one, or if no answer has it, the last answer counts.
            asks: whether a question asks for a human; None: the desk does not want to know.
        """
        pairs = conversation.pairs
        if not pairs:
            return cls(0)
        places = [place for place, pair in enumerate(pairs) if answer_id is not None and pair.id == answer_id]
        place = places[-1] if places else len(pairs) - 1
        pair = pairs[place]
        asked = asks is not None and asks(pair.question)
        return cls(place + 1, pair.uncertain, pair.reaction == "downvote", pair.stopped, asked)

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Facts:
        """The facts in the claims of an offer, maybe of a later version; other claims are ignored. Never raises."""
        found: dict[str, Any] = {}
        for fact in fields(cls):
            default = 1 if fact.default is MISSING else fact.default
            value = claims.get(fact.name, default)
            if type(value) is float and value.is_integer() and type(default) is int:
                value = int(value)
            if type(value) is not type(default):  # as another version may count it
                log_once(f"value of the fact {fact.name}", value)
                value = default
            found[fact.name] = value
        return cls(**found)


def reported_facts() -> list[Field[Any]]:
    """The facts that pages report; the server itself decides the others."""
    return [fact for fact in fields(Facts) if fact.metadata.get("reported", True)]


class Rules(Protocol):
    """The part of a desk's settings that decides."""

    @property
    def triggers(self) -> Collection[Trigger | Unknown]: ...

    @property
    def threshold(self) -> int: ...


@dataclass(frozen=True)
class Row:
    """Everything about one trigger. A row without its texts cannot be created.

    Arguments:
        name: the trigger.
        rule: whether an answer meets it, by its facts and the desk's settings.
        reason: why the button was shown, for the agent; the mail shows it after "Why the button appeared:".
        label, hint: the admin's choice, and a sentence that explains it.
        shown: when the button is shown, for the sentence "Shown … or …" under the preview.
        kapa_knows: whether Kapa's widget has a trigger of this name; only such names go into its tag.

    Raises:
        ValueError: one of the texts is missing.
    """

    name: Trigger
    rule: Callable[[Facts, Rules], bool]
    reason: str
    label: str
    hint: str
    shown: Callable[[int], str]
    kapa_knows: bool

    def __post_init__(self) -> None:
        words = {"reason": self.reason, "label": self.label, "hint": self.hint, "shown": self.shown(1)}
        missing = [name for name, text in words.items() if not text.strip()]
        if missing:
            raise ValueError(f"the trigger {self.name} has no words for: {', '.join(missing)}")


def _from_question(threshold: int) -> str:
    return _("from the first question") if threshold == 1 else _("from question %(number)s", number=threshold)


def make_table(*rows: Row) -> dict[Trigger, Row]:
    """The rows by trigger.

    Raises:
        ValueError: a trigger has no row, or two, or they are not in the order of :class:`Trigger`.
    """
    table = {row.name: row for row in rows}
    if list(table) != list(Trigger) or len(rows) != len(table):
        raise ValueError("each trigger has one row, in the order of Trigger")
    return table


TABLE: Mapping[Trigger, Row] = make_table(
    Row(
        Trigger.ALWAYS,
        rule=lambda facts, rules: True,
        reason=N_("it appears under every answer"),
        label=N_("Every answer"),
        hint=N_("Show it under every answer."),
        shown=lambda threshold: _("under every answer"),
        kapa_knows=True,
    ),
    Row(
        Trigger.CONVERSATION_LENGTH,
        rule=lambda facts, rules: facts.pairs >= rules.threshold,
        reason=N_("the conversation was long"),
        label=N_("Long conversations"),
        hint=N_("The visitor has already asked several questions."),
        shown=_from_question,
        kapa_knows=True,
    ),
    Row(
        Trigger.UNCERTAINTY,
        rule=lambda facts, rules: facts.uncertain or facts.stopped,
        reason=N_("the answer was flagged as uncertain or was incomplete"),
        label=N_("Uncertain answers"),
        hint=N_("The AI flagged its own answer as uncertain, or the answer failed or was stopped."),
        shown=lambda threshold: _("when the answer is uncertain"),
        kapa_knows=True,
    ),
    Row(
        Trigger.DOWNVOTE,
        rule=lambda facts, rules: facts.downvoted,
        reason=N_("the visitor voted the answer down"),
        label=N_("Downvoted answers"),
        hint=N_("The visitor voted the answer down."),
        shown=lambda threshold: _("after a downvote"),
        kapa_knows=True,
    ),
    Row(
        Trigger.ASKED_FOR_HUMAN,
        rule=lambda facts, rules: facts.asked_for_human,
        reason=N_("the visitor asked for a human"),
        label=N_("Asks for a human"),
        hint=N_("The visitor's question asks for a human, such as “Can I talk to a person?”"),
        shown=lambda threshold: _("when the visitor asks for a human"),
        kapa_knows=False,
    ),
)
"""Every trigger, in the order in which people are shown them."""


def matching(facts: Facts, rules: Rules) -> tuple[Trigger, ...]:
    """The chosen triggers that this answer meets, in the order of :data:`TABLE`; empty: no button.

    No answer meets a trigger that this version does not know, and without an answer none is met.
    """
    if not facts.pairs:
        return ()
    return tuple(row.name for row in TABLE.values() if row.name in rules.triggers and row.rule(facts, rules))


def parse_triggers(value: str | Iterable[str]) -> tuple[Trigger, ...]:
    """Read triggers that somebody typed, from comma-separated text or a list of names.

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


def read_triggers(value: str | Iterable[str]) -> tuple[Trigger | Unknown, ...]:
    """Read triggers that this package has stored or signed, maybe in a later version. Never raises.

    Returns:
        Each trigger once, in the order of :class:`Trigger`, then the names that this version does not know.
    """
    names = value.split(",") if isinstance(value, str) else [str(name) for name in value]
    found = dict.fromkeys(read_name(Trigger, name.strip(), "trigger") for name in names if name.strip())
    known = tuple(trigger for trigger in Trigger if trigger in found)
    return known + tuple(name for name in found if isinstance(name, Unknown))


def as_stored(names: Iterable[Trigger | Unknown]) -> str:
    """Triggers as they are stored with a ticket: as many as the column holds, the known ones first."""
    text = ""
    for name in names:
        longer = f"{text},{name.value}" if text else name.value
        if len(longer) > MAX_TEXT:
            break
        text = longer
    return text


def labels(names: Iterable[Trigger | Unknown]) -> str:
    """Triggers as text for the admin."""
    return ", ".join(name.label if isinstance(name, Unknown) else _(TABLE[name].label) for name in names)


def reasons(names: Iterable[Trigger | Unknown]) -> list[str]:
    """Why the button was shown, for the agent: a reason for each trigger; unknown ones are named as unknown."""
    return [
        _("a reason that this version does not know (%(name)s)", name=name)
        if isinstance(name, Unknown)
        else _(TABLE[name].reason)
        for name in names
    ]
