"""The courier takes one ticket at a time from the outbox, sends it by its channel and records the outcome."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import NoResultFound

from ..conversation import Conversation
from ..errors import Unavailable
from ..signals import notify, ticket_delivered, ticket_failed
from ..storage.tickets import Status, Ticket, find_conversation
from . import outbox, reminders, requeue
from .channels import Channels
from .mailroom import Mailroom
from .outcomes import Delivered, Refused, Suppressed, TryLater, unexpected

RELEASE_SECONDS = 60.0
"""Seconds between two checks whether held tickets can be released."""

REMINDER_SECONDS = 30.0
"""Seconds between two looks for reminders that are due."""

_logger = logging.getLogger(__name__)


class Courier:
    """Sends tickets one after another, over connections that stay open. Not thread-safe."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._app = mailroom.app
        self._config = mailroom.config
        self._database = mailroom.database
        self._channels = Channels(mailroom)
        self._ways = mailroom
        self._settings_of = mailroom.settings_of
        self._accepted: tuple[outbox.Claim, Delivered] | None = None
        self._may_be_back = False
        self._is_busy = False
        self._look_for_held_at = 0.0
        self._reminders = reminders.Reminders(mailroom)
        self._look_for_reminders_at = 0.0

    @property
    def pause(self) -> float:
        """Seconds until a channel that could not reach the other side is tried again; 0: none pauses."""
        return self._channels.pause

    @property
    def paused_channels(self) -> frozenset[str]:
        """The names of these channels. The tickets of their desks are not taken meanwhile."""
        return self._channels.paused

    def seconds_until_due(self) -> float | None:
        """How long until there is a ticket to take; None: none is waiting."""
        paused = self._channels.paused_desks
        due, pause = outbox.seconds_until_due(self._database, without=paused), self.pause
        return due if not paused else pause if due is None else min(due, pause)

    def deliver_next(self, reference: str | None = None) -> Ticket | None:
        """Deliver the ticket that is due first, or the one with this reference if it is due.

        Returns:
            The ticket after the attempt; None: nothing was due.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with self._app.app_context():
            self.record_accepted()
            if reference is None:
                self._release_held()
                self._send_reminders()
            # After one ticket there may be more, and a ticket named by its reference has just been stored.
            expected = self._is_busy or reference is not None
            timeout = self._config.smtp_timeout
            claimed = outbox.claim(
                self._database,
                timeout,
                reference=reference,
                expected=expected,
                destination=self._destination,
                without=self._channels.paused_desks if reference is None else frozenset(),
            )
            self._is_busy = claimed is not None
            if claimed is None:
                return None
            ticket = claimed.ticket if claimed.given_up else self._attempt(claimed)
            if ticket is None:
                return claimed.ticket  # the lease ran out, and the delivery that took the ticket over reports it
            self._report(ticket)
            if ticket.status is Status.DELIVERED:
                self._release_unreachable(self._channels.name_for(ticket.desk))
            return ticket

    def _attempt(self, claimed: outbox.Claim) -> Ticket | None:
        """Send a ticket and record the outcome; None: the lease had run out."""
        try:
            delivered = self._channels.send(claimed.ticket, self._conversation(claimed.ticket))
        except TryLater as error:
            return outbox.delay(self._database, claimed, str(error), error.outcome, seconds=error.seconds)
        except Refused as error:
            return outbox.fail(self._database, claimed, str(error))
        except Suppressed as error:
            return outbox.suppress(self._database, claimed, str(error))
        except Unavailable:
            raise  # nothing can be recorded, so the lease will run out
        except Exception as error:
            _logger.error("Sending ticket %s raised an unexpected %s.", claimed.ticket.reference, type(error).__name__)
            return outbox.delay(self._database, claimed, unexpected(error))
        self._may_be_back = self._may_be_back or delivered.over_new_connection
        self._accepted = (claimed, delivered)
        return self.record_accepted()

    def _release_held(self) -> None:
        """Release held tickets if there is room: every kind of delivery (thread, worker, Celery, cron) comes here."""
        if time.monotonic() < self._look_for_held_at:
            return
        self._look_for_held_at = time.monotonic() + RELEASE_SECONDS
        if released := requeue.release_held(
            self._database, self._config.tickets_per_hour, of_desks=lambda: self._ways.desk_limits
        ):
            _logger.info("%s held tickets were released.", released)

    def _send_reminders(self) -> None:
        """Send the reminders that are due: every kind of delivery comes here."""
        if time.monotonic() >= self._look_for_reminders_at:
            self._look_for_reminders_at = time.monotonic() + REMINDER_SECONDS
            self._reminders.send_due()

    def _release_unreachable(self, channel: str) -> None:
        """After a delivery over a new connection, make the channel's tickets due that wait for it to come back."""
        if self._may_be_back:
            others = self._ways.desks_of_other_channels(channel)
            released = outbox.release_unreachable(self._database, without=others)
            self._may_be_back = False
            if released:
                _logger.info("Delivery works again; %s tickets that waited for it are due.", released)

    def record_accepted(self) -> Ticket | None:
        """Record that a ticket was sent. Kept until the database accepts it, or the ticket would be sent again."""
        if self._accepted is None:
            return None
        claimed, delivered = self._accepted
        if delivered.not_yet:
            left = ", ".join(delivered.not_yet)
            ticket = outbox.delay(self._database, claimed, delivered.reply, recipient=left)
        else:
            ticket = outbox.complete(self._database, claimed, delivered.reply, self._schedule_reminder)
        self._accepted = None
        return ticket

    def _schedule_reminder(self, connection: Connection, ticket: Ticket, moment: datetime) -> None:
        reminders.schedule(connection, self._settings_of(ticket.desk), ticket, moment)

    def close(self) -> None:
        """Close the channels' connections."""
        self._channels.close()

    def _destination(self, ticket: Ticket) -> str:
        return self._ways.destination(ticket.desk, ticket.recipient)

    def _conversation(self, ticket: Ticket) -> Conversation:
        # Not together with the claim: an unreadable transcript would block every other ticket.
        try:
            with self._database.read() as connection:
                return find_conversation(connection, ticket)
        except (ValueError, NoResultFound) as error:
            raise Refused(f"the stored conversation cannot be read: {error}"[:500]) from error

    def _report(self, ticket: Ticket) -> None:
        if ticket.status is Status.DELIVERED:
            _logger.info("Ticket %s was delivered.", ticket.reference)
            notify(ticket_delivered, self._app, ticket=ticket)
        elif ticket.status is Status.FAILED:
            _logger.error("Ticket %s could not be delivered; its admin page says why.", ticket.reference)
            notify(ticket_failed, self._app, ticket=ticket, error=ticket.last_error or "")
        elif ticket.status is Status.SUPPRESSED:
            _logger.warning("Ticket %s was %s.", ticket.reference, ticket.last_error)
        else:
            # The first word is the reply's code, the error's name or the key to set; the rest may contain an address.
            cause = next(iter((ticket.last_error or "").split()), "unknown").rstrip(":")
            _logger.warning(
                "Ticket %s could not be sent (%s); it will be retried automatically.", ticket.reference, cause
            )
