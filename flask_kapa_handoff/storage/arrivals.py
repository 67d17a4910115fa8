"""Test mails, and which of them have arrived as far as people said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, delete, exists, insert, or_, select, update

from ..desk_settings import recipients_in
from .engine import Database, now
from .reading import damage
from .tables import arrival

MOST_READ = 50
"""The newest confirmations of a desk that are looked at."""

_columns = arrival.c


@dataclass(frozen=True)
class Arrival:
    """A test mail.

    Arguments:
        recipient: where it went; several addresses with ``, `` between them.
        confirmed_at: when somebody said that it arrived; None: nobody has.
        confirmed_by: who did, as far as known.
    """

    id: UUID
    desk: str
    recipient: str
    sent_at: datetime
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None


@dataclass(frozen=True)
class DeskArrival:
    """What is known about the arrival of a desk's mails.

    Arguments:
        last: the latest confirmed one, of the desk's present addresses if there is one; None: none was ever confirmed.
        unconfirmed: the desk's present addresses for which none was confirmed.
    """

    last: Arrival | None
    unconfirmed: tuple[str, ...]


def note_sent(database: Database, id: UUID, desk: str, recipient: str) -> None:
    """Store a test mail that is about to be sent."""
    with database.write(alone=False) as connection:
        values = {"id": id, "desk": desk, "recipient": recipient, "sent_at": now(connection)}
        connection.execute(insert(arrival).values(**values))


def find_arrival(connection: Connection, id: UUID) -> Arrival | None:
    """A test mail; None: there is none, or its row is damaged."""
    return _read(connection.execute(select(arrival).where(_columns.id == id)).one_or_none())


def confirm(connection: Connection, id: UUID, by: str | None) -> Arrival | None:
    """Note that a test mail arrived. What was noted first stays.

    Arguments:
        by: who says so; None: the one who reads the mailbox it was sent to.

    Returns:
        The test mail; None: there is none.
    """
    values = {"confirmed_at": now(connection), "confirmed_by": by}
    unconfirmed = and_(_columns.id == id, _columns.confirmed_at.is_(None))
    connection.execute(update(arrival).where(unconfirmed).values(**values))
    return find_arrival(connection, id)


def desk_arrival(connection: Connection, desk: str, recipients: tuple[str, ...]) -> DeskArrival:
    """What is known about the arrival of a desk's mails.

    Arguments:
        recipients: the desk's present addresses.
    """
    query = (
        select(arrival)
        .where(_columns.desk == desk, _columns.confirmed_at.is_not(None))
        .order_by(_columns.confirmed_at.desc())
        .limit(MOST_READ)
    )
    confirmed = [found for row in connection.execute(query) if (found := _read(row)) is not None]
    reached = [(found, {one.lower() for one in recipients_in(found.recipient)}) for found in confirmed]
    known = set().union(*(addresses for _, addresses in reached))
    present = {one.lower() for one in recipients}
    last = next((found for found, addresses in reached if addresses & present), next(iter(confirmed), None))
    return DeskArrival(last, tuple(one for one in recipients if one.lower() not in known))


def delete_outdated_arrivals(database: Database, days: int) -> int:
    """Delete the test mails that were sent more than ``days`` days ago, but the latest confirmed ones.

    Returns:
        How many there were.
    """
    later = arrival.alias()
    replaced = exists().where(
        later.c.desk == _columns.desk,
        later.c.recipient == _columns.recipient,
        later.c.confirmed_at > _columns.confirmed_at,
    )
    with database.read() as connection:
        before = now(connection) - timedelta(days=days)
        outdated = and_(_columns.sent_at < before, or_(_columns.confirmed_at.is_(None), replaced))
        ids = connection.execute(select(_columns.id).where(outdated)).scalars().all()
    if not ids:
        return 0
    with database.write(alone=False) as connection:
        return connection.execute(delete(arrival).where(_columns.id.in_(ids))).rowcount


def _read(row: Any) -> Arrival | None:
    return None if row is None or damage(arrival, row) is not None else Arrival(**row._mapping)
