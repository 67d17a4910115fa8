"""Puts tickets back into the queue: those that somebody sends again by hand, and held ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, case, func, or_, select, update

from ..quotas import WINDOW
from ..storage.engine import Database, now
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Status, Ticket, find_ticket

BATCH = 500
"""How many tickets one transaction queues again."""


NO_RECIPIENTS: Mapping[str, str | None] = MappingProxyType({})

SENDABLE = (Status.FAILED, Status.QUEUED, Status.HELD, Status.SUPPRESSED)
"""The states in which somebody can send a ticket by hand."""


# A lease without an end is damaged: no delivery would take the ticket again.
_SENDABLE = or_(
    ticket_table.c.status.in_(SENDABLE),
    and_(ticket_table.c.status == Status.SENDING, ticket_table.c.leased_until.is_(None)),
)


def may_be_sent_again(ticket: Ticket) -> bool:
    """Whether :func:`send_again` sends this ticket."""
    return ticket.status in SENDABLE or ticket.missing_time == "leased_until"


def send_again(
    database: Database,
    reference: str,
    recipient: str | None = None,
    *,
    of_desks: Mapping[str, str | None] = NO_RECIPIENTS,
) -> Ticket | None:
    """Queue a failed or suppressed ticket, release a held one, or make a queued one due now.

    Arguments:
        recipient: where this ticket goes from now on.
        of_desks: without a ``recipient``, where each desk's tickets go now, since the old address may have been the
            problem. A desk without an address, and one that is not named, leaves its tickets their own.

    Returns:
        The ticket, unchanged if it is being sent or was delivered; None: there is no such ticket.
    """
    with database.write(alone=False) as connection:
        this = ticket_table.c.reference == reference
        connection.execute(
            update(ticket_table).where(this, _SENDABLE).values(**_due_now(connection, recipient, of_desks))
        )
        return find_ticket(connection, this)


def send_these_again(
    database: Database, references: Sequence[str], *, of_desks: Mapping[str, str | None] = NO_RECIPIENTS
) -> int:
    """The same for several tickets, in short transactions.

    Returns:
        How many are queued now; the others are being sent, were delivered, or no longer exist.
    """
    count = 0
    for start in range(0, len(references), BATCH):
        these = ticket_table.c.reference.in_(references[start : start + BATCH])
        with database.write(alone=False) as connection:
            queue = update(ticket_table).where(these, _SENDABLE)
            count += connection.execute(queue.values(**_due_now(connection, of_desks=of_desks))).rowcount
    return count


def send_all_again(
    database: Database,
    status: Status,
    recipient: str | None = None,
    *,
    of_desks: Mapping[str, str | None] = NO_RECIPIENTS,
) -> int:
    """Queue every failed, held or suppressed ticket, in the order of creation.

    Uses short transactions, since other writers wait meanwhile.

    Arguments:
        status: ``failed``, ``held`` or ``suppressed``.
        recipient, of_desks: as in :func:`send_again`.

    Returns:
        How many there were.
    """
    columns, count, last = ticket_table.c, 0, UUID(int=0)
    while True:
        with database.write(alone=False) as connection:
            # Each of them only once, since it may fail again meanwhile.
            found = select(columns.id).where(columns.status == status, columns.id > last).order_by(columns.id)
            ids = connection.execute(found.limit(BATCH)).scalars().all()
            count += connection.execute(
                update(ticket_table)
                .where(columns.id.in_(ids), columns.status == status)
                .values(**_due_now(connection, recipient, of_desks))
            ).rowcount
        if not ids:
            return count
        last = ids[-1]


def try_waiting(database: Database) -> int:
    """Make every waiting ticket due now that would be attempted later. How long it has waited stays.

    Uses short transactions, since other writers wait meanwhile.

    Returns:
        How many tickets are due now, including those that were already.
    """
    columns, last = ticket_table.c, UUID(int=0)
    waits = columns.status == Status.QUEUED
    while True:
        with database.write(alone=False) as connection:
            moment = now(connection)
            later = and_(waits, columns.next_attempt_at > moment)
            found = select(columns.id).where(later, columns.id > last).order_by(columns.id).limit(BATCH)
            ids = connection.execute(found).scalars().all()
            due = update(ticket_table).where(columns.id.in_(ids), later)
            connection.execute(due.values(next_attempt_at=moment))
        if not ids:
            break
        last = ids[-1]
    with database.read() as connection:
        count = select(func.count()).select_from(ticket_table).where(waits, columns.next_attempt_at <= now(connection))
        return int(connection.execute(count).scalar_one())


def _due_now(
    connection: Connection, recipient: str | None = None, of_desks: Mapping[str, str | None] = NO_RECIPIENTS
) -> dict[str, Any]:
    moment, columns = now(connection), ticket_table.c
    values: dict[str, Any] = {"status": Status.QUEUED, "queued_at": moment, "next_attempt_at": moment}
    known = {desk: address for desk, address in of_desks.items() if address}
    if recipient or known:
        values["recipient"] = recipient or case(known, value=columns.desk, else_=columns.recipient)
    return values


def release_held(database: Database, most: int, *, of_desks: Callable[[], Mapping[str, int]] = dict[str, int]) -> int:
    """Queue held tickets that have waited for an hour, oldest first, while there is room.

    There is room while the waiting tickets and those sent in the last hour are fewer than the limit.

    Arguments:
        most: the site's limit, KAPA_HANDOFF_TICKETS_PER_HOUR.
        of_desks: returns the limits of desks that have their own, by name; called only if tickets are held.

    Returns:
        How many there were.
    """
    columns = ticket_table.c

    def due(connection: Connection) -> Select[Any]:
        held = and_(columns.status == Status.HELD, columns.next_attempt_at <= now(connection))
        return select(columns.id, columns.desk).where(held).order_by(columns.next_attempt_at, columns.id)

    with database.read() as connection:
        if connection.execute(due(connection).limit(1)).first() is None:
            return 0
    limits = of_desks()
    # Alone: two processes must not both use the same room.
    with database.write() as connection:
        used = _used(connection)
        room = most - sum(used.values())
        rooms = {desk: limit - used[desk] for desk, limit in limits.items()}
        full = [desk for desk, left in rooms.items() if left <= 0]
        ids = []
        for row in connection.execute(
            due(connection).where(columns.desk.not_in(full)).limit(max(0, min(room, BATCH)))
        ):
            rooms[row.desk] = left = rooms.get(row.desk, BATCH) - 1
            ids += [row.id] if left >= 0 else []
        queue = update(ticket_table).where(columns.id.in_(ids), columns.status == Status.HELD)
        return connection.execute(queue.values(**_due_now(connection))).rowcount


def _used(connection: Connection) -> Counter[str]:
    """How many of each desk's tickets wait, or went out within an hour."""
    columns = ticket_table.c
    # Counted for all desks at once: for a single one, SQLite would look at all tickets that it ever had.
    waiting = columns.status.in_([Status.QUEUED, Status.SENDING])
    gone = columns.delivered_at > now(connection) - WINDOW
    used: Counter[str] = Counter()
    for counted in (waiting, gone):
        by_desk = select(columns.desk, func.count().label("number")).where(counted).group_by(columns.desk)
        used.update({row.desk: row.number for row in connection.execute(by_desk)})
    return used
