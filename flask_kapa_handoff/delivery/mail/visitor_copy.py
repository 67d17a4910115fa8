"""Writes the visitor's own copy of a ticket: the text of its mail, without what is for agents only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jinja2 import Environment

from ...conversation import Conversation
from ...fields import Field
from ...storage.attachments import Attachment
from ...storage.tickets import Ticket
from ...translation import gettext, ngettext
from .bodies import Files, Letterhead, context_of
from .rendering import TEXT
from .transcript import Transcript


def visitor_copy(
    environment: Environment,
    site_name: str,
    site_fields: tuple[Field, ...],
    ticket: Ticket,
    conversation: Conversation,
    files: Sequence[Attachment],
) -> str:
    """The copy, as plain text in the current language; the whole conversation, however long.

    Arguments:
        environment: that of the package's own templates: one of the site's may say what is not for visitors.
        site_fields: see KAPA_HANDOFF_FIELDS.
        files: what the visitor attached, of which the names are shown.
    """
    letterhead = Letterhead(site_name, sender="", site_fields=site_fields)
    transcript = Transcript(ticket, conversation.visible())
    shown = {
        # What the site says about the visitor, and why they were offered help, is for agents.
        **context_of(letterhead, replace(ticket, flag=None, context={}), Files(tuple(files))),
        **transcript.context(len(transcript)),
        "reasons": [],
        "whose_word": "",
        "remark": "",
        # As plain text; those of the environment return HTML.
        "_": gettext,
        "ngettext": ngettext,
    }
    return environment.get_template(TEXT).render(shown).strip() + "\n"
