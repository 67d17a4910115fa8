"""How the delivery is doing, for the line on top of every admin page and the counts on its tabs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..config_values import MAIL
from ..delivery.alarms import Situation, read_situation
from ..delivery.troubles import BLOCKING, MISSING, SUPPRESSED, Trouble, troubles_of
from ..desk_settings import DEFAULT_DESK
from ..doctor import Finding, Level, examine_quickly, examine_sending, sends_nothing
from ..errors import Unavailable
from ..state import State
from ..translation import current_language
from ..translation import gettext as _
from ..web.requests import proxy_unheeded
from .ticket_query import counted

LOOK_AGAIN = 2
"""Seconds until an open page asks again while a ticket is being sent."""


@dataclass(frozen=True)
class DeliveryState:
    """What the templates read.

    Arguments:
        troubles: what is wrong, worst first.
        findings: how many things the check-up would find, of those that are found without a connection.
        tests_by_mail: whether the desk of the worst trouble sends mails, and no tickets by a channel of the site.
    """

    situation: Situation
    troubles: list[Trouble]
    findings: int
    tests_by_mail: bool = True

    @property
    def waiting(self) -> str | None:
        """How many tickets wait, as text; None: none does."""
        return counted(self.situation.waiting) if self.situation.waiting.number else None

    @property
    def failed(self) -> str | None:
        """How many tickets have failed, as text; None: none has."""
        return counted(self.situation.failed) if self.situation.failed.number else None

    @property
    def is_blocked(self) -> bool:
        """Whether tickets that visitors send now would not arrive."""
        return any(one.kind in BLOCKING for one in self.troubles)

    @property
    def look_again(self) -> int | None:
        """Seconds until the open page asks again; None: nothing moves."""
        return LOOK_AGAIN if self.situation.moving else None

    def age(self, moment: datetime | None) -> str:
        """How long ago that was, such as ``2 hours``, in the current language."""
        from babel.dates import format_timedelta

        past = timedelta() if moment is None else max(self.situation.moment - moment, timedelta(minutes=1))
        return format_timedelta(past, granularity="minute", threshold=1.1, locale=current_language().locale)


def read_delivery_state(state: State) -> DeliveryState | None:
    """The current state; None: the database cannot be reached, which other words on the page say."""
    try:
        with state.database.read() as connection:
            found = read_situation(connection)
    except Unavailable:
        return None
    troubles, sending = troubles_of(found), examine_sending(state)
    findings = [*sending, *examine_quickly(state, state.refusals.recent())]
    others = sum(one.level.is_trouble for one in findings) + bool(found.held.number) + proxy_unheeded()
    number = len(troubles) + others
    if not any(one.kind in BLOCKING for one in troubles):
        troubles = [*_without_tickets(state, sending), *troubles]
    by_mail = not troubles or state.channel_label(troubles[0].desk or DEFAULT_DESK) is None
    return DeliveryState(found, troubles, number, by_mail)


def _without_tickets(state: State, sending: list[Finding]) -> Iterator[Trouble]:
    """What keeps tickets from being sent, before the first one shows it: visitors should not have to find out.

    Arguments:
        sending: what the configuration lacks.
    """
    channels = {desk.channel for desk in state.desks.present.values() if desk.takes_tickets}
    if channels:
        for finding in sending:
            if finding.level is Level.PROBLEM:
                yield Trouble(MISSING, str(finding.what), consequence=str(finding.why))
    if MAIL in channels and sends_nothing(state):
        yield Trouble(SUPPRESSED, _("Sending is turned off on this site."))
