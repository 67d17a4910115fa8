"""From answers to delivered tickets: how many there were of each, by day, desk and trigger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, cast, func, select

from ..storage.moments import day_of, read_day, seconds_between
from ..storage.reading import plain
from ..storage.tables import answer, ticket
from ..storage.ticket_filters import filters_of
from ..storage.tickets import Status
from ..triggers import Trigger, read_triggers
from ..unknown import Unknown
from .period import Period

_answers, _tickets = answer.c, ticket.c


@dataclass(frozen=True)
class Counts:
    """How many answers there were, and what became of them.

    Answers, offers, opened and cancelled forms come from the answer records; sent and delivered ones are tickets, also
    those of visitors who asked directly.
    """

    answers: int = 0
    offered: int = 0
    opened: int = 0
    sent: int = 0
    cancelled: int = 0
    delivered: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.answers + other.answers,
            self.offered + other.offered,
            self.opened + other.opened,
            self.sent + other.sent,
            self.cancelled + other.cancelled,
            self.delivered + other.delivered,
        )

    def rate(self, step: str) -> float | None:
        """The share of the step before that came to this one, 0 to 1; None: there is none, or it means nothing."""
        whole = getattr(self, PRECEDING[step]) if step in PRECEDING else 0
        share = getattr(self, step) / whole if whole else None
        # A form that is sent may have been opened before answers were recorded, or directly.
        return share if share is not None and share <= 1 else None

    def change(self, step: str, before: Counts) -> float | None:
        """How much more or less there is than before, such as 0.5 for half as much more; None: nothing to compare."""
        past = getattr(before, step)
        return (getattr(self, step) - past) / past if past else None


STEPS = tuple(each.name for each in fields(Counts))
PRECEDING = {"offered": "answers", "opened": "offered", "sent": "opened", "cancelled": "opened", "delivered": "sent"}

Reason = Trigger | Unknown | None
"""What made the button appear; None: nothing, as for visitors who ask directly."""


@dataclass(frozen=True)
class Cell:
    """The counts of one day and desk for the same triggers."""

    day: date
    desk: str
    triggers: tuple[Trigger | Unknown, ...]
    counts: Counts


_BEGIN: Any = bindparam("begin")
_END: Any = bindparam("end")


def _as_number(column: Any) -> Any:
    return func.sum(cast(column, Integer))


_BY_ANSWERS = (
    select(
        _answers.day,
        _answers.desk,
        _answers.triggers,
        func.count(),
        _as_number(_answers.offered),
        _as_number(_answers.opened),
        _as_number(_answers.cancelled),
    )
    .where(_answers.day >= bindparam("first"), _answers.day <= bindparam("last"))
    .group_by(_answers.day, _answers.desk, _answers.triggers)
)
_BY_TICKETS = (
    select(day_of(_tickets.created_at), _tickets.desk, _tickets.triggers, _tickets.status, func.count())
    .where(_tickets.created_at >= _BEGIN, _tickets.created_at < _END)
    .group_by(day_of(_tickets.created_at), _tickets.desk, _tickets.triggers, _tickets.status)
)


def find_cells(connection: Connection, period: Period, desk: str | None = None) -> list[Cell]:
    """The counts of each day and desk for each combination of triggers, by day.

    Arguments:
        desk: only those of this desk; None: of all.
    """
    found: dict[tuple[date, str, str], Counts] = defaultdict(Counts)
    rows: Any = connection.execute(_BY_ANSWERS, {"first": period.first.isoformat(), "last": period.last.isoformat()})
    for day, of_desk, triggers, answers, offered, opened, cancelled in rows:
        counts = Counts(answers=answers, offered=offered, opened=opened, cancelled=cancelled)
        _add(found, day, of_desk, triggers, counts)
    rows = connection.execute(_BY_TICKETS, {"begin": period.begin, "end": period.end})
    for day, of_desk, triggers, status, count in rows:
        counts = Counts(sent=count, delivered=count if status == Status.DELIVERED else 0)
        _add(found, day, of_desk, triggers, counts)
    cells = [Cell(day, of_desk, read_triggers(triggers), counts) for (day, of_desk, triggers), counts in found.items()]
    return sorted((cell for cell in cells if desk in (None, cell.desk)), key=lambda cell: (cell.day, cell.desk))


def _add(found: dict[tuple[date, str, str], Counts], day: Any, desk: Any, triggers: Any, counts: Counts) -> None:
    of_day = read_day(day)
    if of_day is not None:  # else it is damaged
        found[of_day, str(plain(desk)), str(plain(triggers))] += counts


def total(cells: Iterable[Cell]) -> Counts:
    """All of them together."""
    return sum((cell.counts for cell in cells), Counts())


def by_desk(cells: Iterable[Cell]) -> dict[str, Counts]:
    """The counts of each desk, by name."""
    found: dict[str, Counts] = defaultdict(Counts)
    for cell in cells:
        found[cell.desk] += cell.counts
    return dict(sorted(found.items()))


def by_day(cells: Iterable[Cell], period: Period) -> dict[date, Counts]:
    """The counts of each day, those without any included."""
    found = dict.fromkeys(period.days, Counts())
    for cell in cells:
        found[cell.day] += cell.counts
    return found


def by_trigger(cells: Iterable[Cell]) -> dict[Reason, Counts]:
    """The counts of each trigger; what met several counts for each. All have the same answers: all that there were."""
    listed = list(cells)
    answers = Counts(answers=total(listed).answers)
    found: dict[Reason, Counts] = defaultdict(Counts)
    for cell in listed:
        offered = Counts(0, *(getattr(cell.counts, name) for name in STEPS[1:]))
        for trigger in cell.triggers or (None,):
            if offered != Counts():
                found[trigger] += offered
    order: list[Reason] = [*Trigger, *(name for name in found if isinstance(name, Unknown)), None]
    return {reason: answers + found[reason] for reason in order if reason in found}


def times_to_delivery(
    connection: Connection, period: Period, desk: str | None = None, trigger: str | None = None
) -> tuple[timedelta, timedelta] | None:
    """In what time half of the tickets were delivered, and 95 of 100; None: none was.

    Arguments:
        desk: only of this desk; None: of all.
        trigger: only with this one, or :data:`.NO_TRIGGER`; None: any.
    """
    seconds = seconds_between(_tickets.created_at, _tickets.delivered_at)
    conditions = [
        _tickets.created_at >= period.begin,
        _tickets.created_at < period.end,
        _tickets.status == Status.DELIVERED,
        _tickets.delivered_at.is_not(None),
        *(one.condition for one in filters_of(connection, desk=desk or "", trigger=trigger or "")),
    ]
    count = connection.execute(select(func.count()).select_from(ticket).where(*conditions)).scalar_one()
    if not count:
        return None
    query = select(seconds).where(*conditions).order_by(seconds).limit(1).offset(bindparam("place"))
    # The nearest rank: a time that some ticket took.
    places = [-(-count * percent // 100) - 1 for percent in (50, 95)]
    half, most = (float(connection.execute(query, {"place": place}).scalar() or 0) for place in places)
    return timedelta(seconds=max(0.0, half)), timedelta(seconds=max(0.0, most))
