"""The queries of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from . import search_postgresql, search_sqlite
from .dialects import is_sqlite
from .tables import search

SAMPLE = 200
"""How many of the newest texts are looked at to learn how common words are."""


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


def matches(connection: Connection, terms: Sequence[str]) -> Matches:
    """The query for the tickets whose texts contain all of the terms, from the best index that there is."""
    found = select(search.c.ticket_id.label("id")).where(search.c.ticket_id.is_not(None), contains(connection, terms))
    if is_sqlite(connection):
        query = search_sqlite.match(terms) if search_sqlite.exists(connection) else None
        if query is None:
            return Matches(found, search.c.id)
        index = search_sqlite.index
        found = found.join_from(index, search, search.c.id == index.c.rowid)
        return Matches(found.where(index.c[search_sqlite.NAME].op("MATCH")(query)), index.c.rowid)
    if _are_common(connection, terms):
        return Matches(found, search.c.id)
    if not search_postgresql.has_words_only(connection):
        return Matches(found.where(*(search.c.body.contains(term, autoescape=True) for term in terms)), search.c.id)
    query = search_postgresql.match(terms)
    if query is not None:
        vector: ColumnElement[Any] = literal_column(search_postgresql.VECTOR)
        found = found.where(vector.op("@@")(func.to_tsquery("simple", query)))
    return Matches(found, search.c.id)


def _are_common(connection: Connection, terms: Sequence[str]) -> bool:
    """Whether so many texts contain the terms that those of a page are found sooner one by one, newest first.

    PostgreSQL reads and sorts all that an index gives, and cannot know how many these are.
    """
    newest = select(search.c.id).order_by(search.c.id.desc()).limit(SAMPLE)
    query = select(func.count()).select_from(search).where(search.c.id.in_(newest), contains(connection, terms))
    return int(connection.execute(query).scalar_one()) >= SAMPLE / 20
