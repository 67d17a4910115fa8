"""The outbox: which ticket is next, which process has it, how its attempt ended. A ticket's row is its outbox row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, and_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..storage.engine import Database, now
from ..storage.reading import DamagedRow, earliest, stored_id
from ..storage.tables import delivery_attempt
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Outcome, Status, Ticket
from ..text import clean_text
from .outbox_statements import BEGIN_ATTEMPT, END, END_ATTEMPT, TAKE, first_due

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60))
"""How long a ticket waits after its first, second, ... delayed attempt; after these, an hour."""

LEAST_WAIT = timedelta(seconds=1)
"""The shortest wait of a delayed ticket, whatever its channel asks for, so that one pass over the due tickets ends."""

GIVE_UP_AFTER = timedelta(days=5)
"""How long attempts to deliver a ticket go on (RFC 5321, 4.5.4.1: at least 4 to 5 days)."""

LEASE_MARGIN = timedelta(seconds=30)
"""How much longer than the SMTP timeout an attempt may take before the ticket counts as abandoned."""


_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A ticket that only this process may send until its lease runs out; ``number`` is the attempt's.

    Arguments:
        given_up: there is nothing to send: its deliveries were cut off for :data:`GIVE_UP_AFTER`, so it has failed.
    """

    ticket: Ticket
    given_up: bool = False

    @property
    def number(self) -> int:
        return self.ticket.attempts + 1


def next_attempt(
    attempts: int, queued_at: datetime, moment: datetime, *, seconds: float | None = None
) -> datetime | None:
    """The time of a delayed ticket's next attempt.

    Arguments:
        attempts: how many there were, 1 or more.
        queued_at: when the ticket was stored, or last sent again by hand.
        moment: the current time.
        seconds: how long to wait, :data:`LEAST_WAIT` or more; None: according to :data:`BACKOFF`.

    Returns:
        The time; None: its attempts have gone on for :data:`GIVE_UP_AFTER`.
    """
    if seconds is None:
        wait = BACKOFF[max(1, min(attempts, len(BACKOFF))) - 1]
    else:  # what is longer than all attempts is too long, and may be more than a timedelta holds
        wait = max(LEAST_WAIT, timedelta(seconds=min(seconds, 2 * GIVE_UP_AFTER.total_seconds())))
    # Not `queued_at + GIVE_UP_AFTER`: a damaged time may be close to the end of the calendar.
    return None if moment + wait - queued_at > GIVE_UP_AFTER else moment + wait


def claim(
    database: Database,
    smtp_timeout: int,
    *,
    reference: str | None = None,
    expected: bool = False,
    destination: Callable[[Ticket], str] = attrgetter("recipient"),
    without: Collection[str] = (),
) -> Claim | None:
    """Claim the ticket that is due first, so that no other process sends it.

    Arguments:
        smtp_timeout: seconds; the lease is that and :data:`LEASE_MARGIN`.
        reference: claim only this ticket.
        expected: whether there probably is one; if not, first run a query that writers need not wait for.
        destination: where a ticket goes, for the record of the attempt.
        without: the desks whose tickets are left alone.

    Returns:
        The ticket; None: nothing is due.
    """
    if not expected:
        with database.read() as connection:
            if _first_due(connection, now(connection), reference, without) is None:
                return None
    while True:
        # If a power cut undoes a claim, that only costs time: nothing was sent yet, or the lease runs out.
        with database.write(alone=False, survives_power_cut=False) as connection:
            moment = now(connection)
            ticket = _first_due(connection, moment, reference, without, claiming=True)
            if ticket is None:
                return None
            if isinstance(ticket, DamagedRow):
                _fail_damaged(connection, ticket)
                continue
            if ticket.status is Status.QUEUED or ticket.attempts == 1:
                return _take(connection, ticket, smtp_timeout, moment, destination(ticket))
            ended = _requeue(connection, ticket, moment)
            if ended.status is Status.FAILED:
                return Claim(ended, given_up=True)
            # It waits now; look for the next one.


def _take(
    connection: Connection, ticket: Ticket, smtp_timeout: int, moment: datetime, destination: str
) -> Claim | None:
    number = ticket.attempts + 1
    taken = connection.execute(
        TAKE,
        {
            "this": ticket.id,
            "seen_status": ticket.status,
            "seen_attempts": ticket.attempts,
            "status": Status.SENDING,
            "attempts": number,
            "leased_until": moment + timedelta(seconds=smtp_timeout) + LEASE_MARGIN,
        },
    )
    if taken.rowcount != 1:
        return None
    begun = {"ticket_id": ticket.id, "number": number, "recipient": destination, "started_at": moment}
    connection.execute(BEGIN_ATTEMPT, begun)
    return Claim(ticket)


def _fail_damaged(connection: Connection, row: DamagedRow) -> None:
    """Fail a ticket whose row cannot be read, so that it does not block all others."""
    values = {
        "status": Status.FAILED,
        "next_attempt_at": None,
        "leased_until": None,
        "last_error": f"The ticket is damaged. {row.what}",
    }
    connection.execute(update(ticket_table).where(ticket_table.c.id == stored_id(row.id)).values(values))
    _logger.error("Ticket %s is damaged and cannot be sent. %s", row.reference or repr(row.id), row.what)


def _requeue(connection: Connection, ticket: Ticket, moment: datetime) -> Ticket:
    """Delay a ticket whose deliveries were cut off repeatedly, since it may be what ends the process."""
    due = next_attempt(ticket.attempts - 1, ticket.queued_at, moment)
    values: dict[str, Any] = {
        "status": Status.QUEUED if due else Status.FAILED,
        "next_attempt_at": due,
        "leased_until": None,
        "last_error": "the process ended in the middle of the delivery, more than once",
    }
    connection.execute(update(ticket_table).where(ticket_table.c.id == ticket.id).values(values))
    return replace(ticket, **values)


