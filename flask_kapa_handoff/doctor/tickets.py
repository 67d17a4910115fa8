"""Checks the stored tickets: are they delivered, does anything fail, are visitors told apart?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select

from ..config import Config
from ..delivery.alarms import OVERDUE, Alarm, find_alarms
from ..desk_directory import Desks, read_desks
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _
from ..lazy_text import lazy_ngettext as ngettext
from ..locale_formats import format_length
from ..refusals import DAY, Counts, counted_since
from ..storage.engine import now
from ..storage.reading import earliest
from ..storage.tables import ticket
from ..storage.tickets import Status, Ticket
from .finding import Finding, Level
from .stored import Stored, examine_stored, look_at_stored

if TYPE_CHECKING:
    from ..state import State

SEND_FROM_HERE = _("Try now sends the tickets from this page. Then tell your developers, since it happens again.")


@dataclass(frozen=True)
class Situation:
    """What the database contains.

    Arguments:
        due_since: since when the ticket that has been due longest is due.
        leased_until: when the next lease ends.
        failed: how many tickets will not be retried automatically.
        held: how many tickets are held.
        refused: how often visitors were refused in the last 24 hours.
        latest: the newest one of all; None, too, if it cannot be read.
        alarms: what keeps tickets from being delivered until somebody acts.
        stored: what this version does not know, or cannot read, in the stored rows.
    """

    desks: Desks
    moment: datetime
    due_since: datetime | None
    leased_until: datetime | None
    failed: int
    held: int
    refused: Counts
    latest: Ticket | None
    alarms: tuple[Alarm, ...] = ()
    stored: Stored = field(default_factory=Stored)


def look(state: State) -> Situation:
    """Read them from the database.

    Raises:
        Unavailable: it cannot be used.
    """
    columns = ticket.c
    queued, sending = columns.status == Status.QUEUED, columns.status == Status.SENDING
    with_status = select(func.count()).select_from(ticket).where
    with state.database.read() as connection:
        latest = connection.execute(select(ticket).order_by(columns.id.desc()).limit(1))
        moment = now(connection)
        return Situation(
            read_desks(connection, state.config),
            moment,
            earliest(connection, columns.next_attempt_at, where=queued),
            earliest(connection, columns.leased_until, where=sending),
            connection.execute(with_status(columns.status == Status.FAILED)).scalar_one(),
            connection.execute(with_status(columns.status == Status.HELD)).scalar_one(),
            counted_since(connection, moment - DAY),
            _ticket(latest.one_or_none()),
            find_alarms(connection),
            look_at_stored(connection),
        )


def _ticket(row: Row[Any] | None) -> Ticket | None:
    found = None if row is None else Ticket.from_row(row)
    return found if isinstance(found, Ticket) else None


def examine_tickets(
    config: Config, situation: Situation, *, when_overdue: LazyText, proxy_unheeded: bool
) -> list[Finding]:
    """Findings on the queue, leases, failures and proxies.

    Arguments:
        when_overdue: what to do if nothing delivers the tickets.
    """
    findings = [
        _queue(situation, when_overdue),
        *_cut_off(situation, when_overdue),
        *map(_alarm, situation.alarms),
        _failures(situation),
    ]
    findings += [*_held(config, situation), *examine_stored(situation.stored)]
    latest = situation.latest
    if proxy_unheeded or (latest is not None and latest.proxy_unheeded):
        findings.append(_proxy(config))
    elif latest is not None:
        findings.append(Finding(Level.OK, _("Visitor addresses are recognised correctly.")))
    return findings


def _queue(situation: Situation, when_overdue: LazyText) -> Finding:
    if situation.due_since is None or situation.moment - situation.due_since < OVERDUE:
        return Finding(Level.OK, _("No ticket is overdue."))
    return Finding(
        Level.PROBLEM,
        _("A ticket has been due for %(time)s.", time=_length(situation.moment - situation.due_since)),
        _("Nothing delivers tickets, or not fast enough."),
        when_overdue,
        for_admins=SEND_FROM_HERE,
        acts=("try_now",),
        tickets="waiting",
    )


def _alarm(alarm: Alarm) -> Finding:
    is_suppressed = alarm.tickets == "suppressed"
    return Finding(
        Level.WARNING,
        alarm.what,
        alarm.consequence,
        alarm.remedy,
        alarm.details,
        for_admins=_("Once your developers have turned sending on, send the tickets.")
        if is_suppressed
        else _("When the cause is fixed, a test mail shows whether mail arrives, and Try now sends the tickets."),
        acts=("send_suppressed",) if is_suppressed else ("test_mail", "try_now"),
        tickets=alarm.tickets,
    )


def _cut_off(situation: Situation, when_overdue: LazyText) -> list[Finding]:
    if situation.leased_until is None or situation.moment - situation.leased_until < OVERDUE:
        return []
    ago = _length(situation.moment - situation.leased_until)
    return [
        Finding(
            Level.PROBLEM,
            _("A ticket's delivery was cut off %(time)s ago, and nothing has retried it.", time=ago),
            _("A process ended while it was sending the ticket, and no other one is delivering."),
            when_overdue,
            for_admins=SEND_FROM_HERE,
            acts=("try_now",),
            tickets="waiting",
        )
    ]


def _failures(situation: Situation) -> Finding:
    count = situation.failed
    if not count:
        return Finding(Level.OK, _("No ticket has failed."))
    return Finding(
        Level.WARNING,
        ngettext("%(number)s ticket could not be delivered.", "%(number)s tickets could not be delivered.", count),
        ngettext("This visitor is still waiting for a reply.", "These visitors are still waiting for a reply.", count),
        _(
            "Each ticket's page says why, as does `flask kapa-handoff tickets --json`. Fix the cause, then send them "
            "again: `flask kapa-handoff retry --failed`"
        ),
        for_admins=_("Each ticket's page says why. Fix the cause, then send them again."),
        acts=("send_failed",),
        tickets="failed",
    )


def _held(config: Config, situation: Situation) -> list[Finding]:
    count = situation.held
    if not count:
        return []
    if any(settings.tickets_per_hour for settings in situation.desks.all.values()):
        what = ngettext(
            "%(number)s ticket is held: more came in than the hourly limit of the site or a desk.",
            "%(number)s tickets are held: more came in than the hourly limit of the site or a desk.",
            count,
        )
        remedy = _(
            "Release them in the list of tickets, or with `flask kapa-handoff retry --held`. If this many are normal "
            "here, raise `KAPA_HANDOFF_TICKETS_PER_HOUR`, or the desk's limit on its settings page."
        )
    else:
        what = ngettext(
            "%(number)s ticket is held: more came in than the site's hourly limit (%(limit)s).",
            "%(number)s tickets are held: more came in than the site's hourly limit (%(limit)s).",
            count,
            limit=config.tickets_per_hour,
        )
        remedy = _(
            "Release them in the list of tickets, or with `flask kapa-handoff retry --held`. If this many are normal "
            "here, raise `KAPA_HANDOFF_TICKETS_PER_HOUR`."
        )
    return [
        Finding(
            Level.WARNING,
            what,
            ngettext(
                "It will be sent when there is room, after an hour at the earliest.",
                "They will be sent when there is room, after an hour at the earliest.",
                count,
            ),
            remedy,
            for_admins=_("Look at some of them. If real visitors sent them, release them all."),
            acts=("release_held",),
            tickets="held",
        )
    ]


def _proxy(config: Config) -> Finding:
    return Finding(
        Level.WARNING,
        _("A proxy passes on the visitor's address (X-Forwarded-For), but the site uses the proxy's own."),
        ngettext(
            "All visitors count as one, so together they can send only %(number)s ticket an hour.",
            "All visitors count as one, so together they can send only %(number)s tickets an hour.",
            config.tickets_per_client_per_hour,
        ),
        _(
            "Use werkzeug's ProxyFix, and let it trust as many proxies as there are, such as one: %(code)s. If there "
            "is no proxy, a visitor made that header up, and nothing is wrong.",
            code="`app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)`",
        ),
    )


def _length(time: timedelta) -> LazyText:
    return LazyText(lambda: format_length(time))
