"""The texts on the admin's pages for settings, tickets and deliveries."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from ..delivery.reasons import plain_reason
from ..refusals import Counts, by_reason
from ..settings import DeskSettings
from ..storage.tickets import Outcome, Status
from ..triggers import TABLE, Trigger, labels, read_triggers
from ..unknown import Unknown

SETTINGS = {
    "enabled": "Button",
    "email": "Address",
    "button_text": "Button text",
    "triggers": "When to show it",
    "threshold": "Show from question number",
}
"""The label of each setting, in the order in which they are shown."""

STATUSES = {
    Status.HELD: "Held",
    Status.QUEUED: "Waiting",
    Status.SENDING: "Waiting",
    Status.DELIVERED: "Delivered",
    Status.FAILED: "Failed",
    Status.SUPPRESSED: "Not sent",
}

OUTCOMES = {
    Outcome.DELIVERED: "Delivered",
    Outcome.DELAYED: "Waiting",
    Outcome.UNREACHABLE: "Waiting",
    Outcome.UNKNOWN: "Waiting",
    Outcome.FAILED: "Failed",
    Outcome.SUPPRESSED: "Not sent",
}


REFUSALS = {
    "foreign_origin": "from a page that is not allowed to send",
    "foreign_save": "by an admin, seemingly from another site",
    "offer_invalid": "with a damaged or forged form",
    "rate_limited": "over a limit",
    "too_large": "too large",
    "unavailable": "because the database could not be used",
}
"""The refusals that every page reports."""


def refused(counts: Counts) -> str | None:
    """A sentence on the last 24 hours' refusals; None: nothing that an admin should know."""
    sums = {reason: number for reason, number in by_reason(counts).most_common() if reason in REFUSALS}
    if not sums:
        return None
    number = sum(sums.values())
    told = ", ".join(f"{number} {REFUSALS[reason]}" for reason, number in sums.items())
    return f"In the last 24 hours, {number} request{'s were' if number != 1 else ' was'} refused: {told}."


def value(settings: DeskSettings, name: str) -> str:
    """A setting as text."""
    if name == "enabled":
        return "on" if settings.enabled else "off"
    if name == "email":
        return settings.email or "no address"
    if name == "triggers":
        return labels(settings.triggers)
    return str(getattr(settings, name))


def met(names: str) -> str:
    """A ticket's triggers, which are comma-separated names, as text."""
    return labels(read_triggers(names))


def status(of_ticket: Status | Unknown) -> str:
    """A ticket's status as text."""
    return of_ticket.heading if isinstance(of_ticket, Unknown) else STATUSES[of_ticket]


def outcome(of_attempt: Outcome | Unknown) -> str:
    """An attempt's outcome as text."""
    return of_attempt.heading if isinstance(of_attempt, Unknown) else OUTCOMES[of_attempt]


def why_not(words: str) -> str:
    """Why an attempt did not deliver a ticket, as text; from what the other side said."""
    return plain_reason(words)


_CODE = re.compile(r"`([^`]+)`|\b[A-Z]+(?:_[A-Z]+)+\b")


def with_code(words: str) -> Markup:
    """A sentence as HTML, with commands (which are in backticks) and the names of configuration keys as code."""
    marked = _CODE.sub(lambda found: f"<code>{found[1] or found[0]}</code>", str(escape(words)))
    return Markup(marked)  # noqa: S704 - it was escaped


def by_mail(destination: str) -> bool:
    """Whether tickets go there by mail: it is an address, and not the label of a channel."""
    return "@" in destination


def shown_under(settings: DeskSettings) -> str:
    """A sentence that says which answers get a button."""
    if Trigger.ALWAYS in settings.triggers:
        return "Shown under every answer."
    chosen = [row.shown(settings.threshold) for row in TABLE.values() if row.name in settings.triggers]
    if not chosen:
        return "Not shown: this version knows none of the chosen triggers."
    return f"Shown {' or '.join([', '.join(chosen[:-1]), chosen[-1]] if len(chosen) > 1 else chosen)}."


def hidden_because(settings: DeskSettings) -> str | None:
    """Why no button is shown at all; None: it is shown."""
    if not settings.enabled:
        return "The button is switched off."
    if not settings.email:
        return "There is no address to send tickets to, so visitors don't see the button."
    return None
