"""What the database may contain at any moment, whatever was killed when; and how to let time pass for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Connection, func, or_, select, update

from flask_kapa_handoff.storage.engine import Database, now
from flask_kapa_handoff.storage.tables import delivery_attempt, transcript
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import (
    Attempt,
    Outcome,
    Status,
    Ticket,
    find_attempts,
    find_ticket,
    latest_tickets,
)
from flask_kapa_handoff.unknown import Unknown

_columns = ticket_table.c
_WAITS = {Outcome.DELAYED, Outcome.UNREACHABLE, Outcome.UNKNOWN, None}  # None: it was cut off


def let_time_pass(database: Database) -> None:
    """Let all leases and waits end. Only when no process has a lease any more."""
    with database.write() as connection:
        past = now(connection) - timedelta(seconds=1)
        for status, column in ((Status.SENDING, _columns.leased_until), (Status.QUEUED, _columns.next_attempt_at)):
            connection.execute(update(ticket_table).where(_columns.status == status).values({column: past}))


def undelivered(database: Database, *, due: bool = False) -> int:
    """How many tickets are not delivered yet.

    Arguments:
        due: count those alone that a delivery would take now.
    """
    query = select(func.count()).select_from(ticket_table).where(_columns.status != Status.DELIVERED)
    with database.read() as connection:
        if due:
            moment = now(connection)
            query = query.where(
                ((_columns.status == Status.QUEUED) & (_columns.next_attempt_at <= moment))
                | ((_columns.status == Status.SENDING) & (_columns.leased_until <= moment))
            )
        return connection.execute(query).scalar_one()


def unknown_ends(database: Database, outcomes: Iterable[Outcome]) -> Counter[str]:
    """How many attempts of each ticket were cut off or have such an outcome, so that it may arrive twice."""
    cut_off = or_(delivery_attempt.c.outcome.is_(None), delivery_attempt.c.outcome.in_(list(outcomes)))
    query = select(_columns.reference).join(delivery_attempt).where(cut_off)
    with database.read() as connection:
        return Counter(connection.execute(query).scalars())


def story(database: Database, reference: str) -> str:
    """A ticket and its attempts, on one line."""
    with database.read() as connection:
        ticket = find_ticket(connection, _columns.reference == reference)
        if ticket is None:
            return f"{reference}: is not there"
        attempts = [(str(attempt.outcome), attempt.detail) for attempt in find_attempts(connection, ticket.id)]
    return f"{reference}: {ticket.status}, {ticket.last_error!r}, {attempts}"


def find_faults(database: Database) -> list[str]:
    """What must never be in the database, for all tickets; empty: all is well."""
    with database.read() as connection:
        tickets = latest_tickets(connection, limit=1_000_000)
        found = [fault for ticket in tickets for fault in _faults(ticket, find_attempts(connection, ticket.id))]
        return found + _halves(connection)


def _halves(connection: Connection) -> list[str]:
    """Incomplete tickets."""
    known = set(connection.execute(select(_columns.id)).scalars())
    told = set(connection.execute(select(transcript.c.ticket_id)).scalars())
    tried = set(connection.execute(select(delivery_attempt.c.ticket_id)).scalars())
    return [f"a ticket or a transcript alone: {half}" for half in known ^ told] + [
        f"an attempt without a ticket: {half}" for half in tried - known
    ]


def _faults(ticket: Ticket, attempts: list[Attempt]) -> list[str]:
    outcomes = [attempt.outcome for attempt in attempts]
    last = outcomes[-1] if outcomes else None
    follows: dict[Status | Unknown, bool] = {
        Status.QUEUED: last in _WAITS and ticket.next_attempt_at is not None,
        Status.SENDING: bool(attempts) and last is None,
        Status.DELIVERED: last is Outcome.DELIVERED,
        Status.FAILED: last in _WAITS | {Outcome.FAILED} and ticket.next_attempt_at is None,
    }
    rules = {
        "attempts are numbered from 1 without a gap": [attempt.number for attempt in attempts]
        == [*range(1, ticket.attempts + 1)],
        "an attempt has an end and an outcome, or neither": all(
            (attempt.finished_at is None) == (attempt.outcome is None) for attempt in attempts
        ),
        "a lease while it is being sent, and only then": (ticket.leased_until is not None)
        == (ticket.status is Status.SENDING),
        "delivered when, if it is delivered, and only then": (ticket.delivered_at is not None)
        == (ticket.status is Status.DELIVERED),
        "the status follows from the last attempt": follows[ticket.status],
    }
    return [
        f"{ticket.reference}, {ticket.status}, {outcomes}: not so: {rule}"
        for rule, holds in rules.items()
        if not holds
    ]
