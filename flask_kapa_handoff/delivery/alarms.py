"""Finds what keeps tickets from being delivered until somebody acts, in one short query, for every admin page.

Its cost does not grow with the tickets: it looks at up to :data:`MOST` that wait, those first whose attempts failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from ..lazy_text import LazyText, lazy_join
from ..lazy_text import lazy_gettext as _
from ..lazy_text import lazy_ngettext as ngettext
from ..storage.engine import now
from ..storage.tables import delivery_attempt, ticket
from ..storage.ticket_list import MOST_COUNTED, Count
from ..storage.tickets import Status
from .reasons import URGENT, public_reason

MOST = MOST_COUNTED
"""How many tickets of a kind are looked at and counted."""

LONG_WAIT = timedelta(hours=1)
"""How long attempts to deliver a ticket may fail before that is an alarm, whatever the cause."""

OVERDUE = timedelta(minutes=15)
"""How long a ticket may be due, or its lease be over, before it needs attention."""

SOON = timedelta(seconds=10)
"""Within this time, a process that delivers takes a ticket that is due, unless it has many."""

_columns, _attempts = ticket.c, delivery_attempt.c


def _first(*columns: ColumnElement[Any], status: Status, order: Any = None) -> Any:
    query = select(*columns).where(_columns.status == status)
    return query.order_by(*order or (_columns.id.desc(),))


# Attempts that failed have put their tickets off, so these come first. The order is that of an index, read backwards.
_waiting = (
    _first(
        *(_columns.id, _columns.reference, _columns.desk, _columns.last_error, _columns.queued_at),
        _columns.next_attempt_at,
        status=Status.QUEUED,
        order=(_columns.next_attempt_at.desc(), _columns.id.desc()),
    )
    .limit(MOST + 1)
    .cte("waiting")
)
_stuck = (
    select(_waiting)
    .where(
        _waiting.c.last_error.is_not(None),
        or_(
            *(_waiting.c.last_error.like(pattern, escape="\\") for pattern in URGENT),
            _waiting.c.queued_at < bindparam("long_ago", type_=_columns.queued_at.type),
        ),
    )
    .cte("stuck")
)


def _latest_stuck(name: str) -> Any:
    query = select(_stuck.c[name]).order_by(_stuck.c.next_attempt_at.desc(), _stuck.c.id).limit(1)
    return query.scalar_subquery().label(f"stuck_{name}")


def _count(status: Status) -> Any:
    return select(func.count()).select_from(_first(_columns.id, status=status).limit(MOST + 1).subquery())


_oldest_stuck = select(_stuck.c.id).order_by(_stuck.c.id).limit(1).scalar_subquery()
# Its id first, which an index has: PostgreSQL might otherwise walk through all tickets to find a failed one.
_latest_failed = _first(_columns.id, status=Status.FAILED).limit(1).scalar_subquery()
_first_attempt = select(func.min(_attempts.started_at)).where(_attempts.ticket_id == _oldest_stuck)
_SITUATION = select(
    *(_latest_stuck(name) for name in ("last_error", "reference", "desk")),
    select(func.count()).select_from(_stuck).scalar_subquery().label("stuck"),
    _first_attempt.scalar_subquery().label("since"),
    select(func.count()).select_from(_waiting).scalar_subquery().label("queued"),
    select(func.min(_waiting.c.queued_at)).scalar_subquery().label("oldest"),
    *(
        _count(status).scalar_subquery().label(status.value)
        for status in (Status.SENDING, Status.FAILED, Status.SUPPRESSED, Status.HELD)
    ),
    *(
        select(column).where(_columns.id == _latest_failed).scalar_subquery().label(f"failed_{column.name}")
        for column in (_columns.last_error, _columns.desk)
    ),
    select(func.min(_columns.next_attempt_at)).where(_columns.status == Status.QUEUED).scalar_subquery().label("due"),
    select(func.min(_columns.leased_until)).where(_columns.status == Status.SENDING).scalar_subquery().label("lease"),
    select(_attempts.started_at).order_by(_attempts.id.desc()).limit(1).scalar_subquery().label("last_attempt"),
)
"""Built once."""


@dataclass(frozen=True)
class Situation:
    """How the delivery is doing; counts end at :data:`MOST`.

    Arguments:
        stuck: how many tickets wait until somebody acts, or for more than :data:`LONG_WAIT`.
        words: why the latest of them was not sent, in the other side's words; empty: there is none.
        desk: the desk of that ticket.
        since: when the oldest of them was first attempted.
        waiting: the tickets that wait or are being sent.
        oldest: since when the oldest of them has waited.
        failed_words, failed_desk: the same of the latest failed ticket.
        overdue_since: since when a ticket should have been attempted, if that is more than :data:`OVERDUE` ago.
        last_attempt: when a ticket was last attempted.
        moving: whether a ticket is being sent, or about to be.
        is_left: whether a ticket has been due for more than :data:`SOON`.
    """

    moment: datetime
    stuck: Count
    words: str
    reference: str
    desk: str
    since: datetime | None
    waiting: Count
    oldest: datetime | None
    failed: Count
    failed_words: str
    failed_desk: str
    suppressed: Count
    held: Count
    overdue_since: datetime | None
    last_attempt: datetime | None
    moving: bool
    is_left: bool


@dataclass(frozen=True)
class Alarm:
    """One reason why tickets are not delivered, for all of them together.

    Arguments:
        what: how many they are, and why, in plain words; nothing that may name a visitor.
        consequence: what happens to them if nobody acts.
        remedy: what to do; commands are in backticks.
        tickets: their state, as the list's filter calls it.
        details: the other side's own words, if any.
    """

    what: LazyText
    consequence: LazyText
    remedy: LazyText
    tickets: str
    details: str = ""


def read_situation(connection: Connection) -> Situation:
    """How the delivery is doing now."""
    moment = now(connection)
    found = connection.execute(_SITUATION, {"long_ago": moment - LONG_WAIT}).one()
    due, lease = _time(found.due), _time(found.lease)
    late = [one for one in (due, lease) if one is not None and moment - one >= OVERDUE]
    return Situation(
        moment,
        _counted(found.stuck),
        str(found.stuck_last_error or ""),
        str(found.stuck_reference or ""),
        str(found.stuck_desk or ""),
        _time(found.since),
        _counted(found.queued + found.sending),
        _time(found.oldest),
        _counted(found.failed),
        str(found.failed_last_error or ""),
        str(found.failed_desk or ""),
        _counted(found.suppressed),
        _counted(found.held),
        min(late, default=None),
        _time(found.last_attempt),
        not late and bool(found.sending or (due is not None and due <= moment)),
        due is not None and moment - due > SOON,
    )


def find_alarms(connection: Connection) -> tuple[Alarm, ...]:
    """The current alarms, one for waiting tickets and one for suppressed ones; empty: all is well."""
    return alarms_of(read_situation(connection))


def alarms_of(found: Situation) -> tuple[Alarm, ...]:
    """The alarms of a situation."""
    alarms = []
    if found.stuck.number:
        command = f"`flask kapa-handoff retry {found.reference}`"
        reason = LazyText(lambda: public_reason(found.words))
        alarms.append(
            Alarm(
                lazy_join(" ", (_not_sent_yet(found.stuck.number), reason)),
                _("The visitors are still waiting for a reply. After five days a ticket fails."),
                _(
                    "Fix the cause. The tickets are then sent within an hour; to try one now: %(command)s",
                    command=command,
                ),
                "waiting",
                found.words if found.words != str(reason) else "",
            )
        )
    if found.suppressed.number:
        alarms.append(
            Alarm(
                not_sent(found.suppressed.number),
                _("The visitors are still waiting for a reply."),
                _("Set MAIL_SUPPRESS_SEND to False, then send them: `flask kapa-handoff retry --suppressed`"),
                "suppressed",
            )
        )
    return tuple(alarms)


def _time(stored: Any) -> datetime | None:
    return stored if isinstance(stored, datetime) else None  # a damaged one is a text


def _counted(number: int) -> Count:
    return Count(min(number, MOST), number > MOST)


def _not_sent_yet(number: int) -> LazyText:
    return ngettext("%(number)s ticket could not be sent yet.", "%(number)s tickets could not be sent yet.", number)


def not_sent(number: int) -> LazyText:
    """A sentence on the tickets that were suppressed."""
    return ngettext(
        "%(number)s ticket was not sent, because sending is turned off on this site (MAIL_SUPPRESS_SEND).",
        "%(number)s tickets were not sent, because sending is turned off on this site (MAIL_SUPPRESS_SEND).",
        number,
    )
