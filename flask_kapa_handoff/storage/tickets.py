"""Rows as objects: tickets and attempts as the other packages and the receivers of signals see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, select
from sqlalchemy.sql.elements import ColumnElement

from ..conversation import Conversation
from ..email_address import quoted_email
from ..unknown import Unknown, read_name
from .reading import DamagedRow, damage, read_conversation, read_json
from .tables import delivery_attempt, ticket, transcript


class Status(str, Enum):
    """The state of a ticket's delivery.

    ``held``: beyond an hourly limit, and sent once released. ``suppressed``: not sent, because the site's
    configuration turns sending off.
    """

    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"

    def __str__(self) -> str:
        return self.value


class Outcome(str, Enum):
    """How one delivery attempt ended; an attempt without an outcome was cut off, and its result is unknown.

    ``unreachable``: no connection could be made, and nothing of the ticket was sent. ``unknown``: the whole mail was
    sent, but the reply was lost. ``suppressed``: the site's configuration turns sending off, and nothing was sent.
    """

    DELIVERED = "delivered"
    DELAYED = "delayed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    FAILED = "failed"
    SUPPRESSED = "suppressed"

    def __str__(self) -> str:
        return self.value


MAX_ATTEMPTS = 1_000_000
"""More are damaged; PostgreSQL cannot count on from the highest number that it stores."""

_TIMES: Mapping[str, str] = {
    Status.HELD: "next_attempt_at",
    Status.QUEUED: "next_attempt_at",
    Status.SENDING: "leased_until",
    Status.DELIVERED: "delivered_at",
}


@dataclass(frozen=True)
class Ticket:
    """One submitted handoff, without its transcript. Times are UTC.

    Arguments:
        transcript_source: ``browser`` (sent by the visitor's browser) or ``site`` (the site's own record).
        triggers: the triggers that were met, comma-separated.
        email_key: the visitor's address in lower case.
        client_key: a keyed hash of the visitor's network address.
        queued_at: when it was stored, released, or last sent again by hand.
        next_attempt_at: when a queued ticket is due, or from when a held one is released if there is room.
        follows: the id of an earlier ticket of the same thread.
        leased_until: until when only the current delivery may send it.
        proxy_unheeded: the request named the visitor's address (``X-Forwarded-For``), but the app saw a proxy's.
        offer_id: the id of the offer that opened it; an offer opens one ticket.
        network_key, wide_network_key: keyed hashes of the networks around the visitor's address: /24 of IPv4, /56 and
            /48 of IPv6.
        mailbox_key: a keyed hash of the visitor's email address without its tag and dots, for counting; see
            :func:`~flask_kapa_handoff.quotas.keys_of`.
        size: octets of note, fields and conversation as stored.
        flag: the remark of the site's ``ticket_filter`` for the agent.
        status: ``Unknown``: a status that a later version wrote.
        fields: the values of the form's further fields, by name; see KAPA_HANDOFF_FIELDS.
        context: what the site's ``context_loader`` says about the visitor, by label.
        ancestors: the ids of the thread's earlier tickets in order: the first one and the latest.
        earlier_pairs: how many of its first pairs an earlier ticket had.
        left_out: how many pairs the visitor left out of the conversation.
        corrected_at: when the visitor corrected ``visitor_email``.
        taken_at, taken_by: when somebody of the team took it, and who, as far as known.
        remind_at: when its reminder is due; while that is being sent, until when it is nobody else's.
        reminder_attempts: how often its reminder was tried.
        reminded_at: when its reminder was sent.
        reminded_to: where its reminder goes, or went.
        reminder_error: why its reminder was not sent.
    """

    id: UUID
    reference: str
    submission_id: UUID
    content_digest: str
    created_at: datetime
    desk: str
    recipient: str
    visitor_email: str
    email_key: str
    visitor_name: str | None
    note: str
    subject: str
    pairs: int
    transcript_source: str
    triggers: str
    answer_id: str | None
    thread_id: str | None
    page: str | None
    locale: str | None
    client_key: str
    follows: UUID | None
    status: Status | Unknown
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime | None
    leased_until: datetime | None
    last_error: str | None
    delivered_at: datetime | None
    proxy_unheeded: bool = False
    offer_id: str | None = None
    network_key: str | None = None
    wide_network_key: str | None = None
    mailbox_key: str | None = None
    size: int = 0
    flag: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    ancestors: tuple[str, ...] = ()
    earlier_pairs: int = 0
    left_out: int = 0
    corrected_at: datetime | None = None
    taken_at: datetime | None = None
    taken_by: str | None = None
    remind_at: datetime | None = None
    reminder_attempts: int = 0
    reminded_at: datetime | None = None
    reminded_to: str | None = None
    reminder_error: str | None = None

    @property
    def missing_time(self) -> str | None:
        """The time without which a ticket of this status does not go on; None: it has it."""
        name = _TIMES.get(self.status)
        return name if name is not None and getattr(self, name) is None else None

    @property
    def reply_address(self) -> str:
        """The visitor's address as ``mailto:`` links need it: its local part in quotes if its dots require that."""
        return quoted_email(self.visitor_email)

    @classmethod
    def from_row(cls, row: Row[Any]) -> Ticket | DamagedRow:
        """A ticket from a row with all columns; a :class:`DamagedRow` if something in it cannot be read."""
        damaged = damage(ticket, row)
        if damaged is not None:
            return damaged
        values = dict(row._mapping)
        if row.attempts > MAX_ATTEMPTS:
            return DamagedRow(values, ("attempts",))
        values["status"] = read_name(Status, values["status"], "status of a ticket")
        return cls(**values)


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver a ticket.

    Arguments:
        outcome: None while it is under way, or if its result is not known; ``Unknown``: an outcome that a later
            version wrote.
    """

    number: int
    recipient: str
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | Unknown | None
    detail: str | None

    @classmethod
    def from_row(cls, row: Row[Any]) -> Attempt | DamagedRow:
        """An attempt from a row with all columns; a :class:`DamagedRow` if something in it cannot be read."""
        damaged = damage(delivery_attempt, row)
        if damaged is not None:
            return damaged
        outcome = read_name(Outcome, row.outcome, "outcome of a delivery attempt") if row.outcome else None
        return cls(row.number, row.recipient, row.started_at, row.finished_at, outcome, row.detail)


def find_row(connection: Connection, condition: ColumnElement[bool]) -> Ticket | DamagedRow | None:
    """The one ticket that meets the condition, or its :class:`DamagedRow`; None: there is none."""
    row = connection.execute(select(ticket).where(condition)).one_or_none()
    return None if row is None else Ticket.from_row(row)


def find_ticket(connection: Connection, condition: ColumnElement[bool]) -> Ticket | None:
    """The one ticket that meets the condition; None: there is none, or it cannot be read."""
    found = find_row(connection, condition)
    return found if isinstance(found, Ticket) else None


def latest_rows(connection: Connection, *, limit: int = 50, before: UUID | None = None) -> list[Ticket | DamagedRow]:
    """Tickets, newest first, including damaged ones.

    Arguments:
        limit: how many at most.
        before: an id; only older tickets are returned (the key of the next page).
    """
    query = select(ticket).order_by(ticket.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ticket.c.id < before)
    return [Ticket.from_row(row) for row in connection.execute(query)]


def latest_tickets(connection: Connection, *, limit: int = 50, before: UUID | None = None) -> list[Ticket]:
    """The same without damaged ones."""
    return [found for found in latest_rows(connection, limit=limit, before=before) if isinstance(found, Ticket)]


def count_with(connection: Connection, status: Status) -> int:
    """How many tickets have this status."""
    return int(connection.execute(_COUNT, {"status": status}).scalar_one())


_COUNT = select(func.count()).select_from(ticket).where(ticket.c.status == bindparam("status"))


def before_time(moment: datetime) -> UUID:
    """An id that sorts before the ids of all tickets that were stored at this moment or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)  # RFC 9562, 5.7: a UUIDv7 begins with its milliseconds


