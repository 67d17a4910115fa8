"""The filters of the list of tickets: each is read from an index that ends with the ticket's id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from .tables import delivery_attempt, ticket
from .tickets import Outcome, Status

STATUSES: dict[str, tuple[Status, ...]] = {
    "waiting": (Status.QUEUED, Status.SENDING),
    "delivered": (Status.DELIVERED,),
    "failed": (Status.FAILED,),
    "twice": (),
    "held": (Status.HELD,),
    "suppressed": (Status.SUPPRESSED,),
}
"""The choices for the state. ``twice``: delivered after an attempt whose result was not known, perhaps twice."""

NO_TRIGGER = "none"
"""The choice of tickets whose visitors asked without a button under an answer."""

MOST_VALUES = 200
"""How many different values of a column are looked at."""

_columns = ticket.c
_uncertain, _later = delivery_attempt.alias("uncertain"), delivery_attempt.alias("later")
# The first condition is that of an index.
_PERHAPS_TWICE = and_(
    or_(_uncertain.c.outcome.is_(None), _uncertain.c.outcome == Outcome.UNKNOWN),
    exists().where(
        _later.c.ticket_id == _uncertain.c.ticket_id,
        _later.c.number > _uncertain.c.number,
        or_(_later.c.outcome.is_(None), _later.c.outcome.in_([Outcome.DELIVERED, Outcome.UNKNOWN])),
    ),
)


@dataclass(frozen=True)
class Stream:
    """A query for ids of tickets that an index gives in their order; ``id``: the column that it is ordered by."""

    query: Select[Any]
    id: ColumnElement[Any]


@dataclass(frozen=True)
class Filter:
    """Tickets with one of these values in a column.

    Arguments:
        column: None: all tickets.
    """

    column: ColumnElement[Any] | None = None
    values: tuple[str, ...] = ()

    @property
    def condition(self) -> ColumnElement[bool]:
        """The condition for tickets that another index has given; no index of its own is used for it."""
        return true() if self.column is None else func.coalesce(self.column, self.column).in_(self.values)

    def streams(self) -> Iterator[Stream]:
        """Queries that find these tickets, each ticket once."""
        query = select(_columns.id)
        if self.column is None:
            yield Stream(query, _columns.id)
        elif not self.values:
            yield Stream(query.where(false()), _columns.id)
        else:
            for value in self.values:
                yield Stream(query.where(self.column == value), _columns.id)


class PerhapsTwice(Filter):
    """Tickets that may have been delivered twice."""

    @property
    def condition(self) -> ColumnElement[bool]:
        return exists().where(_uncertain.c.ticket_id == _columns.id, _PERHAPS_TWICE)

    def streams(self) -> Iterator[Stream]:
        ids = _uncertain.c.ticket_id
        yield Stream(select(ids.label("id")).where(_PERHAPS_TWICE).group_by(ids), ids)


def filters_of(
    connection: Connection, *, status: str = "", desk: str = "", trigger: str = "", language: str = ""
) -> list[Filter]:
    """The filters for these choices; an empty choice filters nothing.

    Arguments:
        status: one of :data:`STATUSES`; any other one finds nothing.
        trigger: one trigger's name, or :data:`NO_TRIGGER`.
        language: a language's tag without a country; its tickets in all countries.
    """
    filters = []
    if status:
        values = tuple(one.value for one in STATUSES.get(status, ()))
        filters.append(PerhapsTwice() if status == "twice" else Filter(_columns.status, values))
    if trigger:
        # There are few sets of triggers.
        sets = [""] if trigger == NO_TRIGGER else different(connection, _columns.triggers)
        wanted = "" if trigger == NO_TRIGGER else trigger
        filters.append(Filter(_columns.triggers, tuple(one for one in sets if wanted in one.split(","))))
    if language:
        countries = different(connection, _columns.locale, f"{language}-", f"{language}.")  # "." comes after "-"
        filters.append(Filter(_columns.locale, (language, *countries)))
    if desk:
        filters.append(Filter(_columns.desk, (desk,)))
    return filters


def different(
    connection: Connection, column: ColumnElement[Any], start: str = "", end: str | None = None
) -> list[str]:
    """The different values of an indexed column, up to :data:`MOST_VALUES`. Their number counts, not that of the rows.

    Arguments:
        start, end: those from ``start`` on and before ``end``.
    """
    before_end = true() if end is None else column < end
    walk = select(func.min(column).label("value")).where(column >= start, before_end).cte("walk", recursive=True)
    value = walk.c.value
    following = select(func.min(column)).where(column > value, before_end).scalar_subquery()
    walk = walk.union_all(select(following).where(value.is_not(None)))
    found = select(walk.c.value).where(walk.c.value.is_not(None)).limit(MOST_VALUES)
    return [value for value in connection.execute(found).scalars() if isinstance(value, str)]
