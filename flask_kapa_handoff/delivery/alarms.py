"""Finds what keeps tickets from being delivered until somebody acts, in one short query, for every admin page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from ..storage.engine import now
from ..storage.tables import ticket
from ..storage.tickets import Status
from .reasons import URGENT, plain_reason

LONG_WAIT = timedelta(hours=1)
"""How long attempts to deliver a ticket may fail before that is an alarm, whatever the cause."""

_columns = ticket.c
_stuck = and_(
    _columns.status == Status.QUEUED,
    _columns.last_error.is_not(None),
    or_(
        *(_columns.last_error.like(pattern, escape="\\") for pattern in URGENT),
        _columns.queued_at < bindparam("long_ago", type_=_columns.queued_at.type),
    ),
)
_order = (_columns.next_attempt_at.desc(), _columns.id)
# Built once; its cost grows with the waiting and suppressed tickets, not with the table.
_SITUATION = select(
    select(func.count()).select_from(ticket).where(_stuck).scalar_subquery().label("stuck"),
    select(_columns.last_error).where(_stuck).order_by(*_order).limit(1).scalar_subquery().label("words"),
    select(_columns.reference).where(_stuck).order_by(*_order).limit(1).scalar_subquery().label("reference"),
    select(func.count())
    .select_from(ticket)
    .where(_columns.status == Status.SUPPRESSED)
    .scalar_subquery()
    .label("suppressed"),
)


@dataclass(frozen=True)
class Alarm:
    """One reason why tickets are not delivered, for all of them together.

    Arguments:
        what: how many they are, and why, in plain words.
        consequence: what happens to them if nobody acts.
        remedy: what to do; commands are in backticks.
        details: the other side's own words, if any.
    """

    what: str
    consequence: str
    remedy: str
    details: str = ""


def find_alarms(connection: Connection) -> tuple[Alarm, ...]:
    """The current alarms, one for waiting tickets and one for suppressed ones; empty: all is well."""
    found = connection.execute(_SITUATION, {"long_ago": now(connection) - LONG_WAIT}).one()
    alarms = []
    if found.stuck:
        words = str(found.words)
        reason = plain_reason(words)
        alarms.append(
            Alarm(
                f"{_counted(found.stuck)} could not be sent yet. {reason}",
                "The visitors are still waiting for a reply. After five days a ticket fails.",
                "Fix the cause. The tickets are then sent within an hour; to try one now: "
                f"`flask kapa-handoff retry {found.reference}`",
                words if words != reason else "",
            )
        )
    if found.suppressed:
        were = "was" if found.suppressed == 1 else "were"
        alarms.append(
            Alarm(
                f"{_counted(found.suppressed)} {were} not sent, because sending is turned off on this site "
                "(MAIL_SUPPRESS_SEND).",
                "The visitors are still waiting for a reply.",
                "Set MAIL_SUPPRESS_SEND to False, then send them: `flask kapa-handoff retry --suppressed`",
            )
        )
    return tuple(alarms)


def _counted(number: int) -> str:
    return f"{number} ticket{'s' if number != 1 else ''}"
