"""An admin says who takes a ticket, on its page."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..delivery.reminders import due_after
from ..state import State, current_state
from ..storage.engine import now
from ..storage.tables import ticket as ticket_table
from ..storage.takings import give_back, take
from ..storage.tickets import Status, Ticket, find_ticket
from ..web.origin import require_known_origin
from .forms import EXPIRED_ACTION, AdminForm
from .identity import UNKNOWN, changed_by
from .responses import page_response
from .ticket_pages import REFERENCE, no_such_ticket
from .ticket_query import as_arguments, read_criteria


def take_ticket(reference: str) -> ResponseReturnValue:
    """Note that the admin takes a ticket, or that nobody has it any more; in that case, a reminder is due again."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not REFERENCE.fullmatch(reference):
        return no_such_ticket(reference)
    if not AdminForm(request.form).validate():
        return page_response("problem", 400, title=reference, problem=EXPIRED_ACTION, remedy=None)
    by = changed_by()
    with state.database.write(alone=False) as connection:
        found = find_ticket(connection, ticket_table.c.reference == reference)
        if found is None:
            return no_such_ticket(reference)
        if request.form.get("taken") == "true":
            take(connection, found.id, None if by == UNKNOWN else by, over=True)
        else:
            settings = state.settings_of(found.desk)
            is_delivered = found.status is Status.DELIVERED
            due = due_after(settings, now(connection)) if is_delivered else None
            give_back(connection, found.id, due, settings.reminder_email if settings is not None else None)
    arguments = as_arguments(read_criteria())
    return redirect(url_for("kapa_handoff_admin.ticket", reference=reference, **arguments), 303)


def takes(state: State, ticket: Ticket) -> bool:
    """Whether the pages say who has taken a ticket: its desk's mails ask for it, or somebody has."""
    settings = state.settings_of(ticket.desk)
    return ticket.taken_at is not None or (settings is not None and settings.has_take_link)
