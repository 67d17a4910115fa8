"""Deletes tickets with everything that belongs to them, in short transactions, since submits and deliveries wait."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..desk_settings import recipients_in
from . import search
from .engine import Database, now
from .reading import plain, read_json, stored_id
from .tables import arrival, attachment, delivery_attempt, settings_change, ticket, transcript
from .tickets import Status

BATCH = 100
"""How many tickets one transaction deletes."""

PAUSE_SECONDS = 0.05
"""Seconds between two of them: SQLite has no queue, and waiting writers only retry from time to time."""


EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
"""A time before this one is damaged, and says nothing about how old a ticket is."""

ADDRESSES = frozenset(("email", "reminder_email"))
"""The settings that have addresses."""

ERASED = "erased"
"""The name in the settings' history of a person who was erased."""


@dataclass(frozen=True)
class Erased:
    """What was deleted.

    Arguments:
        references: the tickets' references, oldest first.
        attempts: how many delivery attempts.
        being_sent: the references of tickets whose mail was being sent.
        changes: how many entries of the settings' history no longer name the person.
    """

    references: tuple[str, ...] = ()
    attempts: int = 0
    being_sent: tuple[str, ...] = ()
    changes: int = 0

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            self.references + other.references,
            self.attempts + other.attempts,
            self.being_sent + other.being_sent,
            self.changes + other.changes,
        )


def references_of_visitor(database: Database, email: str) -> list[str]:
    """The references of a visitor's tickets, oldest first."""
    with database.read() as connection:
        found = connection.execute(select(ticket.c.reference).where(_is_of_visitor(email)).order_by(ticket.c.id))
        return list(map(plain, found.scalars()))


def erase_visitor(database: Database, email: str) -> Erased:
    """Delete all tickets of a visitor, in any state.

    This includes a ticket that is being sent: its delivery finds that it no longer exists, and leaves nothing behind.

    Arguments:
        email: the visitor's address, in upper or lower case.
    """
    erased = Erased()
    while batch := _delete_batch(database, _is_of_visitor(email), ticket.c.id):
        erased += batch
    return erased


def names_person(email: str) -> ColumnElement[bool]:
    """A condition for the changes of the settings that a person made or that contain their address.

    Arguments:
        email: the address, in upper or lower case.
    """
    columns, address = settings_change.c, email.lower()
    texts = (func.lower(columns.before), func.lower(columns.after))
    # With what is around it in JSON, alone or among others, so that it does not match somebody else's longer address.
    named = [f"{before}{json.dumps(address)[1:-1]}{after}" for before in ('"', ", ") for after in ('"', ", ")]
    return or_(
        func.lower(columns.changed_by) == address,
        *(text.contains(part, autoescape=True) for text in texts for part in named),
    )


def erase_from_history(database: Database, email: str, *, keep_as_destination: bool) -> Erased:
    """Remove a person from the settings' history; what was changed, and when, stays.

    Arguments:
        email: the address, in upper or lower case.
        keep_as_destination: whether to keep it as an address that tickets went to, because they still go there.
    """
    address, changes = email.lower(), 0

    def without_address(stored: Any) -> str:
        values, text = read_json(stored), str(plain(stored))
        if not isinstance(values, dict):  # damaged: remove the address wherever it is
            return text if keep_as_destination else re.sub(re.escape(address), "", text, flags=re.IGNORECASE)
        found = {name: [one.strip() for one in str(values.get(name) or "").split(",")] for name in ADDRESSES}
        kept = {name: [one for one in those if one.lower() != address] for name, those in found.items()}
        without = {name: ", ".join(those) or None for name, those in kept.items() if those != found[name]}
        return text if keep_as_destination or not without else json.dumps({**values, **without})

    with database.write() as connection:
        for row in connection.execute(select(settings_change).where(names_person(email))).all():
            by = ERASED if str(plain(row.changed_by)).lower() == address else row.changed_by
            values = {"changed_by": by, "before": without_address(row.before), "after": without_address(row.after)}
            if any(getattr(row, name) != value for name, value in values.items()):
                connection.execute(update(settings_change).where(settings_change.c.id == row.id).values(values))
                changes += 1
    _erase_from_team(database, address, keep_as_destination=keep_as_destination)
    return Erased(changes=changes)