def thread_ids(found: Ticket) -> tuple[str, ...]:
    """The ids of the thread's earlier tickets, in order; an earlier version stored only the latest one."""
    return found.ancestors or (() if found.follows is None else (str(found.follows),))


# Built once: a delivery needs it for every ticket.
_CONVERSATION = select(transcript.c.conversation).where(transcript.c.ticket_id == bindparam("ticket_id"))


def find_conversation(connection: Connection, found: Ticket) -> Conversation:
    """The transcript of a ticket.

    Raises:
        ValueError: it cannot be read.
        NoResultFound: it has none.
    """
    stored = read_json(conversation_as_stored(connection, found))
    return read_conversation(stored, thread_id=found.thread_id, may_be_empty=not found.pairs)


def conversation_as_stored(connection: Connection, found: Ticket) -> Any:
    """The transcript of a ticket, which is JSON if it is not damaged.

    Raises:
        NoResultFound: it has none.
    """
    return connection.execute(_CONVERSATION, {"ticket_id": found.id}).scalar_one()


def find_attempts(connection: Connection, ticket_id: UUID) -> list[Attempt]:
    """The delivery attempts of a ticket, in order, without damaged ones."""
    return [row for row in attempt_rows(connection, ticket_id) if isinstance(row, Attempt)]


def attempt_rows(connection: Connection, ticket_id: UUID) -> list[Attempt | DamagedRow]:
    """The delivery attempts of a ticket, in order, including damaged ones."""
    columns = delivery_attempt.c
    query = select(delivery_attempt).where(columns.ticket_id == ticket_id).order_by(columns.number)
    return [Attempt.from_row(row) for row in connection.execute(query)]
