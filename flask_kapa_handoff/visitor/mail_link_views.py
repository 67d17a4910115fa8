"""What a link in a mail leads to: a page with one button. Opening it changes nothing, since mail scanners open links.

The signed link is the secret, which only readers of the mail have. No cookie is set or needed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ..mail_links import LinkInvalid, LinkKind
from ..state import State, current_state
from ..storage.arrivals import Arrival, confirm, find_arrival
from ..storage.engine import now
from ..storage.tables import ticket as ticket_table
from ..storage.takings import mailbox_of_ticket, take
from ..storage.tickets import Ticket, find_ticket
from ..translation import gettext as _
from ..web.team import taken_by
from ..web.urls import visitor_url
from .blueprint import blueprint
from .requests import read_fields
from .responses import link_response

KEY, OVER = "key", "over"

REPEATED = timedelta(minutes=1)
"""Within this time, pressing a button again writes nothing."""

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_VIEWS = ("arrived", "confirm_arrival", "take", "take_ticket")


@blueprint.after_request
def keep_link_secret(response: Response) -> Response:
    """Let no other page learn the address of these pages, or show them in a frame of its own."""
    if (request.endpoint or "").rpartition(".")[2] in _VIEWS:
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Content-Security-Policy", _POLICY)
    return response


@blueprint.get("/arrived", endpoint="arrived")
def ask_whether_arrived() -> ResponseReturnValue:
    """Ask whether a test mail arrived."""
    state, token = current_state(), request.args.get(KEY, "")
    _kind, of = state.link_signer().read(token, LinkKind.ARRIVED)
    with state.database.read() as connection:
        found = find_arrival(connection, of)
    if found is None:
        raise LinkInvalid
    if found.confirmed_at is not None:
        return _thanks()
    return link_response(
        _("Did the test mail arrive?"),
        [_("Press the button, and the settings page shows that mails reach you.")],
        action=visitor_url("arrived"),
        key=token,
        label=_("Yes, the test mail arrived"),
    )


@blueprint.post("/arrived", endpoint="confirm_arrival")
def confirm_arrival() -> ResponseReturnValue:
    """Note that a test mail arrived. A second time changes nothing."""
    state = current_state()
    token = read_fields(state.config, (KEY,)).get(KEY, "")
    _kind, of = state.link_signer().read(token, LinkKind.ARRIVED)
    by = _signed_in(state)
    with state.database.write(alone=False) as connection:
        found: Arrival | None = confirm(connection, of, by)
    if found is None:
        raise LinkInvalid
    return _thanks()


@blueprint.get("/take", endpoint="take")
def ask_whether_taken() -> ResponseReturnValue:
    """Ask whether one takes a ticket, and say who has."""
    state, token = current_state(), request.args.get(KEY, "")
    _kind, of = state.link_signer().read(token, LinkKind.TAKE, LinkKind.TAKE_REMINDED)
    with state.database.read() as connection:
        return _take_page(connection, _ticket(connection, of), token)


@blueprint.post("/take", endpoint="take_ticket")
def take_ticket() -> ResponseReturnValue:
    """Note that one takes a ticket. If somebody else was first, say who, and let them be relieved."""
    state = current_state()
    fields = read_fields(state.config, (KEY, OVER))
    token, is_over = fields.get(KEY, ""), OVER in fields
    kind, of = state.link_signer().read(token, LinkKind.TAKE, LinkKind.TAKE_REMINDED)
    by = _signed_in(state)
    with state.database.write(alone=False) as connection:
        before = _ticket(connection, of)
        if by is None:
            by = before.reminded_to if kind is LinkKind.TAKE_REMINDED else mailbox_of_ticket(connection, of)
        over = is_over and not _is_repeated(before, by, now(connection))
        ticket, taken = take(connection, of, by, over=over)
        if ticket is None:
            raise LinkInvalid
        if not taken and not is_over:
            return _take_page(connection, ticket, token)
    return link_response(
        _("You're on it"), [_("Your team sees that ticket %(reference)s is taken.", reference=ticket.reference)]
    )


def _is_repeated(ticket: Ticket, by: str | None, moment: datetime) -> bool:
    return ticket.taken_at is not None and ticket.taken_by == by and moment - ticket.taken_at < REPEATED


def _thanks() -> Response:
    return link_response(_("Thanks!"), [_("The settings page now shows that the test mail arrived.")])


def _take_page(connection: Connection, ticket: Ticket, token: str) -> Response:
    title = _("Ticket %(reference)s", reference=ticket.reference)
    action = visitor_url("take")
    if ticket.taken_at is None:
        said = [_("Nobody has taken this ticket yet.")]
        return link_response(title, said, action=action, key=token, label=_("I'm on it"))
    said = [taken_by(ticket, now(connection))]
    return link_response(title, said, action=action, key=token, label=_("Take it over"), over=True)


def _ticket(connection: Connection, of: object) -> Ticket:
    found = find_ticket(connection, ticket_table.c.id == of)
    if found is None:
        raise LinkInvalid
    return found


def _signed_in(state: State) -> str | None:
    """The address of the visitor who is signed in, if the browser says that our own page has sent the form."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        return None
    visitor = state.hooks.named_visitor()
    return None if visitor is None else visitor.email
