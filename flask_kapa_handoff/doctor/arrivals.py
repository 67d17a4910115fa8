"""Checks whether somebody has confirmed that a desk's mails arrive."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ..config_values import MAIL
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK, DeskSettings
from ..lazy_text import LazyText, lazy_join
from ..lazy_text import lazy_gettext as _
from ..storage.arrivals import DeskArrival, desk_arrival
from ..storage.engine import now
from ..web.team import arrival_sentences
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State

HOW = _("Send a test mail from the settings page, and press the button in it.")
HOW_BELOW = _("Send a test mail below, and press the button in it.")


def examine_arrivals(state: State, desks: Desks) -> list[Finding]:
    """A finding for each desk whose tickets go by mail. It is never a warning: mail may well arrive."""
    with state.database.read() as connection:
        moment = now(connection)
        return [
            _arrival(settings, desk_arrival(connection, settings.desk, settings.recipients), moment)
            for settings in desks.present.values()
            if settings.channel == MAIL and settings.takes_tickets
        ]


def _arrival(settings: DeskSettings, found: DeskArrival, moment: datetime) -> Finding:
    what = LazyText(lambda: " ".join(arrival_sentences(found, moment)))
    if settings.desk != DEFAULT_DESK:
        what = lazy_join(": ", (settings.shown_label, what))
    if not found.unconfirmed:
        return Finding(Level.OK, what)
    return Finding(Level.NOTE, what, remedy=HOW, for_admins=HOW_BELOW, acts=("confirm_arrival",), desk=settings)
