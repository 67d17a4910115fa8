"""Corrects the visitor's address of a ticket that was just sent.

A ticket that cannot have been delivered is changed; else a further ticket of its thread has the right address. The row
is locked meanwhile, so a courier sends it with one address or the other, and the agent gets the right one.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import NoResultFound

from . import limits
from .config import Config
from .config_values import MAIL
from .errors import Conflict
from .fields import CORRECTS
from .quotas import QUOTAS, WINDOW, Keys, Usage
from .receipts import ReceiptInvalid
from .settings import current_settings
from .storage import search
from .storage.attachments import copy_files
from .storage.engine import Database, now
from .storage.new_tickets import free_reference, new_id, store_ticket
from .storage.tables import delivery_attempt
from .storage.tables import ticket as ticket_table
from .storage.tickets import Outcome, Status, Ticket, conversation_as_stored, find_ticket
from .submission import Thread
from .translation import noop as N_

_IS_CORRECTED = N_("You've already corrected the address of this ticket.")

_WAITING = (Status.QUEUED, Status.HELD, Status.FAILED, Status.SUPPRESSED)

_SENT_NOTHING = frozenset({Outcome.UNREACHABLE.value, Outcome.SUPPRESSED.value})
_REFUSED = frozenset({Outcome.DELAYED.value, Outcome.FAILED.value})

_columns = ticket_table.c
_LOCKED = select(_columns.id).where(_columns.id == bindparam("this")).with_for_update()


def correct_address(
    database: Database, config: Config, ticket_id: UUID, email: str, keys: Keys
) -> tuple[Ticket, bool]:
    """Correct the address of a ticket, once.

    Arguments:
        email: the right address.
        keys: for whom a further ticket is counted.

    Returns:
        The ticket that has the address, and whether that is a new one. The same correction again returns it again.

    Raises:
        Conflict: it was already corrected to another address.
        RateLimited: a quota is used up.
        ReceiptInvalid: the ticket is no longer stored.
        Unavailable: the database cannot be reached.
    """
    with database.write() as connection:
        # Locked before it is read: a courier that claims it now is waited for, one that comes later waits.
        connection.execute(_LOCKED, {"this": ticket_id})
        ticket = find_ticket(connection, _columns.id == ticket_id)
        if ticket is None:
            raise ReceiptInvalid
        further_id = uuid5(ticket.id, "corrected address")
        corrected = find_ticket(connection, _columns.submission_id == further_id)
        if corrected is None and ticket.corrected_at is not None:
            corrected = ticket
        if corrected is not None:
            if corrected.visitor_email != email:
                raise Conflict(_IS_CORRECTED)
            return corrected, False
        if ticket.visitor_email == email:
            return ticket, False
        if _was_not_sent(connection, config, ticket):
            return _changed(connection, config, ticket, email, keys), False
        return _further(connection, config, ticket, email, keys, further_id), True


def _was_not_sent(connection: Connection, config: Config, ticket: Ticket) -> bool:
    """Whether no courier has the ticket, and none can have delivered it."""
    if ticket.status not in _WAITING:
        return False
    # What a site's own channel raises says less: its helpdesk may have the ticket.
    harmless = _SENT_NOTHING | _REFUSED if config.channel == MAIL else _SENT_NOTHING
    tried = select(delivery_attempt.c.outcome).where(delivery_attempt.c.ticket_id == ticket.id)
    return all(outcome in harmless for outcome in connection.execute(tried).scalars())


def _changed(connection: Connection, config: Config, ticket: Ticket, email: str, keys: Keys) -> Ticket:
    moment = now(connection)
    # The ticket itself is counted already, but not for this mailbox.
    usage = limits.usage_of(connection.execute(limits.USAGE, limits.parameters(keys, moment)).one())
    of_address = [
        used if quota.column == "mailbox_key" else Usage(0, 0) for quota, used in zip(QUOTAS, usage, strict=True)
    ]
    if keys.mailbox_key != ticket.mailbox_key:
        limits.check(connection, config, keys, moment, usage=of_address, size=ticket.size)
    # The digest stays that of the form: if the browser sends it again, it gets this ticket.
    values: dict[str, Any] = {
        "visitor_email": email,
        "email_key": email.lower(),
        "mailbox_key": keys.mailbox_key,
        "corrected_at": moment,
    }
    connection.execute(update(ticket_table).where(_columns.id == ticket.id).values(values))
    search.renew(connection, ticket.id)
    return replace(ticket, **values)


def _further(
    connection: Connection, config: Config, ticket: Ticket, email: str, keys: Keys, submission_id: UUID
) -> Ticket:
    """A ticket that repeats another one with the right address, and says so."""
    moment = now(connection)
    try:
        conversation = conversation_as_stored(connection, ticket)
    except NoResultFound:
        raise ReceiptInvalid from None  # the ticket is damaged
    usage = limits.usage_of(connection.execute(limits.USAGE, limits.parameters(keys, moment)).one())
    limits.check(connection, config, keys, moment, usage=usage, size=ticket.size)
    is_held = limits.is_held(config, usage, ticket.size)
    place: dict[str, Any] = vars(Thread.after(ticket, ticket.pairs))
    further = replace(
        ticket,
        id=new_id(moment),
        reference=free_reference(connection),
        submission_id=submission_id,
        content_digest=hashlib.sha256(email.encode()).hexdigest(),
        created_at=moment,
        recipient=current_settings(connection, config, ticket.desk).email or ticket.recipient,
        visitor_email=email,
        email_key=email.lower(),
        status=Status.HELD if is_held else Status.QUEUED,
        attempts=0,
        queued_at=moment,
        next_attempt_at=moment + WINDOW if is_held else moment,
        leased_until=None,
        last_error=None,
        delivered_at=None,
        offer_id=None,
        fields={CORRECTS.name: ticket.reference, **ticket.fields},
        corrected_at=moment,
        **vars(keys),
        **place,
    )
    store_ticket(connection, further, conversation)
    copy_files(connection, ticket.id, further.id)
    return further
