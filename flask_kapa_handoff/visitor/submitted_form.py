"""Reads what a visitor's form sends, and checks where it comes from."""

from __future__ import annotations

from flask import request

from ..conversation import Conversation
from ..email_address import is_automatic, mailbox_of
from ..errors import Unavailable
from ..hooks import Visitor
from ..offers import Offer
from ..settings import DeskSettings, serving_settings
from ..state import State
from ..web.form_words import consent_row
from ..web.language import speak_language_of_page
from ..web.origin import require_known_origin
from ..web.ticket_form import TicketForm
from .attachments import body_limit, read_files
from .own_addresses import own_mailboxes
from .requests import read_fields, ticket_fields, undeclared_inputs


def read_form(state: State) -> TicketForm:
    """The submitted form, of which nothing is checked yet but its size and its fields' names.

    Raises:
        TooLarge, Invalid: see :func:`read_fields`.
    """
    config = state.config
    return TicketForm.submitted(
        read_fields(config, ticket_fields(config), files=body_limit(state)),
        state.offer_signer(),
        max_pairs=config.max_pairs,
        special_domains=config.special_domains,
        site_fields=config.fields,
        undeclared=undeclared_inputs(state),
    )


def check_sender(state: State, form: TicketForm) -> bool:
    """Check the offer and the origin; add the files, the desk's consent box, and what the site knows.

    It may know the visitor, and have its own record of the conversation.

    Returns:
        Whether the request certainly comes from such a page. If not, it does not act for a signed-in visitor.

    Raises:
        OfferExpired, OfferInvalid, ForeignOrigin: this request may not send.
        RecordUnavailable: the site's loader failed.
        RateLimited: too many files came from there.
    """
    offered = form.read_offer(state.offer_signer())
    speak_language_of_page(offered.language)
    is_known = require_known_origin(state, offered=offered)
    form.own_mailboxes = own_mailboxes(state, offered.desk)
    form.visitor = signed_in_visitor(state, form.own_mailboxes) if is_known else None
    if form.visitor is not None:
        form.email.data = form.visitor.email
    read_form_files(state, form, offered)
    has_other = bool(form.conversation.data)
    form.site_record = _site_record(state, offered, is_known=is_known, has_other=has_other)
    # As old as a page may be, so that no ticket waits for another query.
    desk = state.settings_cache.get(state.database, state.config, offered.desk)
    if desk is not None:
        form.unasked = desk.form.unasked
        form.ask_consent(consent_row(desk.form))
    return is_known


def read_form_files(state: State, form: TicketForm, offered: Offer) -> None:
    """Add the files that the form keeps or brings; see :func:`.read_files`."""
    if form.sent is not None and (request.files or form.sent.get("attachments")):
        read_files(state, form.files, offered, form.sent, settings_of(state, offered.desk))


def settings_of(state: State, desk: str) -> DeskSettings:
    """The desk's settings as they are now."""
    with state.database.read() as connection:
        return serving_settings(connection, state.config, desk)


def recent_settings(state: State, desk: str) -> DeskSettings:
    """The desk's settings as they were a moment ago, which is enough for a button: opening its form reads them."""
    return state.settings_cache.get(state.database, state.config, desk) or settings_of(state, desk)


def signed_in_visitor(state: State, own: frozenset[str]) -> Visitor | None:
    """The signed-in visitor; None, too, for an account with an address that they cannot be replied to at."""
    visitor = state.hooks.signed_in_visitor()
    if visitor is None or mailbox_of(visitor.email) in own or is_automatic(visitor.email):
        return None  # their address would be locked, so they could never send a ticket
    return visitor


def _site_record(state: State, offered: Offer, *, is_known: bool, has_other: bool) -> Conversation | None:
    if not is_known and request.cookies and state.hooks.keeps_threads:
        # A request that may come from anybody's page must not read what only a signed-in visitor may read, and the
        # site's loader may check the session.
        if not has_other:
            require_known_origin(state)
        return None
    try:
        return state.hooks.site_record(offered.thread_id)
    except Unavailable:
        if has_other:
            return None  # what the browser sent is better than nothing, and the mail names the source
        raise
