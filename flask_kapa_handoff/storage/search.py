"""What the search looks at: a text for each ticket, apart from it, made when no visitor waits.

Texts are made for the newest tickets first, then for older ones, so the tickets that have one are those between the
first and the last that have one. Nothing has to remember which are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, select, text, update

from . import postgresql, search_postgresql, search_sqlite
from .dialects import is_sqlite
from .engine import Database
from .search_text import text_of
from .tables import search, ticket, transcript

BATCH = 25
"""How many texts one transaction stores: visitors wait for SQLite's only writer, some milliseconds each."""

OVERLAP = 60_000
"""Milliseconds before the last ticket with a text in which another one may be stored later: ids have a random part,
and PostgreSQL's transactions end in any order."""

_ADD = text(
    f"INSERT INTO {search.name} (id, ticket_id, body) VALUES (:id, :ticket_id, :body) "  # noqa: S608 - a constant
    "ON CONFLICT DO NOTHING"
).bindparams(bindparam("ticket_id", type_=search.c.ticket_id.type))


def create_index(connection: Connection) -> None:
    """Create the index that this database can have. Without one, all texts are compared with what was typed."""
    (search_sqlite if is_sqlite(connection) else search_postgresql).create(connection)


@dataclass(frozen=True)
class Missing:
    """Which tickets have no text yet: the newest ones, and those before a time."""

    newest: bool
    before: datetime | None

    def __bool__(self) -> bool:
        return self.newest or self.before is not None


def index_some(database: Database, most: int = BATCH) -> int:
    """Make the texts of some tickets that have none.

    Arguments:
        most: how many at most; as many transactions as that takes.

    Returns:
        How many there were; 0: all tickets have one, or another process makes them.

    Raises:
        Unavailable: the database cannot be used.
    """
    count = 0
    while count < most:
        with database.read() as connection:  # a query that writers need not wait for
            if not _next(connection, 1):
                break
        # If a power cut undoes it, it is done again.
        with database.write(alone=False, survives_power_cut=False) as connection:
            # Others would make the same ones, and wait for each other: they deliver meanwhile.
            if not is_sqlite(connection) and not postgresql.may_index(connection):
                break
            ids = _next(connection, min(BATCH, most - count))
            if not ids:
                break
            rows = connection.execute(
                # Locked where the database can: no ticket may be deleted meanwhile.
                select(ticket, transcript.c.conversation)
                .outerjoin(transcript, transcript.c.ticket_id == ticket.c.id)
                .where(ticket.c.id.in_(ids))
                .order_by(ticket.c.id)
                .with_for_update(key_share=True, of=ticket)
            ).all()
            _add(connection, rows)
        count += len(ids)
    return count


def _add(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Store the texts of these tickets, oldest first: all of them are newer, or older, than those that have one."""
    _, last = _edges(connection)
    lowest, highest = connection.execute(select(func.min(search.c.id), func.max(search.c.id))).one()
    is_newer = last is None or (bool(rows) and rows[-1].id > last)
    number = (highest or 0) + 1 if is_newer else lowest - len(rows)
    adds_words = _needs_words(connection)
    has_text = exists().where(search.c.ticket_id == bindparam("ticket_id")).select()
    for row in rows:
        values = {"id": number, "ticket_id": row.id, "body": text_of(row, row.conversation)}
        while connection.execute(_ADD, values).rowcount != 1:
            if connection.execute(has_text, values).scalar_one():
                break  # another process was faster
            values["id"] = number = number + 1
        else:
            number += 1
            if adds_words and values["body"]:
                connection.execute(search_sqlite.ADD, values)


def renew(connection: Connection, ticket_id: UUID) -> None:
    """Make the text of a ticket that has one again, since the ticket has changed."""
    row = connection.execute(
        select(ticket, transcript.c.conversation, search.c.id.label("number"))
        .join(search, search.c.ticket_id == ticket.c.id)
        .outerjoin(transcript, transcript.c.ticket_id == ticket.c.id)
        .where(ticket.c.id == ticket_id)
    ).one_or_none()
    if row is None:
        return
    values = {"id": row.number, "body": text_of(row, row.conversation)}
    this = update(search).where(search.c.id == row.number)
    # Empty in between: this takes the old words out of SQLite's index.
    for body in ("", values["body"]):
        connection.execute(this.values(body=body))
    if _needs_words(connection):
        connection.execute(search_sqlite.ADD, values)


def _needs_words(connection: Connection) -> bool:
    """Whether texts must be added to SQLite's index, too; PostgreSQL updates its own."""
    return is_sqlite(connection) and search_sqlite.exists(connection)


def _next(connection: Connection, most: int) -> list[UUID]:
    first, last = _edges(connection)
    ids = select(ticket.c.id).limit(most)
    newest = ids.order_by(ticket.c.id.desc())
    if first is None or last is None:
        return _readable(connection, newest)
    overlap = UUID(int=max(0, (last.int >> 80) - OVERLAP) << 80)
    without = ~exists().where(search.c.ticket_id == ticket.c.id)
    later = _readable(connection, ids.where(ticket.c.id > overlap, without).order_by(ticket.c.id))
    return later or _readable(connection, newest.where(ticket.c.id < first))


def _readable(connection: Connection, query: Any) -> list[UUID]:
    # A ticket whose id is damaged has no place between the others.
    return [found for found in connection.execute(query).scalars() if isinstance(found, UUID)]


def _edges(connection: Connection) -> tuple[UUID | None, UUID | None]:
    """The ids of the first and the last ticket that has a text."""
    ids = search.c.ticket_id
    query = select(ids).where(ids.is_not(None)).limit(1)
    first, last = (connection.execute(query.order_by(order)).scalar() for order in (ids.asc(), ids.desc()))
    return first, last


def missing(connection: Connection) -> Missing:
    """Which tickets a search does not find yet."""
    if not _next(connection, 1):
        return Missing(False, None)
    first, last = _edges(connection)
    if first is None or last is None:
        return Missing(True, None)
    times = select(ticket.c.created_at).limit(1)
    earlier = connection.execute(times.where(ticket.c.id < first).order_by(ticket.c.id.desc())).scalar()
    later = connection.execute(times.where(ticket.c.id > last).order_by(ticket.c.id)).scalar()
    return Missing(later is not None, earlier if isinstance(earlier, datetime) else None)


def remove(connection: Connection, ids: list[Any]) -> None:
    """Delete the texts of these tickets, which are being deleted.

    FTS5 only marks what is deleted; an empty row remains until :class:`Forgetting` has rewritten the index.
    """
    texts = search.c.ticket_id.in_(ids)
    if _needs_words(connection):
        connection.execute(update(search).where(texts).values(ticket_id=None, body=""))
    else:
        connection.execute(delete(search).where(texts))


class Forgetting:
    """Removes the remains of deleted texts from SQLite's index, in short steps."""

    def __init__(self) -> None:
        self._rows: list[int] = []

    def do_some(self, database: Database) -> bool:
        """Take one step, if there are any remains.

        Returns:
            Whether there is more to do.

        Raises:
            Unavailable: the database cannot be used.
        """
        remains = search.c.ticket_id.is_(None)
        with database.read() as connection:
            if not is_sqlite(connection):
                return False
            found = list(connection.execute(select(search.c.id).where(remains)).scalars())
        if not found:
            self._rows = []
            return False
        with database.write() as connection:
            begins = not self._rows
            # Those that are deleted meanwhile are removed the next time.
            self._rows = self._rows or found
            if search_sqlite.merge(connection, begin=begins):
                return True
            connection.execute(delete(search).where(remains, search.c.id.in_(self._rows)))
        self._rows = []
        return True
