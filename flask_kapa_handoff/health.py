"""The health of the handoff in a few numbers, for a monitor that polls every minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, true

from .delivery.alarms import find_alarms
from .hook_checks import HOOK_REASONS
from .refusals import UNKNOWN_DESK, by_reason, counted_since
from .state import EXTENSION
from .storage.engine import now
from .storage.reading import Damaged, first_time
from .storage.tables import ticket
from .storage.tickets import Status

if TYPE_CHECKING:
    from flask import Flask

    from .state import State

_columns = ticket.c
_waits = _columns.status.in_([Status.QUEUED, Status.SENDING])
# All of it is read from indexes: the cost grows with the waiting and failed tickets, not with the table.
_HEALTH = select(
    select(func.count()).select_from(ticket).where(_waits).scalar_subquery().label("queued"),
    select(func.min(_columns.queued_at)).where(_waits).scalar_subquery().label("oldest"),
    select(func.count()).select_from(ticket).where(_columns.status == Status.FAILED).scalar_subquery().label("failed"),
    select(func.count()).select_from(ticket).where(_columns.status == Status.HELD).scalar_subquery().label("held"),
    select(func.count())
    .select_from(ticket)
    .where(_columns.status == Status.SUPPRESSED)
    .scalar_subquery()
    .label("suppressed"),
    select(func.max(_columns.delivered_at))
    .where(_columns.delivered_at.is_not(None))
    .scalar_subquery()
    .label("last_delivered_at"),
)


@dataclass(frozen=True)
class Health:
    """The state of the delivery.

    Arguments:
        queued: how many tickets are waiting or being sent.
        oldest_queued_seconds: how long the oldest waiting ticket has waited since it was stored, released, or last
            sent again by hand; None: none is waiting.
        failed: how many tickets will not be retried automatically.
        last_delivered_at: when a ticket was last delivered, UTC; None: never.
        held: how many tickets are held because they exceed an hourly limit.
        refused_last_hour: how often visitors were refused in this clock hour and the one before.
        refused_by_reason: the same by reason, which is an error code of the visitor's routes.
        suppressed: how many tickets were not sent because the site's configuration turns sending off.
        alarms: what keeps tickets from being delivered until somebody acts, each in a few sentences.
    """

    queued: int
    oldest_queued_seconds: float | None
    failed: int
    last_delivered_at: datetime | None
    held: int = 0
    refused_last_hour: int = 0
    refused_by_reason: Mapping[str, int] = field(default_factory=dict)
    suppressed: int = 0
    alarms: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as JSON; the time in ISO 8601."""
        last = self.last_delivered_at
        return {**asdict(self), "last_delivered_at": None if last is None else last.isoformat()}


def health(app: Flask) -> Health:
    """The state of the delivery of this app's tickets, for a page that a monitor polls.

    Raises:
        Unavailable: the database cannot be reached. It is a werkzeug exception: raised in a view, it becomes a 503
            response.
    """
    state: State = app.extensions[EXTENSION]
    with state.database.read() as connection:
        found = connection.execute(_HEALTH).one()
        moment = now(connection)
        counted = by_reason(counted_since(connection, moment - timedelta(hours=1)))
        alarms = tuple(str(alarm.what) for alarm in find_alarms(connection))
        oldest, last = found.oldest, found.last_delivered_at
        if isinstance(oldest, Damaged):
            oldest = first_time(connection, _columns.queued_at, where=_waits)
        if isinstance(last, Damaged):
            last = first_time(connection, _columns.delivered_at, where=true(), newest=True)
    nobody_refused = {*HOOK_REASONS, UNKNOWN_DESK}
    refused = {reason: number for reason, number in sorted(counted.items()) if reason not in nobody_refused}
    waited = None if oldest is None else max(0.0, (moment - oldest).total_seconds())
    refused_in_all = sum(refused.values())
    return Health(
        found.queued,
        waited,
        found.failed,
        last,
        found.held,
        refused_in_all,
        refused,
        found.suppressed,
        alarms,
    )
