"""Exports everything that is stored of the tickets, page by page, so that memory does not grow with the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, select

from .attachments import Attachment, files_of_tickets
from .engine import Database
from .reading import Damaged, DamagedRow, read_json, stored_id
from .removal import names_person
from .tables import delivery_attempt, settings_change, ticket, transcript
from .ticket_list import NEWEST, Criteria, Place, page
from .tickets import Attempt, Ticket

HIDDEN = (
    "content_digest",
    "client_key",
    "email_key",
    "mailbox_key",
    "network_key",
    "offer_id",
    "submission_id",
    "wide_network_key",
)
"""Columns that are for the package alone."""

PAGE_LENGTH = 25
"""Each transcript may have a megabyte."""

MOST_ROWS = 500
"""The length of a page without transcripts."""

TicketRow: TypeAlias = "Ticket | DamagedRow"


@dataclass(frozen=True)
class Record:
    """A ticket with everything that belongs to it; the conversation as it is stored, None: there is none.

    The files are without their content; see :func:`.file_of_ticket`.

    Values that cannot be read are included as they are stored.
    """

    ticket: Ticket | DamagedRow
    conversation: Any
    attempts: list[Attempt | DamagedRow]
    attachments: list[Attachment]


def record_as_json(record: Record, hidden: Collection[str]) -> dict[str, Any]:
    """A record as JSON; of its files, their names.

    Arguments:
        hidden: columns to leave out, see :data:`HIDDEN`.
    """
    return {
        **row_as_json(record.ticket, hidden),
        "conversation": record.conversation,
        "attachments": [one.as_json() for one in record.attachments],
        "delivery_attempts": [row_as_json(attempt) for attempt in record.attempts],
    }


def export_page(database: Database, after: UUID | Damaged | None = None, email: str | None = None) -> list[Record]:
    """The next page of tickets, oldest first; empty at the end.

    Arguments:
        after: the id of the previous page's last ticket, or one from :func:`.before_time`; None: start with the first
            ticket.
        email: the visitor's address, in upper or lower case; None: everybody's tickets.
    """
    with database.read() as connection:
        query = select(ticket).order_by(ticket.c.id).limit(PAGE_LENGTH)
        if after is not None:
            query = query.where(ticket.c.id > stored_id(after))
        if email is not None:
            query = query.where(ticket.c.email_key == email.lower())
        return _records(connection, [Ticket.from_row(row) for row in connection.execute(query)])


def _records(connection: Connection, page: Sequence[Ticket | DamagedRow]) -> list[Record]:
    ids = [stored_id(found.id) for found in page]
    texts = {
        row.ticket_id: row.conversation
        for row in connection.execute(select(transcript).where(transcript.c.ticket_id.in_(ids)))
    }
    attempts: defaultdict[Any, list[Attempt | DamagedRow]] = defaultdict(list)
    columns = delivery_attempt.c
    for row in connection.execute(
        select(delivery_attempt).where(columns.ticket_id.in_(ids)).order_by(columns.ticket_id, columns.number)
    ):
        attempts[row.ticket_id].append(Attempt.from_row(row))
    files = files_of_tickets(connection, ids)
    return [
        Record(found, read_json(texts.get(found.id)), attempts[found.id], files.get(found.id, [])) for found in page
    ]


def found_tickets(database: Database, criteria: Criteria, length: int = MOST_ROWS) -> Iterator[list[TicketRow]]:
    """The tickets that meet the criteria, newest first, page by page; no connection is in use between two of them.

    Raises:
        Unavailable: the database cannot be used.
    """
    place = NEWEST
    while True:
        with database.read() as connection:
            found = page(connection, criteria, place, length)
        yield found
        ids = [row.id for row in found if isinstance(row.id, UUID)]
        if len(found) < length or not ids:
            return
        place = Place(ids[-1])


def found_records(database: Database, criteria: Criteria) -> Iterator[list[Record]]:
    """The same with everything that belongs to each ticket."""
    for found in found_tickets(database, criteria, PAGE_LENGTH):
        with database.read() as connection:
            yield _records(connection, found)


def settings_changes_of(database: Database, email: str) -> list[dict[str, Any]]:
    """The changes of the settings that a person made or that contain their address, oldest first.

    Arguments:
        email: the address, in upper or lower case.
    """
    with database.read() as connection:
        query = select(settings_change).where(names_person(email)).order_by(settings_change.c.id)
        changes = [dict(row._mapping) for row in connection.execute(query)]
    return [
        {**change, "before": read_json(change["before"]), "after": read_json(change["after"])} for change in changes
    ]


def row_as_json(row: Ticket | Attempt | DamagedRow, hidden: Collection[str] = HIDDEN) -> dict[str, Any]:
    """A row as JSON; a damaged one as it is stored, with the unreadable columns listed under ``damaged``."""
    if isinstance(row, DamagedRow):
        return {"damaged": row.damaged, **as_json(row.values, hidden)}
    return as_json(vars(row), hidden)


def as_json(record: Mapping[str, Any], hidden: Collection[str] = HIDDEN) -> dict[str, Any]:
    """Values by name as JSON has them, without the hidden ones."""
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, (UUID, bytes)) or (isinstance(value, float) and not isfinite(value))
        else value
        for name, value in record.items()
        if name not in hidden
    }
