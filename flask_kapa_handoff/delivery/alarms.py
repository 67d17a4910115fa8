"""Finds what keeps tickets from being delivered until somebody acts, in one short query, for every admin page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from ..storage.engine import now
from ..storage.tables import ticket
from ..storage.tickets import Status
from ..translation import ngettext
from .reasons import URGENT, public_reason

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
        what: how many they are, and why, in plain words; nothing that may name a visitor.
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
        reason = public_reason(words)
        alarms.append(
            Alarm(
                f"{_not_sent_yet(found.stuck)} {reason}",
                "The visitors are still waiting for a reply. After five days a ticket fails.",
                "Fix the cause. The tickets are then sent within an hour; to try one now: "
                f"`flask kapa-handoff retry {found.reference}`",
                words if words != reason else "",
            )
        )
    if found.suppressed:
        alarms.append(
            Alarm(
                ngettext(
                    "%(number)s ticket was not sent, because sending is turned off on this site (MAIL_SUPPRESS_SEND).",
                    "%(number)s tickets were not sent, because sending is turned off on this site "
                    "(MAIL_SUPPRESS_SEND).",
                    found.suppressed,
                ),
                "The visitors are still waiting for a reply.",
                "Set MAIL_SUPPRESS_SEND to False, then send them: `flask kapa-handoff retry --suppressed`",
            )
        )
    return tuple(alarms)


def _not_sent_yet(number: int) -> str:
    return ngettext("%(number)s ticket could not be sent yet.", "%(number)s tickets could not be sent yet.", number)