def _erase_from_team(database: Database, address: str, *, keep_as_destination: bool) -> None:
    """Remove a person from who took tickets, who was reminded of them, and who confirmed test mails."""
    columns = (ticket.c.taken_by, ticket.c.reminded_to, arrival.c.confirmed_by)
    for column in columns:
        named = func.lower(column) == address
        table = column.table
        while True:
            with database.read() as connection:  # a search through all tickets, for which writers need not wait
                ids = connection.execute(select(table.c.id).where(named).limit(BATCH)).scalars().all()
            if not ids:
                break
            with database.write(alone=False) as connection:
                connection.execute(update(table).where(table.c.id.in_(ids)).values({column.name: None}))
    if not keep_as_destination:
        _erase_from_test_mails(database, address)


def _erase_from_test_mails(database: Database, address: str) -> None:
    """Remove a person from where test mails went; one that went to nobody else is deleted."""
    sent = arrival.c
    with database.write(alone=False) as connection:
        named = func.lower(sent.recipient).contains(address, autoescape=True)
        for row in connection.execute(select(sent.id, sent.recipient).where(named)).all():
            those, this = recipients_in(str(plain(row.recipient))), sent.id == stored_id(row.id)
            kept = [one for one in those if one.lower() != address]
            if not kept:
                connection.execute(delete(arrival).where(this))
            elif len(kept) < len(those):
                connection.execute(update(arrival).where(this).values(recipient=", ".join(kept)))


def delete_tickets(database: Database, references: Sequence[str]) -> Erased:
    """Delete these tickets, in any state, as :func:`erase_visitor` does; there need not be one of each reference."""
    erased = Erased()
    for start in range(0, len(references), BATCH):
        these = ticket.c.reference.in_(references[start : start + BATCH])
        while batch := _delete_batch(database, these, ticket.c.id):
            erased += batch
    return erased


def delete_outdated(database: Database, days: int) -> int:
    """Delete the first batch of tickets that were delivered, failed, or suppressed, more than ``days`` days ago.

    A ticket that failed, or was suppressed, and was sent again is not outdated: it is waiting, or was completed later.

    Returns:
        How many; fewer than :data:`BATCH` at the end.
    """
    with database.read() as connection:
        before = now(connection) - timedelta(days=days)
    attempts = delivery_attempt.c
    tried_later = exists().where(
        attempts.ticket_id == ticket.c.id, func.coalesce(attempts.finished_at, attempts.started_at) >= before
    )
    ended = ticket.c.status.in_([Status.FAILED, Status.SUPPRESSED])
    not_sent = and_(ended, ticket.c.queued_at.between(EARLIEST, before), ~tried_later)
    # Only a delivered ticket has this time. With the status in the condition, SQLite would not use the index.
    batch = _delete_batch(database, ticket.c.delivered_at.between(EARLIEST, before), ticket.c.delivered_at)
    batch = batch or _delete_batch(database, not_sent, ticket.c.queued_at)
    return len(batch.references) if batch else 0


def _is_of_visitor(email: str) -> ColumnElement[bool]:
    return ticket.c.email_key == email.lower()


def _delete_batch(database: Database, condition: ColumnElement[bool], order: ColumnElement[Any]) -> Erased | None:
    query = select(ticket.c.id, ticket.c.reference, ticket.c.status).where(condition).order_by(order)
    with database.read() as connection:  # a query that writers need not wait for
        if connection.execute(query.limit(1)).first() is None:
            return None
    with database.write() as connection:  # alone: no submit that follows up one of them may come in between
        # Lock the rows where the database can: a delivery that begins now would add an attempt to a ticket that is
        # being deleted.
        found = connection.execute(query.limit(BATCH).with_for_update(of=ticket)).all()
        attempts = _delete(connection, [stored_id(row.id) for row in found])
    if len(found) == BATCH:
        time.sleep(PAUSE_SECONDS)
    being_sent = tuple(plain(row.reference) for row in found if row.status == Status.SENDING)
    return Erased(tuple(plain(row.reference) for row in found), attempts, being_sent)


def _delete(connection: Connection, ids: list[Any]) -> int:
    """Delete these tickets; return the number of their delivery attempts."""
    # A site's own SQLite engine may not enforce foreign keys, so this does what they would do.
    connection.execute(update(ticket).where(ticket.c.follows.in_(ids)).values(follows=None))
    search.remove(connection, ids)
    connection.execute(delete(attachment).where(attachment.c.ticket_id.in_(ids)))
    connection.execute(delete(transcript).where(transcript.c.ticket_id.in_(ids)))
    attempts = connection.execute(delete(delivery_attempt).where(delivery_attempt.c.ticket_id.in_(ids))).rowcount
    connection.execute(delete(ticket).where(ticket.c.id.in_(ids)))
    return attempts
