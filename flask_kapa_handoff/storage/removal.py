"""Deleting tickets with all that belongs to them, in short transactions: submits and deliveries wait meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.sql.elements import ColumnElement

from .engine import Database
from .models import delivery_attempt, ticket, transcript
from .records import Status

BATCH = 100
"""How many tickets one transaction deletes."""

PAUSE_SECONDS = 0.05
"""The rest between two of them: SQLite lets those who wait try their luck every now and then, and no queue forms."""


@dataclass(frozen=True)
class Erased:
    """What was deleted: the references, oldest first, how many delivery attempts, and whose mail was on its way."""

    references: tuple[str, ...] = ()
    attempts: int = 0
    being_sent: tuple[str, ...] = ()

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            self.references + other.references, self.attempts + other.attempts, self.being_sent + other.being_sent
        )


def references_of_visitor(database: Database, email: str) -> list[str]:
    """The references of a visitor's tickets, oldest first."""
    with database.read() as connection:
        return list(connection.execute(select(ticket.c.reference).where(_of(email)).order_by(ticket.c.id)).scalars())


def erase_visitor(database: Database, email: str) -> Erased:
    """Delete every ticket of a visitor, whatever its state.

    One that is being sent may go, too: its delivery finds that it is not there any more, and leaves nothing behind.

    Arguments:
        email: the visitor's address, in upper or lower case.
    """
    erased = Erased()
    while batch := _delete_batch(database, _of(email), ticket.c.id):
        erased += batch
    return erased


def delete_delivered(database: Database, *, before: datetime) -> int:
    """Delete the tickets that were delivered before a moment.

    Returns:
        How many there were.
    """
    count = 0
    # Only a delivered ticket has this time. With the status in the condition, SQLite would not take the index.
    while batch := _delete_batch(database, ticket.c.delivered_at < before, ticket.c.delivered_at):
        count += len(batch.references)
    return count


def _of(email: str) -> ColumnElement[bool]:
    return ticket.c.email_key == email.lower()


def _delete_batch(database: Database, condition: ColumnElement[bool], order: ColumnElement[Any]) -> Erased | None:
    query = select(ticket.c.id, ticket.c.reference, ticket.c.status).where(condition).order_by(order)
    with database.write() as connection:  # alone: a submit that follows one of them must not come in between
        # Locked, where rows can be: a delivery that began now would add an attempt to what is being deleted.
        found = connection.execute(query.limit(BATCH).with_for_update()).all()
        attempts = _delete(connection, [row.id for row in found])
    if not found:
        return None
    if len(found) == BATCH:
        time.sleep(PAUSE_SECONDS)
    being_sent = tuple(row.reference for row in found if row.status == Status.SENDING)
    return Erased(tuple(row.reference for row in found), attempts, being_sent)


def _delete(connection: Connection, ids: list[UUID]) -> int:
    """Delete these tickets; gives the number of their delivery attempts."""
    # A site's own SQLite engine may not enforce foreign keys, so what they would do is done by hand.
    connection.execute(update(ticket).where(ticket.c.follows.in_(ids)).values(follows=None))
    connection.execute(delete(transcript).where(transcript.c.ticket_id.in_(ids)))
    attempts = connection.execute(delete(delivery_attempt).where(delivery_attempt.c.ticket_id.in_(ids))).rowcount
    connection.execute(delete(ticket).where(ticket.c.id.in_(ids)))
    return attempts
