"""Checks the stored tickets: are they delivered, does anything fail, are visitors told apart?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select

from ..config import Config
from ..refusals import DAY, Counts, counted_since
from ..settings import DeskSettings, current_settings
from ..storage.engine import now
from ..storage.reading import earliest
from ..storage.tables import ticket
from ..storage.tickets import Status, Ticket
from .finding import Finding, Level
from .stored import Stored, examine_stored, look_at_stored

if TYPE_CHECKING:
    from ..state import State

OVERDUE = timedelta(minutes=15)
"""How long a ticket may be due, or its lease be over, before it needs attention."""

LONG_WAIT = timedelta(hours=1)
"""How long attempts to deliver a ticket may fail before it needs attention."""


@dataclass(frozen=True)
class Situation:
    """What the database contains.

    Arguments:
        due_since: since when the ticket that has been due longest is due.
        leased_until: when the next lease ends.
        failed: how many tickets will not be retried automatically.
        held: how many tickets are held.
        refused: how often visitors were refused in the last 24 hours.
        oldest: the ticket that has waited longest; None, too, if it cannot be read.
        latest: the newest one of all; None, too, if it cannot be read.
        stored: what this version does not know, or cannot read, in the stored rows.
    """

    settings: DeskSettings
    moment: datetime
    due_since: datetime | None
    leased_until: datetime | None
    failed: int
    held: int
    refused: Counts
    oldest: Ticket | None
    latest: Ticket | None
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
        oldest = connection.execute(select(ticket).where(queued).order_by(columns.queued_at).limit(1))
        latest = connection.execute(select(ticket).order_by(columns.id.desc()).limit(1))
        moment = now(connection)
        return Situation(
            current_settings(connection, state.config),
            moment,
            earliest(connection, columns.next_attempt_at, where=queued),
            earliest(connection, columns.leased_until, where=sending),
            connection.execute(with_status(columns.status == Status.FAILED)).scalar_one(),
            connection.execute(with_status(columns.status == Status.HELD)).scalar_one(),
            counted_since(connection, moment - DAY),
            _ticket(oldest.one_or_none()),
            _ticket(latest.one_or_none()),
            look_at_stored(connection),
        )


def _ticket(row: Row[Any] | None) -> Ticket | None:
    found = None if row is None else Ticket.from_row(row)
    return found if isinstance(found, Ticket) else None


def examine_tickets(config: Config, situation: Situation, *, when_overdue: str, proxy_unheeded: bool) -> list[Finding]:
    """Findings on the queue, leases, failures and proxies.

    Arguments:
        when_overdue: what to do if nothing delivers the tickets.
    """
    findings = [
        _queue(situation, when_overdue),
        *_cut_off(situation, when_overdue),
        *_delayed(situation),
        _failures(situation),
    ]
    findings += [*_held(config, situation), *examine_stored(situation.stored)]
    latest = situation.latest
    if proxy_unheeded or (latest is not None and latest.proxy_unheeded):
        findings.append(_proxy(config))
    elif latest is not None:
        findings.append(Finding(Level.OK, "The latest visitor was not hidden by a proxy."))
    return findings


def _queue(situation: Situation, when_overdue: str) -> Finding:
    if situation.due_since is None or situation.moment - situation.due_since < OVERDUE:
        return Finding(Level.OK, "No ticket is overdue.")
    return Finding(
        Level.PROBLEM,
        f"A ticket has been due for {_length(situation.moment - situation.due_since)}.",
        "Nobody is delivering, or not fast enough.",
        when_overdue,
    )


def _cut_off(situation: Situation, when_overdue: str) -> list[Finding]:
    if situation.leased_until is None or situation.moment - situation.leased_until < OVERDUE:
        return []
    ago = _length(situation.moment - situation.leased_until)
    return [
        Finding(
            Level.PROBLEM,
            f"A ticket's delivery was cut off, and nobody has taken it over for {ago}.",
            "A process ended in the middle of it, and none is there to try again.",
            when_overdue,
        )
    ]


def _delayed(situation: Situation) -> list[Finding]:
    oldest = situation.oldest
    if oldest is None or oldest.last_error is None or situation.moment - oldest.queued_at < LONG_WAIT:
        return []
    waited = _length(situation.moment - oldest.queued_at)
    return [
        Finding(
            Level.WARNING,
            f"Ticket {oldest.reference} has been tried for {waited}; the last try said: {oldest.last_error}",
            "Its visitor waits for an answer. After five days it fails.",
            f"Mend what that names. To try at once: `flask kapa-handoff retry {oldest.reference}`",
        )
    ]


def _failures(situation: Situation) -> Finding:
    count = situation.failed
    if not count:
        return Finding(Level.OK, "No ticket has failed.")
    return Finding(
        Level.WARNING,
        f"{count} ticket{'s' if count != 1 else ''} failed for good.",
        f"{'Their visitors wait' if count != 1 else 'Its visitor waits'} for an answer that nobody will give.",
        "Each ticket's page says why, as does `flask kapa-handoff tickets --json`. Mend that, then send them again: "
        "`flask kapa-handoff retry --failed`",
    )


def _held(config: Config, situation: Situation) -> list[Finding]:
    count = situation.held
    if not count:
        return []
    return [
        Finding(
            Level.WARNING,
            f"{count} ticket{'s are' if count != 1 else ' is'} held: more came than the site's hourly limit "
            f"({config.tickets_per_hour}).",
            "They go out when there is room, after an hour at the earliest.",
            "Release them on the list of tickets, or with `flask kapa-handoff retry --held`. If so many are usual "
            "here, raise `KAPA_HANDOFF_TICKETS_PER_HOUR`.",
        )
    ]


def _proxy(config: Config) -> Finding:
    most = config.tickets_per_client_per_hour
    return Finding(
        Level.WARNING,
        "A proxy names the visitor's address (X-Forwarded-For), and the site takes the proxy's own instead.",
        f"All visitors count as one, and together they may send {most} tickets an hour.",
        "Let werkzeug's ProxyFix trust as many proxies as there are, such as one: "
        "`app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)`. If there is none, a visitor has made that header up, and "
        "nothing is wrong.",
    )


def _length(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
