"""The queries of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, BigInteger, Connection, Select, Text, and_, any_, func, literal, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from . import search_postgresql, search_sqlite
from .dialects import is_sqlite
from .tables import search

SAMPLE, COMMON = 200, 10
"""How many of the newest texts are looked at to learn how common words are; in so many of them, they are common."""

FEW = 5_000
"""Up to so many matches are looked up once, and not again for each number on the page."""


@dataclass(frozen=True)
class Matches:
    """A query for the tickets that contain the terms; ``key``: the number of a text, by which it is ordered."""

    query: Select[Any]
    key: ColumnElement[Any]


def contains(connection: Connection, terms: Sequence[str]) -> ColumnElement[bool]:
    """The condition for texts that contain all of the terms; no index is used for it."""
    if is_sqlite(connection):
        return and_(*(func.instr(search.c.body, term) > 0 for term in terms))
    return and_(*(func.strpos(search.c.body, term) > 0 for term in terms))


_known: WeakKeyDictionary[Connection, dict[tuple[str, ...], Matches]] = WeakKeyDictionary()
"""What :func:`matches` has returned: a page of the list asks for the tickets of each state."""


def matches(connection: Connection, terms: Sequence[str]) -> Matches:
    """The query for the tickets whose texts contain all of the terms, from the best index that there is."""
    known, key = _known.setdefault(connection, {}), tuple(terms)
    if key not in known:
        known[key] = _matches(connection, terms)
    return known[key]


def _matches(connection: Connection, terms: Sequence[str]) -> Matches:
    is_there, compared = search.c.ticket_id.is_not(None), contains(connection, terms)
    ids = select(search.c.ticket_id.label("id")).where(is_there)
    in_index: ColumnElement[bool] = compared
    if is_sqlite(connection):
        query = search_sqlite.match(terms) if search_sqlite.exists(connection) else None
        if query is not None:
            index = search_sqlite.index
            found = ids.where(compared).join_from(index, search, search.c.id == index.c.rowid)
            return Matches(found.where(index.c[search_sqlite.NAME].op("MATCH")(query)), index.c.rowid)
    elif not search_postgresql.has_words_only(connection):
        in_index = and_(*(search.c.body.contains(term, autoescape=True) for term in terms))
    elif (words := search_postgresql.match(terms)) is not None:
        vector: ColumnElement[Any] = literal_column(search_postgresql.VECTOR)
        in_index = and_(vector.op("@@")(func.to_tsquery("simple", words)), compared)
    if not is_sqlite(connection) and (characters := search_postgresql.short_characters(connection, terms)):
        of_text: ColumnElement[Any] = literal_column(search_postgresql.CHARACTERS_OF)
        in_index = and_(of_text.op("@>")(literal(characters, ARRAY(Text))), in_index)
    if not _are_common(connection, terms):
        # Apart from the order and the limit of a page, for which PostgreSQL would rather look at all texts.
        hits = (
            select(search.c.id).where(is_there, in_index).cte("hits").prefix_with("MATERIALIZED", dialect="postgresql")
        )
        numbers = connection.execute(select(hits.c.id).limit(FEW + 1)).scalars().all()
        if len(numbers) <= FEW:
            return Matches(ids.where(_is_one_of(connection, numbers)), search.c.id)
    return Matches(ids.where(compared), search.c.id)


def _is_one_of(connection: Connection, numbers: Sequence[int]) -> ColumnElement[bool]:
    if is_sqlite(connection):
        return search.c.id.in_(numbers)
    # One parameter: PostgreSQL reads thousands of them slowly.
    return search.c.id == any_(literal(list(numbers), ARRAY(BigInteger)))


def _are_common(connection: Connection, terms: Sequence[str]) -> bool:
    """Whether so many texts contain the terms that those of a page are found sooner one by one, newest first."""
    newest = select(search.c.id).order_by(search.c.id.desc()).limit(SAMPLE)
    query = select(func.count()).select_from(search).where(search.c.id.in_(newest), contains(connection, terms))
    return int(connection.execute(query).scalar_one()) >= COMMON
