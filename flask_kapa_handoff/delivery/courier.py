"""The courier carries one ticket at a time to the mail server and records how it went."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import NoResultFound

from ..conversation import Conversation
from ..errors import Unavailable
from ..signals import notify, ticket_delivered, ticket_failed
from ..storage.tickets import Status, Ticket, find_conversation
from . import outbox, requeue
from .mail.message import ComposedMessage, Letterhead, compose
from .mail.transport import Delayed, Refused, Transport, Unreachable

if TYPE_CHECKING:
    from flask import Flask

    from ..state import State

TRIES_BEFORE_PAUSE = 3
PAUSES = (5.0, 10.0, 20.0, 30.0)
"""Seconds that a courier rests after its third, fourth, ... try in a row that did not reach the mail server: a queue
of thousands must not become thousands of tries."""

RELEASE_SECONDS = 60.0
"""How often a courier looks whether held tickets can be released."""

_logger = logging.getLogger(__name__)


class Courier:
    """Carries tickets to the mail server, one after another over one connection. Not for several threads."""

    def __init__(self, app: Flask, state: State) -> None:
        self._app = app
        self._state = state
        self.transport = Transport(app, state.config, state.mail)
        self._accepted: tuple[outbox.Claim, str] | None = None
        self._unreachable = 0
        self._heard_over = 0
        self._is_busy = False
        self._look_for_held_at = 0.0

    @property
    def pause(self) -> float:
        """Seconds to wait before the next ticket is taken: more than 0 when the mail server is out of reach."""
        beyond = self._unreachable - TRIES_BEFORE_PAUSE
        return PAUSES[min(beyond, len(PAUSES) - 1)] if beyond >= 0 else 0.0

    def deliver_next(self, reference: str | None = None) -> Ticket | None:
        """Deliver the ticket that is due first, or the one with this reference if it is due.

        Returns:
            The ticket as it stands after the try; none: nothing was due.
        """
        database = self._state.database
        with self._app.app_context():
            self.record_accepted()
            if reference is None:
                self._release_held()
            # Where there was one there may be more, and whoever names a ticket has just stored it.
            expected = self._is_busy or reference is not None
            claimed = outbox.claim(database, self._state.config.smtp_timeout, reference=reference, expected=expected)
            self._is_busy = claimed is not None
            if claimed is None:
                return None
            if claimed.given_up:
                self._report(claimed.ticket)
                return claimed.ticket
            try:
                reply = self.send(claimed.ticket, self._conversation(claimed.ticket))
            except Delayed as error:
                self._unreachable = self._unreachable + 1 if isinstance(error, Unreachable) else 0
                ticket = outbox.delay(database, claimed, str(error), error.outcome)
            except Refused as error:
                self._unreachable = 0
                ticket = outbox.fail(database, claimed, str(error))
            except Unavailable:
                raise  # nothing can be recorded; the lease runs out
            except Exception as error:
                # Its text goes into the ticket alone: it may hold an address.
                _logger.error("Ticket %s met an unexpected %s.", claimed.ticket.reference, type(error).__name__)
                ticket = outbox.delay(database, claimed, f"{type(error).__name__} was not expected: {error}"[:500])
            else:
                self._unreachable = 0
                self._accepted = (claimed, reply)
                ticket = self.record_accepted()
            if ticket is None:
                return claimed.ticket  # the lease ran out, and whoever took the ticket over reports it
            self._report(ticket)
            if ticket.status is Status.DELIVERED:
                self._greet_the_return()
            return ticket

    def _release_held(self) -> None:
        """Here, since every way of delivery comes past: a thread, a worker, Celery's sweep and a line in cron."""
        if time.monotonic() < self._look_for_held_at:
            return
        self._look_for_held_at = time.monotonic() + RELEASE_SECONDS
        if released := requeue.release_held(self._state.database, self._state.config.tickets_per_hour):
            _logger.info("%s held tickets were released.", released)

    def _greet_the_return(self) -> None:
        """Over a new connection a mail went out: whatever waits for the server to come back need not wait longer."""
        if self._heard_over != self.transport.connections:
            released = outbox.release_unreachable(self._state.database)
            self._heard_over = self.transport.connections
            if released:
                _logger.info("The mail server is back; %s tickets that waited for it are due.", released)

    def record_accepted(self) -> Ticket | None:
        """Write down that a mail is out. Kept until the database takes it: or else it would be sent once more."""
        if self._accepted is None:
            return None
        ticket = outbox.complete(self._state.database, *self._accepted)
        self._accepted = None
        return ticket

    def send(self, ticket: Ticket, conversation: Conversation) -> str:
        """Compose and send one mail, now.

        Returns:
            The server's words at acceptance.

        Raises:
            Delayed: it did not work, but may later.
            Refused: the server refuses it for good, or the mail cannot be composed.
        """
        return self.transport.send(self._compose(ticket, conversation))

    def close(self) -> None:
        """Close the connection to the mail server."""
        self.transport.close()

    def _conversation(self, ticket: Ticket) -> Conversation:
        # Not together with the claim: a transcript that cannot be read would hold up every other ticket.
        try:
            with self._state.database.read() as connection:
                return find_conversation(connection, ticket)
        except (ValueError, NoResultFound) as error:
            raise Refused(f"the stored conversation cannot be read: {error}"[:500]) from error

    def _compose(self, ticket: Ticket, conversation: Conversation) -> ComposedMessage:
        config = self._state.config
        try:
            sender = self.transport.sender
        except ValueError as error:
            raise Delayed(f"MAIL_DEFAULT_SENDER is no address: {error}") from None
        if sender is None:
            raise Delayed("MAIL_DEFAULT_SENDER is not set, and neither is KAPA_HANDOFF_SENDER")
        letterhead = Letterhead(
            self._state.site_name, sender, config.auto_submitted, config.attach_json, config.fields
        )
        try:
            return compose(self._state.templates, letterhead, ticket, conversation)
        except (OSError, MemoryError) as error:
            # About this machine and not the ticket: no memory, no file handle left, a template that is being replaced.
            raise Delayed(f"{type(error).__name__} while the mail was composed: {error}"[:500]) from error
        except Exception as error:
            # The same ticket would fail at every further try.
            raise Refused(f"the mail could not be composed: {type(error).__name__}: {error}"[:500]) from error

    def _report(self, ticket: Ticket) -> None:
        if ticket.status is Status.DELIVERED:
            _logger.info("Ticket %s was delivered.", ticket.reference)
            notify(ticket_delivered, self._app, ticket=ticket)
        elif ticket.status is Status.FAILED:
            _logger.error("Ticket %s failed for good; its page in the admin says why.", ticket.reference)
            notify(ticket_failed, self._app, ticket=ticket, error=ticket.last_error or "")
        else:
            # The first word is the reply's code, the error's name or the key to set; the rest may hold an address.
            cause = (ticket.last_error or "unknown").split()[0].rstrip(":")
            _logger.warning("Ticket %s could not be sent (%s); it will be tried again.", ticket.reference, cause)
