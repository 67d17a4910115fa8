"""Exports everything that is stored of the tickets, page by page, so that memory does not grow with the table."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from .attachments import Attachment, files_of_tickets
from .engine import Database
from .reading import Damaged, DamagedRow, read_json, stored_id
from .removal import names_person
from .tables import delivery_attempt, settings_change, ticket, transcript
from .tickets import Attempt, Ticket

PAGE_LENGTH = 25
"""Each transcript may have a megabyte."""


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
        page = [Ticket.from_row(row) for row in connection.execute(query)]
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
