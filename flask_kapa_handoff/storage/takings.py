"""Who takes a ticket: somebody of the team says "I'm on it", in the ticket's mail or on its admin page."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from ..desk_settings import recipients_in
from .engine import now
from .reading import plain
from .tables import delivery_attempt
from .tables import ticket as ticket_table
from .tickets import Ticket, find_ticket

_columns = ticket_table.c


def take(connection: Connection, ticket_id: UUID, by: str | None, *, over: bool = False) -> tuple[Ticket | None, bool]:
    """Note that somebody takes a ticket; it then gets no reminder.

    Arguments:
        by: who; None: not known.
        over: take it even if somebody else has.

    Returns:
        The ticket, and whether it was taken now; None: there is no such ticket.
    """
    wanted = _columns.id == ticket_id if over else (_columns.id == ticket_id) & _columns.taken_at.is_(None)
    values = {"taken_at": now(connection), "taken_by": by, "remind_at": None}
    taken = connection.execute(update(ticket_table).where(wanted).values(**values)).rowcount == 1
    return find_ticket(connection, _columns.id == ticket_id), taken


def give_back(connection: Connection, ticket_id: UUID, remind_at: datetime | None, reminded_to: str | None) -> None:
    """Note that nobody has a ticket any more.

    Arguments:
        remind_at: when a reminder is due that was not sent yet; None: none will be.
        reminded_to: where that reminder goes.
    """
    taken = (_columns.id == ticket_id, _columns.taken_at.is_not(None))
    connection.execute(update(ticket_table).where(*taken).values(taken_at=None, taken_by=None))
    if remind_at is not None:
        schedule_reminder(connection, ticket_id, remind_at, reminded_to)


def schedule_reminder(connection: Connection, ticket_id: UUID, moment: datetime, to: str | None) -> None:
    """Let a ticket's reminder be due at this moment, unless somebody has taken the ticket or it was sent already."""
    open_ticket = (_columns.id == ticket_id, _columns.taken_at.is_(None), _columns.reminded_at.is_(None))
    values = {"remind_at": moment, "reminder_attempts": 0, "reminded_to": to, "reminder_error": None}
    connection.execute(update(ticket_table).where(*open_ticket).values(**values))


def mailbox_of_ticket(connection: Connection, ticket_id: UUID) -> str | None:
    """The one address that a ticket was sent to; None: there are several, or none."""
    attempts = select(delivery_attempt.c.recipient).where(delivery_attempt.c.ticket_id == ticket_id)
    found = {one for text in connection.execute(attempts).scalars() for one in recipients_in(str(plain(text)))}
    return found.pop() if len(found) == 1 else None
