"""What people read about a ticket that somebody has taken, and about test mails that arrived."""

from __future__ import annotations

from datetime import datetime

from ..locale_formats import format_ago
from ..storage.arrivals import DeskArrival
from ..storage.tickets import Ticket
from ..translation import gettext as _


def taken_by(ticket: Ticket, moment: datetime) -> str:
    """A sentence on who has taken a ticket, and when.

    Arguments:
        moment: the current time.
    """
    when = format_ago(ticket.taken_at or moment, moment)
    if ticket.taken_by:
        return _("%(name)s took this ticket %(when)s.", name=ticket.taken_by, when=when)
    return _("Somebody took this ticket %(when)s.", when=when)


def arrival_sentences(found: DeskArrival, moment: datetime) -> list[str]:
    """Sentences on whether a desk's mails arrive.

    Arguments:
        moment: the current time.
    """
    last, missing = found.last, ", ".join(found.unconfirmed)
    if last is None:
        return [_("Nobody has confirmed yet that mails arrive at %(email)s.", email=missing)] if missing else []
    when = format_ago(last.confirmed_at or moment, moment)
    said = [
        _("Last confirmed arrival: %(when)s, at %(email)s, by %(name)s.", when=when, email=last.recipient, name=by)
        if (by := last.confirmed_by)
        else _("Last confirmed arrival: %(when)s, at %(email)s.", when=when, email=last.recipient)
    ]
    if missing:
        said.append(_("Not confirmed yet: %(email)s.", email=missing))
    return said
