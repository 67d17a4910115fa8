"""Reminders: a ticket that nobody has taken is sent once more, to a second address.

A reminder is part of its ticket's row: ``remind_at`` says when it is due and, while it is being sent, until when no
other process sends it. A process that is killed meanwhile leaves a row that becomes due again.
"""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, select, update
from sqlalchemy.exc import NoResultFound

from ..desk_settings import MAX_REMINDER_HOURS, DeskSettings
from ..errors import Unavailable
from ..storage.engine import Database, now
from ..storage.reading import DamagedRow, stored_id
from ..storage.tables import ticket as ticket_table
from ..storage.takings import schedule_reminder
from ..storage.tickets import Status, Ticket, find_conversation
from ..text import clean_text
from .mailroom import Mailroom
from .outbox import BACKOFF, GIVE_UP_AFTER, LEASE_MARGIN
from .outcomes import Delivered, Refused, Suppressed, TryLater, unexpected

MOST_ATTEMPTS = len(BACKOFF) + int(GIVE_UP_AFTER / BACKOFF[-1])
"""How often a reminder is tried; with the waits in between, for as long as a ticket."""

BATCH = 50
"""The most reminders that a process sends before it looks for tickets again."""

_columns = ticket_table.c
_logger = logging.getLogger(__name__)


def due_after(settings: DeskSettings | None, moment: datetime) -> datetime | None:
    """When a ticket that reached its desk at this moment is due for a reminder; None: the desk has none."""
    if settings is None or not settings.reminds:
        return None
    hours = max(1, min(settings.reminder_hours, MAX_REMINDER_HOURS))
    office = settings.form.hours
    return moment + timedelta(hours=hours) if office is None else office.after(moment, hours)


def claim_due(database: Database, smtp_timeout: int) -> Ticket | None:
    """Claim the ticket whose reminder is due first, so that no other process sends it meanwhile.

    Arguments:
        smtp_timeout: seconds; nobody else sends it for that long and :data:`.LEASE_MARGIN`.

    Returns:
        The ticket; None: none is due.
    """
    with database.read() as connection:
        if connection.execute(select(_columns.id).where(_is_due(now(connection))).limit(1)).first() is None:
            return None
    with database.write(alone=False) as connection:
        moment = now(connection)
        first = select(ticket_table).where(_is_due(moment)).order_by(_columns.remind_at, _columns.id).limit(1)
        row = connection.execute(first.with_for_update(skip_locked=True)).one_or_none()
        found = None if row is None else Ticket.from_row(row)
        if isinstance(found, DamagedRow):
            # Its page says that it is damaged.
            connection.execute(_update(stored_id(found.id)).values(remind_at=None))
            return None
        if found is None:
            return None
        lease = moment + timedelta(seconds=smtp_timeout) + LEASE_MARGIN
        taken: dict[str, Any] = {"remind_at": lease, "reminder_attempts": found.reminder_attempts + 1}
        connection.execute(_update(found.id).values(**taken))
        return replace(found, **taken)


def _is_due(moment: datetime) -> Any:
    return and_(_columns.remind_at.is_not(None), _columns.remind_at <= moment)


def _update(ticket_id: Any) -> Any:
    return update(ticket_table).where(_columns.id == ticket_id)


def end_attempt(database: Database, claimed: Ticket, **values: Any) -> None:
    """Record how an attempt ended, unless another process has claimed the reminder since, or the ticket was taken."""
    with database.write(alone=False) as connection:
        same = _columns.reminder_attempts == claimed.reminder_attempts
        connection.execute(_update(claimed.id).where(same, _columns.taken_at.is_(None)).values(**values))


class Reminders:
    """Sends the reminders that are due. Not thread-safe."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom
        self._database = mailroom.database
        self._sent: tuple[Ticket, str] | None = None

    def send_due(self) -> int:
        """Send up to :data:`BATCH` of them, in the app's context.

        Returns:
            How many were sent.

        Raises:
            Unavailable: the database cannot be reached.
        """
        sent = self._record_sent()
        for _ in range(BATCH):
            claimed = claim_due(self._database, self._mailroom.config.smtp_timeout)
            if claimed is None:
                break
            sent += self._send(claimed)
        return sent

    def _send(self, claimed: Ticket) -> int:
        settings = self._mailroom.settings_of(claimed.desk)
        to = settings.reminder_email if settings is not None and settings.reminds else None
        if to is None or claimed.status is not Status.DELIVERED:  # the desk reminds no more
            end_attempt(self._database, claimed, remind_at=None)
            return 0
        why, retried = "", True
        try:
            delivered = self._deliver(replace(claimed, recipient=to))
            if not delivered.not_yet:
                self._sent = (claimed, to)
                return self._record_sent()
            why = delivered.reply
        except Unavailable:
            raise  # nothing can be recorded, so the reminder becomes due again
        except TryLater as error:
            why = str(error)
        except (Refused, Suppressed) as error:
            why, retried = str(error), False
        except Exception as error:
            why = unexpected(error)
        self._record_failure(claimed, to, why, retried=retried)
        return 0

    def _deliver(self, ticket: Ticket) -> Delivered:
        with self._database.read() as connection:
            try:
                conversation = find_conversation(connection, ticket)
            except (ValueError, NoResultFound) as error:
                raise Refused(f"the stored conversation cannot be read: {error}"[:500]) from error
        with closing(self._mailroom.open_reminders()) as channel:
            return channel.send(ticket, conversation)

    def _record_sent(self) -> int:
        """Record the reminder that was sent. Kept until the database accepts it, or it would be sent again."""
        if self._sent is None:
            return 0
        claimed, to = self._sent
        with self._database.write(alone=False) as connection:
            sent = {"remind_at": None, "reminded_at": now(connection), "reminded_to": to, "reminder_error": None}
            connection.execute(_update(claimed.id).values(**sent))
        self._sent = None
        _logger.info("The reminder of ticket %s was sent.", claimed.reference)
        return 1

    def _record_failure(self, claimed: Ticket, to: str, why: str, *, retried: bool) -> None:
        attempts = claimed.reminder_attempts
        retried = retried and attempts < MOST_ATTEMPTS
        with self._database.read() as connection:
            due = now(connection) + BACKOFF[min(attempts, len(BACKOFF)) - 1] if retried else None
        error = {"remind_at": due, "reminded_to": to, "reminder_error": clean_text(why)}
        end_attempt(self._database, claimed, **error)
        _logger.log(
            logging.WARNING if retried else logging.ERROR,
            "The reminder of ticket %s could not be sent; %s.",
            claimed.reference,
            "it will be retried automatically" if retried else "the ticket's admin page says why",
        )


def schedule(connection: Connection, settings: DeskSettings | None, ticket: Ticket, moment: datetime) -> None:
    """Let the reminder of a ticket that was delivered at this moment be due in time, if its desk has any."""
    due = due_after(settings, moment)
    if due is not None and settings is not None:
        schedule_reminder(connection, ticket.id, due, settings.reminder_email)
