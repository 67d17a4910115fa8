"""The texts on the admin's pages for settings, tickets and deliveries."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from markupsafe import Markup, escape

from ..config_values import MAIL
from ..delivery.reasons import plain_reason
from ..locale_formats import format_ago
from ..refusals import Counts, by_reason
from ..settings import DeskSettings
from ..storage.tickets import Outcome, Status, Ticket
from ..translation import gettext as _
from ..translation import ngettext
from ..translation import noop as N_
from ..triggers import TABLE, Trigger, labels, read_triggers
from ..unknown import Unknown
from ..web.team import taken_by

SETTINGS = {
    "enabled": N_("Button"),
    "email": N_("Address"),
    "button_text": N_("Button text"),
    "triggers": N_("When to show it"),
    "threshold": N_("Show from question number"),
    "form": N_("What the form says"),
    "label": N_("Name"),
    "channel": N_("Tickets go out by"),
    "mail_content": N_("Mails hold"),
    "tickets_per_hour": N_("Most tickets an hour"),
    "take_link": N_("Tickets are taken by mail"),
    "reminder_email": N_("Remind"),
    "reminder_hours": N_("Remind after (hours)"),
    "internal": N_("Internal"),
    "removed": N_("Desk"),
}
"""The label of each setting, in the order in which they are shown."""

MAIL_CONTENTS = {"transcript": N_("The whole conversation"), "link": N_("Only a link to the ticket's page")}

STATUSES = {
    Status.HELD: N_("Held"),
    Status.QUEUED: N_("Waiting"),
    Status.SENDING: N_("Waiting"),
    Status.DELIVERED: N_("Delivered"),
    Status.FAILED: N_("Failed"),
    Status.SUPPRESSED: N_("Not sent"),
}

OUTCOMES = {
    Outcome.DELIVERED: N_("Delivered"),
    Outcome.DELAYED: N_("Waiting"),
    Outcome.UNREACHABLE: N_("Waiting"),
    Outcome.UNKNOWN: N_("Waiting"),
    Outcome.FAILED: N_("Failed"),
    Outcome.SUPPRESSED: N_("Not sent"),
}


REFUSALS = {
    "foreign_origin": N_("from a page that is not allowed to send"),
    "foreign_save": N_("by an admin, seemingly from another site"),
    "offer_invalid": N_("with a damaged or forged form"),
    "rate_limited": N_("over a limit"),
    "too_large": N_("too large"),
    "unavailable": N_("because the database could not be used"),
}
"""The refusals that every page reports."""


def refused(counts: Counts) -> str | None:
    """A sentence on the last 24 hours' refusals; None: nothing that an admin should know."""
    sums = {reason: number for reason, number in by_reason(counts).most_common() if reason in REFUSALS}
    if not sums:
        return None
    number = sum(sums.values())
    told = ", ".join(f"{number} {_(REFUSALS[reason])}" for reason, number in sums.items())
    return ngettext(
        "In the last 24 hours, %(number)s request was refused: %(reasons)s.",
        "In the last 24 hours, %(number)s requests were refused: %(reasons)s.",
        number,
        reasons=told,
    )


def value(settings: DeskSettings, name: str) -> str:
    """A setting as text."""
    if name == "removed":
        return _("not in use") if settings.removed else _("in use")
    if name in ("enabled", "internal", "take_link"):
        return _("on") if getattr(settings, name) else _("off")
    if name == "mail_content":
        return _(MAIL_CONTENTS.get(settings.mail_content, settings.mail_content))
    if name == "tickets_per_hour":
        return str(settings.tickets_per_hour or _("default"))
    if name == "reminder_email":
        return settings.reminder_email or _("no address")
    if name == "channel":
        return _("Mail") if settings.channel == MAIL else settings.channel
    if name == "label":
        return settings.label or _("default")
    if name == "email":
        return settings.email or _("no address")
    if name == "triggers":
        return labels(settings.triggers)
    return str(getattr(settings, name))


def met(names: str) -> str:
    """A ticket's triggers, which are comma-separated names, as text."""
    return labels(read_triggers(names))


def status(of_ticket: Status | Unknown) -> str:
    """A ticket's status as text."""
    return of_ticket.heading if isinstance(of_ticket, Unknown) else _(STATUSES[of_ticket])


def outcome(of_attempt: Outcome | Unknown) -> str:
    """An attempt's outcome as text."""
    return of_attempt.heading if isinstance(of_attempt, Unknown) else _(OUTCOMES[of_attempt])


def why_not(words: str) -> str:
    """Why an attempt did not deliver a ticket, as text; from what the other side said."""
    return plain_reason(words)


def taken(ticket: Ticket) -> str:
    """A sentence on who has taken a ticket, and when."""
    return taken_by(ticket, datetime.now(timezone.utc))


def ago(moment: datetime) -> str:
    """How long ago a moment was."""
    return format_ago(moment, datetime.now(timezone.utc))


_CODE = re.compile(r"`([^`]+)`|\b[A-Z]+(?:_[A-Z]+)+\b")


def with_code(words: object) -> Markup:
    """A sentence as HTML, with commands (which are in backticks) and the names of configuration keys as code."""
    marked = _CODE.sub(lambda found: f"<code>{found[1] or found[0]}</code>", str(escape(words)))
    return Markup(marked)  # noqa: S704 - it was escaped


def by_mail(destination: str) -> bool:
    """Whether tickets go there by mail: it is an address, and not the label of a channel."""
    return "@" in destination


def shown_under(settings: DeskSettings) -> str:
    """A sentence that says which answers get a button."""
    if Trigger.ALWAYS in settings.triggers:
        return _("Shown under every answer.")
    chosen = [row.shown(settings.threshold) for row in TABLE.values() if row.name in settings.triggers]
    if not chosen:
        return _("Not shown: this version knows none of the chosen triggers.")
    *others, last = chosen
    when = _("%(others)s or %(last)s", others=", ".join(others), last=last) if others else last
    return _("Shown %(when)s.", when=when)


def hidden_because(settings: DeskSettings) -> str | None:
    """Why no button is shown at all; None: it is shown."""
    if settings.removed:
        return _("This desk was removed. Its tickets are kept. To bring it back, restore a version below.")
    if not settings.enabled:
        return _("The button is switched off.")
    if not settings.email:
        return _("There is no address to send tickets to, so visitors don't see the button.")
    return None