def complete(
    database: Database,
    claimed: Claim,
    detail: str,
    also: Callable[[Connection, Ticket, datetime], None] | None = None,
) -> Ticket | None:
    """Record that the other side has accepted the ticket.

    Arguments:
        also: what else is written in the same transaction; gets the ticket and the current time.

    Returns:
        The ticket; None: the lease had run out, and another delivery has taken the ticket over.
    """
    return _finish(database, claimed, Outcome.DELIVERED, detail, also=also)


def delay(
    database: Database,
    claimed: Claim,
    error: str,
    outcome: Outcome = Outcome.DELAYED,
    *,
    seconds: float | None = None,
    recipient: str | None = None,
) -> Ticket | None:
    """Queue the ticket again after a temporary error, or fail it if its attempts have gone on for long enough.

    Arguments:
        outcome: the outcome to record: delayed, unreachable or unknown.
        seconds: how long the ticket waits; None: according to :data:`BACKOFF`.
        recipient: the addresses that it still has to reach; None: as before.
    """
    return _finish(database, claimed, outcome, error, seconds, recipient)


def fail(database: Database, claimed: Claim, error: str) -> Ticket | None:
    """Record a permanent error; the ticket stays visible and can be sent again by hand."""
    return _finish(database, claimed, Outcome.FAILED, error)


def suppress(database: Database, claimed: Claim, why: str) -> Ticket | None:
    """Record that the site's configuration turns sending off; the ticket can be sent again by hand."""
    return _finish(database, claimed, Outcome.SUPPRESSED, why)


def _finish(
    database: Database,
    claimed: Claim,
    outcome: Outcome,
    detail: str,
    seconds: float | None = None,
    recipient: str | None = None,
    also: Callable[[Connection, Ticket, datetime], None] | None = None,
) -> Ticket | None:
    ticket = claimed.ticket
    detail = clean_text(detail)  # others wrote it; what the database refuses would be sent again
    with database.write(alone=False) as connection:
        moment = now(connection)
        values: dict[str, Any] = {
            "status": Status.FAILED,
            "leased_until": None,
            "next_attempt_at": None,
            "last_error": detail,
            "delivered_at": None,
            "recipient": recipient or ticket.recipient,
        }
        if outcome is Outcome.DELIVERED:
            values |= {"status": Status.DELIVERED, "last_error": None, "delivered_at": moment}
        elif outcome is Outcome.SUPPRESSED:
            values |= {"status": Status.SUPPRESSED}
        elif outcome is not Outcome.FAILED and (
            due := next_attempt(claimed.number, ticket.queued_at, moment, seconds=seconds)
        ):
            values |= {"status": Status.QUEUED, "next_attempt_at": due}
        # The ticket first, as when both are deleted: in another order, the two transactions could deadlock.
        ended = connection.execute(END, {"this": ticket.id, "number": claimed.number, **values})
        end = {"finished_at": moment, "outcome": outcome, "detail": detail}
        connection.execute(END_ATTEMPT, {"this": ticket.id, "this_attempt": claimed.number, **end})
        if also is not None and ended.rowcount == 1:
            also(connection, ticket, moment)
        # Nothing else changes how a ticket is being sent, so it has the values of the claim and of this update.
        return replace(ticket, attempts=claimed.number, **values) if ended.rowcount == 1 else None


def release_unreachable(database: Database, *, without: Collection[str] = ()) -> int:
    """Make the tickets due that wait because the other side could not be reached.

    They count as due since they were stored, so they are sent in that order.

    Arguments:
        without: the desks whose tickets go on waiting.

    Returns:
        How many there were.
    """
    columns, attempts = ticket_table.c, delivery_attempt.c
    last_attempt = select(attempts.id).where(
        attempts.ticket_id == columns.id,
        attempts.number == columns.attempts,
        attempts.outcome == Outcome.UNREACHABLE,
    )
    with database.read() as connection:
        waiting = and_(
            columns.status == Status.QUEUED,
            columns.next_attempt_at > now(connection),
            *_of_other_desks(without),
            last_attempt.correlate(ticket_table).exists(),
        )
        if connection.execute(select(columns.id).where(waiting).limit(1)).first() is None:
            return 0
    # Alone: several couriers see the server come back, and two that lock many rows could deadlock.
    with database.write() as connection:
        return connection.execute(
            update(ticket_table).where(waiting).values(next_attempt_at=columns.queued_at)
        ).rowcount


def seconds_until_due(database: Database, *, without: Collection[str] = ()) -> float | None:
    """How long until a ticket is due; None: none is waiting.

    Arguments:
        without: the desks whose tickets do not count.
    """
    with database.read() as connection:
        columns = ticket_table.c
        times = [
            earliest(connection, column, where=and_(columns.status == status, *_of_other_desks(without)))
            for column, status in (
                (columns.next_attempt_at, Status.QUEUED),
                (columns.leased_until, Status.SENDING),
            )
        ]
        known = [time for time in times if time is not None]
        return max(0.0, (min(known) - now(connection)).total_seconds()) if known else None


def _of_other_desks(without: Collection[str]) -> list[ColumnElement[bool]]:
    return [ticket_table.c.desk.not_in(without)] if without else []


def _first_due(
    connection: Connection,
    moment: datetime,
    reference: str | None,
    without: Collection[str],
    *,
    claiming: bool = False,
) -> Ticket | DamagedRow | None:
    for query in first_due(by_reference=reference is not None, claiming=claiming, choosing=bool(without)):
        given = {"moment": moment, "wanted": reference, "without": [*without]}
        row = connection.execute(query, given).one_or_none()
        if row is not None:
            return Ticket.from_row(row)
    return None
