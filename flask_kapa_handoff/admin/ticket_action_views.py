"""What changes tickets: several of the list at once, deleting one, and forgetting a visitor.

What cannot be undone is asked about first, on a page of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..delivery import requeue
from ..desk_directory import read_desks
from ..errors import Unavailable
from ..state import State, current_state
from ..storage.removal import (
    delete_tickets,
    erase_from_history,
    erase_visitor,
    references_of_visitor,
)
from ..storage.tables import ticket as ticket_table
from ..storage.ticket_list import references as matching_references
from ..storage.tickets import find_ticket
from ..translation import gettext as _
from ..translation import ngettext
from ..web.origin import require_known_origin
from .forms import EXPIRED_ACTION, AdminForm
from .responses import page_response
from .ticket_list_views import MAX_DIGITS, list_page
from .ticket_pages import REFERENCE, no_such_ticket
from .ticket_query import PAGE_LENGTH, as_arguments, is_understood, read_criteria, searchable_criteria

CONFIRMED = "confirmed"

ALL = "all"
"""The field that asks for all tickets that match, not only for those that are ticked."""

MOST_AT_ONCE = 5_000
"""How many tickets one request acts on: more would take longer than a web server waits."""


@dataclass(frozen=True)
class Chosen:
    """The tickets that somebody acts on, newest first.

    Arguments:
        newest: the id of the newest one, if these are all that match.
        more: whether even more match.
    """

    references: Sequence[str]
    newest: UUID | None = None
    more: bool = False

    @classmethod
    def ticked(cls) -> Chosen:
        """Those that are ticked on a page of the list."""
        return cls([one for one in request.form.getlist("ticket")[:PAGE_LENGTH] if REFERENCE.fullmatch(one)])

    @classmethod
    def matching(cls, state: State) -> Chosen:
        """Those that match what the address asks for; after a question, without those that have come since."""
        try:
            until = UUID(request.form["until"]) if "until" in request.form else None
        except ValueError:
            return cls([])
        criteria = searchable_criteria(state)
        if not is_understood(criteria):  # such as a state that a later version knows
            return cls([])
        with state.database.read() as connection:
            found = matching_references(connection, criteria, MOST_AT_ONCE + 1, until)
        rows = found[:MOST_AT_ONCE]
        return cls([reference for _, reference in rows], rows[0][0] if rows else None, len(found) > len(rows))

    @property
    def digest(self) -> str:
        """Tells these tickets from others."""
        return sha256(" ".join(self.references).encode()).hexdigest()

    def doubt(self) -> str | None:
        """Why it is not certain that these are the tickets that the admin has in mind; None: they are."""
        number = len(self.references)
        if request.form.get("digest") != self.digest:
            return _("Meanwhile other tickets match. Check the number and type it again.")
        typed = "".join(filter(str.isdecimal, request.form.get("number", "")[:MAX_DIGITS]))
        if not typed or int(typed) != number:
            return _("To delete these tickets, type their number: %(number)s.", number=number)
        return None


def selected() -> ResponseReturnValue:
    """Send the ticked tickets again, or delete them."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return list_page(state, 400, problem=EXPIRED_ACTION)
    chosen = Chosen.matching(state) if ALL in request.form else Chosen.ticked()
    if not chosen.references:
        return list_page(state, 422, problem=_("Select at least one ticket first."))
    if request.form.get("action") == "send":
        sent = _send(state, chosen.references, to_current=request.form.get("to") != "same")
        return _list_after(**sent, more=chosen.more or None)
    if request.form.get("action") != "delete":
        return list_page(state, 422, problem=_("Nothing was done: this page is outdated. Try again."))
    address = url_for("kapa_handoff_admin.selected_tickets", **as_arguments(read_criteria()))
    if CONFIRMED not in request.form:
        return _ask_to_delete(chosen.references, address, everything=chosen if chosen.newest else None)
    if chosen.newest and (problem := chosen.doubt()):
        return _ask_to_delete(chosen.references, address, 422, everything=chosen, problem=problem)
    return _list_after(deleted=_delete(state, chosen.references), more=chosen.more or None)


def _refusal(state: State, reference: str) -> ResponseReturnValue | None:
    """What is wrong with a request to remove this ticket; None: nothing."""
    require_known_origin(state, own_pages_only=True)
    if not REFERENCE.fullmatch(reference):
        return no_such_ticket(reference)
    if not AdminForm(request.form).validate():
        return list_page(state, 400, problem=EXPIRED_ACTION)
    return None


def delete(reference: str) -> ResponseReturnValue:
    """Delete a ticket."""
    state = current_state()
    if (refusal := _refusal(state, reference)) is not None:
        return refusal
    if CONFIRMED not in request.form:
        address = url_for("kapa_handoff_admin.delete_ticket", reference=reference, **as_arguments(read_criteria()))
        cancel = url_for("kapa_handoff_admin.ticket", reference=reference, **as_arguments(read_criteria()))
        return _ask_to_delete([reference], address, cancel=cancel)
    return _list_after(deleted=_delete(state, [reference]))


def forget(reference: str) -> ResponseReturnValue:
    """Delete everything about the visitor who sent a ticket."""
    state = current_state()
    if (refusal := _refusal(state, reference)) is not None:
        return refusal
    with state.database.read() as connection:
        found = find_ticket(connection, ticket_table.c.reference == reference)
        if found is None:
            return no_such_ticket(reference)
        desks = read_desks(connection, state.config)
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
    erase_from_history(state.database, email, keep_as_destination=desks.go_to(email))
    _leave_nothing(state)
    return _list_after(deleted=len(erased.references))


def _ask_to_delete(
    references: Sequence[str],
    action: str,
    status: int = 200,
    *,
    everything: Chosen | None = None,
    problem: str | None = None,
    cancel: str | None = None,
) -> ResponseReturnValue:
    number = len(references)
    return page_response(
        "ticket_confirm",
        status,
        everything=everything,
        problem=problem,
        title=ngettext("Delete this ticket?", "Delete these %(number)s tickets?", number),
        what=_(
            "Conversations, files and delivery attempts are deleted, too. This can't be undone, and it can't recall "
            "messages already sent."
        ),
        references=references,
        label=_("Delete"),
        action=action,
        cancel=cancel or url_for("kapa_handoff_admin.tickets", **as_arguments(read_criteria())),
        form=AdminForm(formdata=None),
    )


def _send(state: State, references: Sequence[str], *, to_current: bool) -> dict[str, Any]:
    with state.database.read() as connection:
        # Never an address from a request.
        addresses = read_desks(connection, state.config).recipients
    sent = requeue.send_these_again(state.database, references, of_desks=addresses if to_current else {})
    state.delivery.tickets_due()
    return {"sent": sent, "skipped": len(references) - sent or None}


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
