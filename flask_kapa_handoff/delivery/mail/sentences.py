"""What a mail says about its ticket in sentences, in the current language."""

from __future__ import annotations

from ...locale_formats import language_name
from ...storage.tickets import Ticket
from ...translation import current_language, ngettext
from ...translation import gettext as _


def not_shown(number: int, *, are_earlier: bool) -> str:
    """How many questions a mail that would be too large does not show.

    Arguments:
        are_earlier: whether all of them come before those that are shown.
    """
    if are_earlier:
        return ngettext(
            "%(number)s earlier question is not shown here.",
            "%(number)s earlier questions are not shown here.",
            number,
        )
    return ngettext(
        "%(number)s other question is not shown here.", "%(number)s other questions are not shown here.", number
    )


def where_whole(ticket: Ticket, filename: str | None) -> str:
    """Where the whole conversation is.

    Arguments:
        filename: of the attached file that has it; None: there is none.
    """
    if filename is not None:
        return _("The attached %(file)s has the whole conversation.", file=filename)
    return _("The whole conversation is stored with ticket %(reference)s.", reference=ticket.reference)


def visitor_language(ticket: Ticket) -> str:
    """The name of the visitor's language; empty: it is the mail's, or not known."""
    if not ticket.locale or current_language().is_meant_by(ticket.locale):
        return ""
    return language_name(ticket.locale)
