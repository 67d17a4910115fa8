"""Opening a ticket: limits, idempotency and follow-ups, in one transaction. How it is delivered is not known here."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.sql.elements import ColumnElement

from .config import Config
from .conversation import Conversation, clean_text
from .errors import Conflict, Disabled, RateLimited
from .offers import Offer
from .redaction import redact, redact_conversation
from .settings import current_settings
from .storage.engine import Database, now
from .storage.models import ticket as ticket_table
from .storage.models import transcript
from .storage.records import Status, Ticket, find_ticket

REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No digit or letter that is taken for another one when it is read out or written by hand."""

WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Submission:
    """What a visitor sent, checked.

    Arguments:
        submission_id: made with the form; sending the form twice opens one ticket.
        transcript_source: ``browser`` or ``site``, see :class:`Ticket`.
        locale: the visitor's language, BCP 47.
        client_key: see :func:`client_key`.
    """

    submission_id: UUID
    offer: Offer
    email: str
    note: str
    conversation: Conversation
    transcript_source: str
    client_key: str
    name: str | None = None
    locale: str | None = None


def open_ticket(database: Database, config: Config, submission: Submission) -> tuple[Ticket, bool]:
    """Store a ticket, queued for delivery.

    Returns:
        The ticket, and whether it is new: the same submission again gives the ticket that it opened.

    Raises:
        Conflict: the same submission id came with other content.
        Disabled: the desk has no address, or is switched off.
        RateLimited: a limit of section "Configuration" is reached.
        Unavailable: the database cannot be reached.
    """
    note, conversation = clean_text(submission.note), submission.conversation
    if config.redact:
        note, conversation = redact(note), redact_conversation(conversation)
    text = json.dumps(conversation.as_json(), ensure_ascii=False, separators=(",", ":"))
    # The site's own record of a thread may have grown between two tries; the thread is then what counts.
    said = text if submission.transcript_source == "browser" else str(submission.offer.thread_id)
    digest = hashlib.sha256("\0".join([submission.email, note, said]).encode()).hexdigest()

    with database.write() as connection:
        earlier = find_ticket(connection, ticket_table.c.submission_id == submission.submission_id)
        if earlier is not None:
            if earlier.content_digest != digest:
                raise Conflict
            return earlier, False
        settings = current_settings(connection, config, submission.offer.desk)
        if not settings.takes_tickets or settings.email is None:
            raise Disabled
        moment = now(connection)
        _check_limits(connection, config, submission, moment)
        ticket = Ticket(
            id=_uuid7(moment),
            reference=_reference(connection),
            submission_id=submission.submission_id,
            content_digest=digest,
            created_at=moment,
            desk=settings.desk,
            recipient=settings.email,
            visitor_email=submission.email,
            email_key=submission.email.lower(),
            visitor_name=submission.name[:200] if submission.name else None,
            note=note,
            subject=_subject(conversation),
            pairs=len(conversation.pairs),
            transcript_source=submission.transcript_source,
            triggers=",".join(submission.offer.triggers),
            answer_id=submission.offer.answer_id,
            thread_id=submission.offer.thread_id,
            page=submission.offer.page,
            locale=submission.locale,
            client_key=submission.client_key,
            follows=_earlier_of_thread(connection, submission.offer.thread_id),
            status=Status.QUEUED,
            attempts=0,
            queued_at=moment,
            next_attempt_at=moment,
            leased_until=None,
            last_error=None,
            delivered_at=None,
        )
        connection.execute(insert(ticket_table).values(**asdict(ticket)))
        connection.execute(insert(transcript).values(ticket_id=ticket.id, conversation=text))
    return ticket, True


def client_key(address: str | None, secret: bytes) -> str:
    """A keyed hash that tells clients apart without keeping their addresses.

    Arguments:
        address: the client's network address; IPv6 counts by its /64, which is what one connection gets.
        secret: the site's secret key.
    """
    try:
        found = ip_address(address or "")
    except ValueError:
        network = (address or "").encode()
    else:
        if isinstance(found, IPv6Address):
            mapped = found.ipv4_mapped
            network = mapped.packed if mapped else found.packed[:8]
        else:
            network = found.packed
    return hmac.new(secret, b"kapa-handoff-client:" + network, hashlib.sha256).hexdigest()[:32]


def _check_limits(connection: Connection, config: Config, submission: Submission, moment: datetime) -> None:
    columns = ticket_table.c
    limits: list[tuple[int, ColumnElement[bool] | None]] = [
        (config.tickets_per_client_per_hour, columns.client_key == submission.client_key),
        (config.tickets_per_email_per_hour, columns.email_key == submission.email.lower()),
        (config.tickets_per_hour, None),
    ]
    counted = [_recent(func.count(), moment, which).scalar_subquery() for _, which in limits]
    row = connection.execute(select(*counted)).one()
    waits = [
        _wait(connection, limit, which, moment)
        for count, (limit, which) in zip(row, limits, strict=True)
        if count >= limit
    ]
    if waits:
        raise RateLimited(retry_after=max(waits))


def _recent(what: ColumnElement[Any], moment: datetime, which: ColumnElement[bool] | None) -> Select[Any]:
    query = select(what).select_from(ticket_table).where(ticket_table.c.created_at > moment - WINDOW)
    return query if which is None else query.where(which)


def _wait(connection: Connection, limit: int, which: ColumnElement[bool] | None, moment: datetime) -> int:
    """Seconds until so many tickets have left the window that one more fits."""
    created_at = ticket_table.c.created_at
    query = _recent(created_at, moment, which).order_by(created_at.desc()).offset(limit - 1).limit(1)
    blocking: datetime = connection.execute(query).scalar_one()
    return max(1, int((blocking + WINDOW - moment).total_seconds()) + 1)


def _earlier_of_thread(connection: Connection, thread_id: str | None) -> UUID | None:
    if thread_id is None:
        return None
    columns = ticket_table.c
    query = select(columns.id).where(columns.thread_id == thread_id).order_by(columns.created_at.desc()).limit(1)
    found: UUID | None = connection.execute(query).scalar_one_or_none()
    return found


def _reference(connection: Connection) -> str:
    while True:
        reference = "T-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(6))
        taken = select(ticket_table.c.id).where(ticket_table.c.reference == reference)
        if connection.execute(taken).first() is None:
            return reference


def _subject(conversation: Conversation) -> str:
    question = next((pair.question for pair in conversation.pairs if pair.question.strip()), "")
    text = " ".join(question.split())
    return text if len(text) <= 100 else text[:99].rstrip() + "…"


def _uuid7(moment: datetime) -> UUID:
    # RFC 9562, 5.7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits.
    milliseconds = int(moment.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
