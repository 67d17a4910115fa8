"""What changes tickets: several of the list at once, deleting one, and forgetting a visitor.

What cannot be undone is asked about first, on a page of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..delivery import requeue
from ..errors import Unavailable
from ..settings import current_settings
from ..state import State, current_state
from ..storage.removal import (
    delete_tickets,
    erase_from_history,
    erase_visitor,
    references_of_visitor,
)
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Status, find_ticket
from ..translation import gettext as _
from ..translation import ngettext
from ..web.origin import require_known_origin
from .forms import EXPIRED_ACTION, AdminForm
from .responses import page_response
from .ticket_list_views import PAGE_LENGTH, list_page
from .ticket_pages import REFERENCE, no_such_ticket
from .ticket_query import as_arguments, read_criteria

CONFIRMED = "confirmed"


def selected() -> ResponseReturnValue:
    """Send the ticked tickets again, or delete them."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return list_page(state, 400, problem=EXPIRED_ACTION)
    wanted = [one for one in request.form.getlist("ticket")[:PAGE_LENGTH] if REFERENCE.fullmatch(one)]
    if not wanted:
        return list_page(state, 422, problem=_("Select at least one ticket first."))
    if request.form.get("action") == "send":
        return _list_after(**_send(state, wanted, to_current=request.form.get("to") != "same"))
    if request.form.get("action") != "delete":
        return list_page(state, 422, problem=_("Nothing was done: this page is outdated. Try again."))
    if CONFIRMED not in request.form:
        return _ask_to_delete(wanted, url_for("kapa_handoff_admin.selected_tickets", **as_arguments(read_criteria())))
    return _list_after(deleted=_delete(state, wanted))


def delete(reference: str) -> ResponseReturnValue:
    """Delete a ticket."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not REFERENCE.fullmatch(reference):
        return no_such_ticket(reference)
    if not AdminForm(request.form).validate():
        return list_page(state, 400, problem=EXPIRED_ACTION)
    if CONFIRMED not in request.form:
        address = url_for("kapa_handoff_admin.delete_ticket", reference=reference, **as_arguments(read_criteria()))
        return _ask_to_delete([reference], address)
    return _list_after(deleted=_delete(state, [reference]))


def forget(reference: str) -> ResponseReturnValue:
    """Delete everything about the visitor who sent a ticket."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not REFERENCE.fullmatch(reference):
        return no_such_ticket(reference)
    if not AdminForm(request.form).validate():
        return list_page(state, 400, problem=EXPIRED_ACTION)
    with state.database.read() as connection:
        found = find_ticket(connection, ticket_table.c.reference == reference)
        if found is None:
            return no_such_ticket(reference)
        destination = current_settings(connection, state.config).email or ""
    email = found.email_key
    if CONFIRMED not in request.form:
        references = references_of_visitor(state.database, email)
        return page_response(
            "ticket_confirm",
            title=_("Forget %(email)s?", email=found.visitor_email),
            what=_(
                "This deletes all of their tickets (%(number)s) with conversations, files and delivery attempts, and "
                "removes the address from the settings' history. It can't be undone, and it can't recall messages "
                "already sent.",
                number=len(references),
            ),
            references=references,
            label=_("Forget this visitor"),
            action=url_for("kapa_handoff_admin.forget_visitor", reference=reference, **as_arguments(read_criteria())),
            cancel=url_for("kapa_handoff_admin.ticket", reference=reference, **as_arguments(read_criteria())),
            form=AdminForm(formdata=None),
        )
    erased = erase_visitor(state.database, email)
    erase_from_history(state.database, email, keep_as_destination=destination.lower() == email)
    _leave_nothing(state)
    return _list_after(deleted=len(erased.references))


def _ask_to_delete(references: Sequence[str], action: str) -> ResponseReturnValue:
    number = len(references)
    return page_response(
        "ticket_confirm",
        title=ngettext("Delete this ticket?", "Delete these %(number)s tickets?", number),
        what=_(
            "Conversations, files and delivery attempts are deleted, too. This can't be undone, and it can't recall "
            "messages already sent."
        ),
        references=references,
        label=_("Delete"),
        action=action,
        cancel=url_for("kapa_handoff_admin.tickets", **as_arguments(read_criteria())),
        form=AdminForm(formdata=None),
    )


def _send(state: State, references: Sequence[str], *, to_current: bool) -> dict[str, Any]:
    with state.database.read() as connection:
        columns = ticket_table.c
        found = connection.execute(
            select(columns.reference, columns.desk).where(columns.reference.in_(references)).order_by(columns.id)
        ).all()
        # Never an address from a request.
        addresses = {
            desk: current_settings(connection, state.config, desk).email for desk in {row.desk for row in found}
        }
    sent = 0
    for row in found:
        one = requeue.send_again(state.database, row.reference, addresses[row.desk] if to_current else None)
        sent += one is not None and one.status is Status.QUEUED
    state.delivery.tickets_due()
    return {"sent": sent, "skipped": len(found) - sent or None}


def _delete(state: State, references: Sequence[str]) -> int:
    erased = delete_tickets(state.database, references)
    _leave_nothing(state)
    return len(erased.references)


def _leave_nothing(state: State) -> None:
    """Remove what is left in the database's files; what takes longer is for the housekeeping."""
    state.housekeeping.is_due_now()
    with suppress(Unavailable):
        state.database.empty_log()


def _list_after(**done: Any) -> ResponseReturnValue:
    return redirect(url_for("kapa_handoff_admin.tickets", **as_arguments(read_criteria()), **done), 303)
