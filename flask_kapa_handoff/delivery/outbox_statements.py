"""The statements of every delivery, built once: building one takes SQLAlchemy longer than SQLite takes to run it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..storage.tables import delivery_attempt
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Status

_columns, _attempts = ticket_table.c, delivery_attempt.c


@cache
def first_due(*, by_reference: bool, claiming: bool, choosing: bool) -> tuple[Select[Any], Select[Any]]:
    """The first ticket that was cut off before ``moment``, else the first that is due; or only the ``wanted`` one.

    ``choosing`` leaves the tickets of the desks in ``without`` alone.
    """
    moment = bindparam("moment", type_=_columns.queued_at.type)
    queued = and_(_columns.status == Status.QUEUED, _columns.next_attempt_at <= moment)
    abandoned = and_(_columns.status == Status.SENDING, _columns.leased_until <= moment)

    def first(condition: ColumnElement[bool], order: ColumnElement[Any]) -> Select[Any]:
        query = select(ticket_table).where(condition).order_by(order, _columns.id).limit(1)
        if by_reference:
            query = query.where(_columns.reference == bindparam("wanted"))
        if choosing:
            query = query.where(_columns.desk.not_in(bindparam("without", expanding=True)))
        # For SQLite, which has one writer at a time, the statement has no locking.
        return query.with_for_update(skip_locked=True) if claiming else query

    # Abandoned ones first: in a flood the queue may never be empty, and they have already waited for a lease.
    return first(abandoned, _columns.leased_until), first(queued, _columns.next_attempt_at)


_BEGUN = ("ticket_id", "number", "recipient", "started_at")

TAKE = (
    update(ticket_table)
    .where(_columns.id == bindparam("this"))
    .where(_columns.status == bindparam("seen_status"), _columns.attempts == bindparam("seen_attempts"))
    .values({name: bindparam(name) for name in ("status", "attempts", "leased_until")})
)
"""Claim the ticket ``this``, unless another process was faster."""

_begun = {name: bindparam(name, type_=_attempts[name].type) for name in _BEGUN}
_same = select(_attempts.id).where(_attempts.ticket_id == _begun["ticket_id"], _attempts.number == _begun["number"])
BEGIN_ATTEMPT = insert(delivery_attempt).from_select(_BEGUN, select(*_begun.values()).where(~_same.exists()))
"""Add an attempt, unless there is one with its number: the ticket's own count may be damaged."""

END = (
    update(ticket_table)
    .where(_columns.id == bindparam("this"))
    .where(_columns.status == Status.SENDING, _columns.attempts == bindparam("number"))
    .values(
        {
            name: bindparam(name)
            for name in ("status", "leased_until", "next_attempt_at", "last_error", "delivered_at", "recipient")
        }
    )
)
"""Update the ticket ``this`` after attempt ``number``, unless the lease had run out."""

END_ATTEMPT = (
    update(delivery_attempt)
    .where(_attempts.ticket_id == bindparam("this"), _attempts.number == bindparam("this_attempt"))
    .values({name: bindparam(name) for name in ("finished_at", "outcome", "detail")})
)
