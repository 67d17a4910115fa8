"""What a visitor can do once the ticket is sent, with its receipt: correct the address, and get a copy."""

from __future__ import annotations

from dataclasses import replace

from flask import make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import Connection
from sqlalchemy.exc import NoResultFound

from ..address_correction import correct_address
from ..delivery.mail.visitor_copy import visitor_copy
from ..errors import Invalid, RequestProblem
from ..fields import EMAIL
from ..quotas import keys_of
from ..receipts import Receipt, ReceiptInvalid
from ..signals import notify, ticket_created
from ..state import State, current_state
from ..storage.attachments import files_of_ticket
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Ticket, find_conversation, find_ticket
from ..web.language import speak_language_of_page
from ..web.origin import require_known_origin
from ..web.requests import wants_fragment
from ..web.ticket_form import read_address
from .blueprint import blueprint
from .own_addresses import own_mailboxes
from .requests import read_fields
from .responses import Correction, confirmation_response

RECEIPT = "receipt"


@blueprint.post("/address")
def address() -> ResponseReturnValue:
    """Correct the address of a ticket that was just sent, and confirm it again."""
    state = current_state()
    fields = read_fields(state.config, (RECEIPT, EMAIL.name))
    receipt = _read_receipt(state, fields.get(RECEIPT, ""))
    if not receipt.may_correct:
        raise ReceiptInvalid
    typed = fields.get(EMAIL.name, "")
    with state.database.read() as connection:
        sent = _ticket(connection, receipt)
    try:
        email = _read_email(state, typed, sent.desk)
        keys = keys_of(request.remote_addr, email, state.secret)
        ticket, is_new = correct_address(state.database, state.config, sent.id, email, keys)
    except ReceiptInvalid:
        raise
    except RequestProblem as problem:
        return confirmation_response(sent, False, receipt, Correction(typed, problem))
    if is_new:
        notify(ticket_created, state.app, ticket=ticket)
        state.delivery.ticket_stored(ticket.reference)
    # Once is enough: nobody who finds this page open later can redirect the reply.
    receipt = replace(receipt, ticket_id=ticket.id, may_correct=False)
    return confirmation_response(ticket, is_new, receipt, Correction(email))


@blueprint.post("/copy")
def copy() -> ResponseReturnValue:
    """Return what a ticket that was just sent says, as a text file or as a fragment to be copied."""
    state = current_state()
    receipt = _read_receipt(state, read_fields(state.config, (RECEIPT,)).get(RECEIPT, ""))
    with state.database.read() as connection:
        ticket = _ticket(connection, receipt)
        try:
            conversation = find_conversation(connection, ticket)
        except (ValueError, NoResultFound):
            raise ReceiptInvalid from None  # it is damaged
        files = files_of_ticket(connection, ticket.id)
    text = visitor_copy(state.shipped_templates, state.site_name, state.config.fields, ticket, conversation, files)
    if wants_fragment():
        return Markup("<pre data-kapa-handoff-copy>{}</pre>").format(text)
    response = make_response(text)
    response.mimetype = "text/plain"
    response.headers["Content-Disposition"] = f'attachment; filename="{ticket.reference}.txt"'
    return response


def _read_receipt(state: State, token: str) -> Receipt:
    receipt = state.receipt_signer().read(token)
    speak_language_of_page(receipt.language)
    require_known_origin(state, offered=receipt)
    return receipt


def _ticket(connection: Connection, receipt: Receipt) -> Ticket:
    ticket = find_ticket(connection, ticket_table.c.id == receipt.ticket_id)
    if ticket is None:
        raise ReceiptInvalid
    return ticket


def _read_email(state: State, typed: str, desk: str) -> str:
    try:
        return read_address(EMAIL.read(typed), state.config.special_domains, own_mailboxes(state, desk))
    except ValueError as error:
        raise Invalid(fields={EMAIL.name: [str(error)]}) from None
