"""The list of tickets: filtered, searched, newest first, and page by page at the same cost for any number of tickets.

Every filter is read from an index that ends with the ticket's id, by which the list is ordered. A filter with several
values, such as the two statuses that wait, is read value by value, and the first rows of each are merged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, case, func, literal, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from .reading import DamagedRow
from .search_matches import contains, matches
from .search_text import terms_of
from .tables import search, ticket
from .ticket_filters import Filter, filters_of
from .tickets import Ticket, before_time

MOST_COUNTED = 1_000
"""Up to here tickets are counted. Every submit and every delivery would have to write counters that are kept, and for
filters that are combined none can be kept."""

MOST_NUMBER = (1 << 63) - 1

LAST_ID = UUID(int=(1 << 128) - 1)

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Criteria:
    """Which tickets.

    Arguments:
        search: words that a ticket contains, all of them; see :func:`.search_text.terms_of`.
        status: one of :data:`.ticket_filters.STATUSES`.
        language: a language's tag, without a country; tickets of all its countries.
        since, until: days in UTC, both included.
    """

    search: str = ""
    status: str = ""
    desk: str = ""
    trigger: str = ""
    language: str = ""
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return self != Criteria()


@dataclass(frozen=True)
class Place:
    """A place in the list: the tickets older, or newer, than the one with this id; None: the newest ones."""

    id: UUID | None = None
    newer: bool = False


NEWEST = Place()


@dataclass(frozen=True)
class Count:
    """How many tickets; ``more``: there may be more than that."""

    number: int
    more: bool = False


def page(connection: Connection, criteria: Criteria, place: Place, limit: int) -> list[Ticket | DamagedRow]:
    """The tickets next to a place in the list, newest first, including damaged ones.

    Arguments:
        limit: how many at most.
    """
    sources, conditions = _sources(connection, criteria, place)
    ids = _merged([source.where(conditions) for source in sources], place, limit).subquery()
    columns = ticket.c
    query = select(ticket).where(columns.id.in_(select(ids.c.id))).order_by(columns.id.desc())
    return [Ticket.from_row(row) for row in connection.execute(query)]


def references(
    connection: Connection, criteria: Criteria, most: int, until: UUID | None = None
) -> list[tuple[UUID, str]]:
    """The ids and references of the tickets, newest first; without those whose id is damaged.

    Arguments:
        most: how many at most.
        until: none that is newer than this one.
    """
    place = NEWEST if until is None else Place(_following(until))
    sources, conditions = _sources(connection, criteria, place)
    ids = _merged([source.where(conditions) for source in sources], place, most).subquery()
    columns = ticket.c
    query = select(columns.id, columns.reference).where(columns.id.in_(select(ids.c.id))).order_by(columns.id.desc())
    return [(id, reference) for id, reference in connection.execute(query) if isinstance(id, UUID)]


def count(connection: Connection, criteria: Criteria, most: int = MOST_COUNTED) -> Count:
    """How many tickets there are. Of those that the narrowest filter finds, only the newest ``most`` are looked at."""
    sources, conditions = _sources(connection, criteria, NEWEST, few=most)
    looked_at = _merged(sources, NEWEST, most + 1).subquery()
    query = select(func.count().label("all"), func.count().label("wanted")).select_from(looked_at)
    if conditions:
        wanted = func.sum(case((and_(*conditions), 1), else_=0)).label("wanted")
        joined = looked_at.join(ticket, ticket.c.id == looked_at.c.id)
        query = select(func.count().label("all"), wanted).select_from(joined)
    found = connection.execute(query).one()
    return Count(min(found.wanted or 0, most), found.all > most)


@dataclass(frozen=True)
class _Source:
    """A query for ids of tickets in the order of their ids, by a column that has this order."""

    query: Select[Any]
    id: ColumnElement[Any]
    order: ColumnElement[Any]

    def where(self, conditions: list[ColumnElement[bool]]) -> _Source:
        """The same for those tickets alone that meet the conditions."""
        if not conditions:
            return self
        query = self.query if self.id is ticket.c.id else self.query.join(ticket, ticket.c.id == self.id)
        return replace(self, query=query.where(*conditions))


def _sources(
    connection: Connection, criteria: Criteria, place: Place, few: int = MOST_COUNTED
) -> tuple[list[_Source], list[ColumnElement[bool]]]:
    """Where the tickets come from, and the conditions that they have yet to meet.

    Arguments:
        few: how many tickets can be looked at one by one.
    """
    filters = filters_of(
        connection,
        status=criteria.status,
        desk=criteria.desk,
        trigger=criteria.trigger,
        language=criteria.language,
    )
    terms = terms_of(criteria.search)
    first, finds_few = _narrowest(connection, filters, few if len(filters) > 1 or terms else None)
    if terms and not finds_few:
        found = matches(connection, terms)
        query = found.query.where(*_bounds(criteria, place, found.key, _number_from))
        return [_Source(query, search.c.ticket_id, found.key)], [one.condition for one in filters]
    sources = []
    for stream in first.streams():
        query = stream.query.where(*_bounds(criteria, place, stream.id, lambda id: literal(id, ticket.c.id.type)))
        if terms:
            query = query.join(search, search.c.ticket_id == stream.id).where(contains(connection, terms))
        sources.append(_Source(query, stream.id, stream.id))
    return sources, [one.condition for one in filters if one is not first]


def _merged(sources: list[_Source], place: Place, limit: int) -> Select[Any]:
    """A query for the first ids of all sources together."""
    parts = [source.query.order_by(_order(source.order, place)).limit(limit) for source in sources]
    if len(parts) == 1:
        return parts[0]
    # SQLite takes a limit in a part of a union only in a query of its own.
    merged = union_all(*(select(part.subquery().c.id) for part in parts)).subquery()
    return select(merged.c.id).order_by(_order(merged.c.id, place)).limit(limit)


def _narrowest(connection: Connection, filters: list[Filter], few: int | None) -> tuple[Filter, bool]:
    """The filter that finds the fewest tickets, and whether these are few.

    Arguments:
        few: up to how many they are; None: it does not matter which one.
    """
    if few is None or not filters:
        return (filters or [Filter()])[0], False
    numbers = [_number(connection, one, few + 1) for one in filters]
    least = min(numbers)
    return filters[numbers.index(least)], least <= few


def _number(connection: Connection, one: Filter, most: int) -> int:
    number = 0
    for stream in one.streams():
        ids = stream.query.limit(most - number).subquery()
        number += connection.execute(select(func.count()).select_from(ids)).scalar_one()
        if number >= most:
            break
    return number


def _bounds(
    criteria: Criteria, place: Place, column: ColumnElement[Any], key: Callable[[UUID], ColumnElement[Any]]
) -> list[ColumnElement[bool]]:
    """Conditions for a column that is in the order of the tickets' ids.

    Arguments:
        key: returns the column's first value that belongs to this id or a later one.
    """
    bounds = []
    if place.id is not None:
        bounds.append(column >= key(_following(place.id)) if place.newer else column < key(place.id))
    if criteria.since is not None:
        bounds.append(column >= key(_start_of(criteria.since)))
    if criteria.until is not None and criteria.until < date.max:
        bounds.append(column < key(_start_of(criteria.until + timedelta(days=1))))
    return bounds


def _number_from(ticket_id: UUID) -> ColumnElement[Any]:
    """The number of the first text from this ticket on; if there is none, one that no text has."""
    ids = search.c.ticket_id
    found = select(search.c.id).where(ids >= ticket_id).order_by(ids).limit(1)
    return func.coalesce(found.correlate(None).scalar_subquery(), MOST_NUMBER)


def _following(id: UUID) -> UUID:
    """The next id; the last one for itself, which an address can ask for."""
    return UUID(int=min(id.int, LAST_ID.int - 1) + 1)


def _start_of(day: date) -> UUID:
    return before_time(max(datetime.combine(day, time(), timezone.utc), EPOCH))


def _order(column: ColumnElement[Any], place: Place) -> ColumnElement[Any]:
    return column.asc() if place.newer else column.desc()
