"""Checks whether somebody has confirmed that a desk's mails arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ..config_values import MAIL
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK, DeskSettings
from ..storage.arrivals import DeskArrival, desk_arrival
from ..storage.engine import now
from ..translation import ENGLISH, speak
from ..web.team import arrival_sentences
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State

HOW = "Send a test mail from the settings page, and press the button in it."
HOW_BELOW = "Send a test mail below, and press the button in it."


def examine_arrivals(state: State, desks: Desks) -> list[Finding]:
    """A finding for each desk whose tickets go by mail. It is never a warning: mail may well arrive."""
    findings = []
    with state.database.read() as connection, speak(ENGLISH):
        moment = now(connection)
        for settings in desks.present.values():
            if settings.channel == MAIL and settings.takes_tickets:
                found = _arrival(connection, settings)
                whose = "" if settings.desk == DEFAULT_DESK else f"{settings.shown_label}: "
                what = whose + " ".join(arrival_sentences(found, moment))
                findings.append(
                    Finding(Level.NOTE, what, remedy=HOW, for_admins=HOW_BELOW, acts=("confirm_arrival",))
                    if found.unconfirmed
                    else Finding(Level.OK, what)
                )
    return findings


def desks_to_confirm(state: State) -> list[DeskSettings]:
    """The desks for which no arrival is confirmed yet at one of their addresses, for buttons that send a test mail."""
    with state.database.read() as connection:
        return [
            settings
            for settings in state.desks.present.values()
            if settings.channel == MAIL and settings.takes_tickets and _arrival(connection, settings).unconfirmed
        ]


def _arrival(connection: Connection, settings: DeskSettings) -> DeskArrival:
    return desk_arrival(connection, settings.desk, settings.recipients)
