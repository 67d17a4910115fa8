"""What a desk's settings would have done with the answers that are recorded. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..triggers import Facts, Rules, Trigger, matching


@dataclass(frozen=True)
class Group:
    """Answers about which the same is known.

    Arguments:
        facts: what is known about each.
        knows_request: whether it was looked at if the visitor asked for a human.
        sent: whether a ticket came of it.
        count: how many they are.
    """

    facts: Facts
    knows_request: bool
    sent: bool
    count: int = 1


@dataclass(frozen=True)
class Simulation:
    """What settings would have done.

    Arguments:
        answers: how many answers were looked at.
        shown: under how many of them the button would have appeared at some time.
        by_trigger: how many of them meet each of the chosen triggers; one answer may meet several.
        tickets: how many of the answers led to a ticket.
        still_offered: how many of those would still have been offered.
        unknown: under how many more it might have appeared: nobody knows whether the visitor asked for a human.
        without_ids: how many reports at that time had no ids. They cannot be told apart, so they are not among the
            answers.
    """

    answers: int = 0
    shown: int = 0
    by_trigger: Mapping[Trigger, int] = field(default_factory=dict)
    tickets: int = 0
    still_offered: int = 0
    unknown: int = 0
    without_ids: int = 0


def simulate(groups: Iterable[Group], rules: Rules, *, without_ids: int = 0) -> Simulation:
    """What these settings would have done with these answers.

    It is exact, since every trigger asks for single facts, and a record keeps each fact that was once true: one of an
    answer's reports meets a trigger if, and only if, all of them together do.
    """
    answers = shown = tickets = still_offered = unknown = 0
    by_trigger: Counter[Trigger] = Counter()
    wants_request = Trigger.ASKED_FOR_HUMAN in rules.triggers
    for group in groups:
        met = matching(group.facts, rules)
        by_trigger.update(dict.fromkeys(met, group.count))
        answers += group.count
        tickets += group.count * group.sent
        shown += group.count * bool(met)
        still_offered += group.count * (group.sent and bool(met))
        unknown += group.count * (wants_request and not met and not group.knows_request)
    found = {trigger: by_trigger[trigger] for trigger in Trigger if trigger in rules.triggers}
    return Simulation(answers, shown, found, tickets, still_offered, unknown, without_ids)
