"""The mail of a desk whose mails hold only a link to the ticket's admin page, and nothing that anybody wrote."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup, escape

from ...conversation import Conversation
from ...storage.tickets import Ticket
from ...translation import gettext as _
from .bodies import Bodies, Letterhead
from .mime import html_octets, octets
from .sentences import reminder

EMPTY = Conversation(())

_PAGE = Markup(
    '<!doctype html><html><body style="margin:0;padding:24px;font:16px/1.55 system-ui,-apple-system,Segoe UI,Roboto,'
    'sans-serif">{}</body></html>'
)
_LINK = Markup('<p><a href="{}">{}</a></p>')


def without_content(ticket: Ticket) -> Ticket:
    """The ticket without anything that a visitor, a model or the site said; its headers come from this, too."""
    return replace(
        ticket, subject=_("New ticket"), note="", fields={}, context={}, page=None, flag=None, visitor_name=None
    )


def link_only(letterhead: Letterhead, ticket: Ticket) -> Bodies:
    """The bodies: what to do, and the link if the site's own address is known."""
    site, reference, url = letterhead.site_name, ticket.reference, letterhead.ticket_url
    sentences = [
        _("A visitor of %(site)s has sent ticket %(reference)s.", site=site, reference=reference),
        _("Your site keeps the content of tickets out of mails. Read it on the ticket's page."),
        _("If you reply to this mail, your reply goes to the visitor."),
    ]
    first = [reminder(ticket)] if letterhead.is_reminder else []
    links = [(url, _("Open ticket %(reference)s", reference=reference))] if url else []
    asked, action = [], letterhead.action
    if action is not None:
        links.append((action.url, action.label))
        asked = [f"{action.label}: {action.url}"]
    text = "\n\n".join([*first, *sentences[:2], *([url] if url else []), *asked, *sentences[2:]]) + "\n"
    paragraphs = [Markup("<p>{}</p>").format(escape(said)) for said in (*first, *sentences)]
    html = _PAGE.format(Markup().join([*paragraphs[:-1], *(_LINK.format(*one) for one in links), *paragraphs[-1:]]))
    return Bodies(text, html, [], (octets(text), html_octets(html)))
