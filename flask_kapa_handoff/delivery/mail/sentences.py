"""What agents read about a ticket in sentences, in the current language."""

from __future__ import annotations

from ...locale_formats import format_moment, language_name
from ...storage.tickets import Ticket
from ...translation import current_language, ngettext
from ...translation import gettext as _
from ...unknown import Unknown


def whose_word(ticket: Ticket, site_name: str) -> str:
    """A sentence for agents on the source of the conversation."""
    if not ticket.pairs:
        return _("The visitor wrote directly, so there is no conversation with the AI.")
    if ticket.transcript_source == "site":
        return _("This transcript is %(site)s's own record of the conversation.", site=site_name)
    if ticket.transcript_source != "browser":
        return _("The source of this transcript is %(name)s.", name=Unknown(ticket.transcript_source).label)
    return _("The visitor's browser sent this transcript, so it could have been altered.")


def reminder(ticket: Ticket) -> str:
    """A sentence for agents on a ticket that is sent once more."""
    return _(
        "Reminder: nobody has taken this ticket yet. It was sent to your team on %(time)s.",
        time=format_moment(ticket.delivered_at or ticket.created_at),
    )


def left_out(ticket: Ticket) -> str:
    """A sentence for agents on what the visitor left out of the conversation; empty: nothing."""
    if not ticket.left_out:
        return ""
    one, more = "%(number)s question left out by the visitor.", "%(number)s questions left out by the visitor."
    return ngettext(one, more, ticket.left_out)


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
