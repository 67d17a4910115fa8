"""The delivery's health in four numbers, for a monitor that asks every minute."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from .state import EXTENSION
from .storage.engine import now
from .storage.models import ticket
from .storage.records import Status

if TYPE_CHECKING:
    from flask import Flask

    from .state import State

_columns = ticket.c
_waits = _columns.status.in_([Status.QUEUED, Status.SENDING])
# All of it stands in indexes: the cost grows with what waits or has failed, not with the table.
_HEALTH = select(
    select(func.count()).select_from(ticket).where(_waits).scalar_subquery().label("queued"),
    select(func.min(_columns.queued_at)).where(_waits).scalar_subquery().label("oldest"),
    select(func.count()).select_from(ticket).where(_columns.status == Status.FAILED).scalar_subquery().label("failed"),
    select(func.max(_columns.delivered_at))
    .where(_columns.delivered_at.is_not(None))
    .scalar_subquery()
    .label("last_delivered_at"),
)


@dataclass(frozen=True)
class Health:
    """How the delivery is.

    Arguments:
        queued: how many tickets wait or are being sent.
        oldest_queued_seconds: how long the one that waits longest has waited, since it was stored, or last sent again
            by hand; None: none waits.
        failed: how many tickets will not be tried again by themselves.
        last_delivered_at: when the mail server last accepted a ticket's mail, UTC; None: there is no such ticket.
    """

    queued: int
    oldest_queued_seconds: float | None
    failed: int
    last_delivered_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The same for a program; the time in ISO 8601."""
        last = self.last_delivered_at
        return {**asdict(self), "last_delivered_at": None if last is None else last.isoformat()}


def health(app: Flask) -> Health:
    """How the delivery of this app's tickets is; for a page that a monitor asks.

    Raises:
        Unavailable: the database cannot be reached. It is a werkzeug exception: raised in a view, the answer is a 503.
    """
    state: State = app.extensions[EXTENSION]
    with state.database.read() as connection:
        found = connection.execute(_HEALTH).one()
        moment = now(connection)
    waited = None if found.oldest is None else max(0.0, (moment - found.oldest).total_seconds())
    return Health(found.queued, waited, found.failed, found.last_delivered_at)
