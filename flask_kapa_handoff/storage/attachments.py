"""Attached files: stored while the visitor fills in the form, taken by the ticket when it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from .engine import Database, now
from .reading import plain
from .tables import attachment as table
from .tables import ticket

UNSENT_LIFE = timedelta(days=1)
"""How long a file is kept whose form was not sent: as long as an offer is valid."""

_columns = table.c
_WITHOUT_CONTENT = (_columns.id, _columns.name, _columns.media_type, _columns.size)

# Built once: a delivery needs it for every ticket.
_OF_TICKET = (
    select(*_WITHOUT_CONTENT).where(_columns.ticket_id == bindparam("this")).order_by(_columns.created_at, _columns.id)
)
_OF_TICKET_WITH_CONTENT = _OF_TICKET.add_columns(_columns.content)


@dataclass(frozen=True)
class Attachment:
    """An attached file.

    Arguments:
        id: nobody else can guess it, so a visitor who knows an unsent file's id has uploaded it.
        media_type: told by its content.
        size: in octets.
        content: empty where only the file's name is needed.
    """

    id: UUID
    name: str
    media_type: str
    size: int
    content: bytes = b""

    def as_json(self) -> dict[str, Any]:
        """What the file is, without its content."""
        return {"name": self.name, "media_type": self.media_type, "size": self.size}


def files_of_form(connection: Connection, ids: Iterable[UUID], offer_id: str) -> list[Attachment]:
    """The files with these ids that no ticket has, or that the offer's own ticket has, in the order of the ids."""
    wanted = list(dict.fromkeys(ids))
    opened = select(ticket.c.id).where(ticket.c.offer_id == offer_id).scalar_subquery()
    is_free = or_(_columns.ticket_id.is_(None), _columns.ticket_id == opened)
    rows = connection.execute(select(*_WITHOUT_CONTENT).where(_columns.id.in_(wanted), is_free))
    found = {row.id: _attachment(row) for row in rows}
    return [found[one] for one in wanted if one in found]


def take_files(connection: Connection, ids: Iterable[UUID], ticket_id: UUID) -> int:
    """Give unsent files to a ticket; returns how many there were."""
    wanted = _and_unsent(_columns.id.in_(list(ids)))
    return connection.execute(update(table).where(wanted).values(ticket_id=ticket_id)).rowcount


def copy_files(connection: Connection, ticket_id: UUID, further_id: UUID) -> None:
    """Give a further ticket the files of another one, which keeps its own."""
    for row in connection.execute(select(table).where(_columns.ticket_id == ticket_id)).mappings().all():
        connection.execute(insert(table).values({**row, "id": uuid4(), "ticket_id": further_id}))


def files_of_ticket(connection: Connection, ticket_id: Any, *, with_content: bool = False) -> list[Attachment]:
    """The files of a ticket, in the order in which they were uploaded."""
    query = _OF_TICKET_WITH_CONTENT if with_content else _OF_TICKET
    return [_attachment(row) for row in connection.execute(query, {"this": ticket_id})]


def files_of_tickets(connection: Connection, ids: Iterable[Any]) -> dict[Any, list[Attachment]]:
    """The files of these tickets, by the ticket's id, without their content."""
    query = select(_columns.ticket_id, *_WITHOUT_CONTENT).where(_columns.ticket_id.in_(list(ids)))
    found: dict[Any, list[Attachment]] = {}
    for row in connection.execute(query.order_by(_columns.created_at, _columns.id)):
        found.setdefault(row.ticket_id, []).append(_attachment(row))
    return found


def file_of_ticket(connection: Connection, ticket_id: UUID, file_id: UUID) -> Attachment | None:
    """One file of a ticket with its content; None: the ticket has no such file."""
    query = select(*_WITHOUT_CONTENT, _columns.content).where(_columns.id == file_id, _columns.ticket_id == ticket_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _attachment(row)


def delete_unsent(connection: Connection, condition: ColumnElement[bool]) -> int:
    """Delete unsent files; returns how many."""
    return connection.execute(delete(table).where(_and_unsent(condition))).rowcount


def delete_outdated_files(database: Database) -> int:
    """Delete the files whose forms were not sent within :data:`UNSENT_LIFE`; returns how many."""
    with database.read() as connection:  # a query that writers need not wait for
        outdated = _columns.created_at < now(connection) - UNSENT_LIFE
        if connection.execute(select(_columns.id).where(_and_unsent(outdated)).limit(1)).first() is None:
            return 0
    with database.write(alone=False) as connection:
        return delete_unsent(connection, outdated)


def _and_unsent(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition, for files alone that no ticket has."""
    return condition & _columns.ticket_id.is_(None)


def _attachment(row: Any) -> Attachment:
    content = getattr(row, "content", b"")
    return Attachment(
        row.id,
        str(plain(row.name)),
        str(plain(row.media_type)),
        row.size if isinstance(row.size, int) else 0,
        content if isinstance(content, bytes) else str(content).encode(),
    )
