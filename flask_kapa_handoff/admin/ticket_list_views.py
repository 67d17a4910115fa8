"""The list of tickets: filters, pages, and what is done with several tickets at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from ..delivery import requeue
from ..state import State, current_state
from ..storage import search
from ..storage.engine import now
from ..storage.tables import ticket as ticket_table
from ..storage.ticket_list import Criteria, Place, page
from ..storage.tickets import Status, Ticket, count_with
from ..text import with_visible
from ..translation import gettext as _
from ..translation import ngettext
from ..web.origin import require_known_origin
from .desk_parts import desk_shown
from .forms import EXPIRED_ACTION, AdminForm
from .responses import fragment_response, page_response
from .ticket_pages import REFERENCE, not_found, seconds_until_look
from .ticket_query import (
    PAGE_LENGTH,
    as_arguments,
    choices,
    counted,
    read_place,
    searchable_criteria,
    status_choices,
)

MAX_DIGITS = 10


def tickets() -> ResponseReturnValue:
    """Show a page of the list, newest first."""
    return list_page(current_state(), notice=_what_was_done(), neutral=request.args.get("sent") == "0")


def _what_was_done() -> str | None:
    released, sent, deleted = (_number(request.args.get(name, "")) for name in ("released", "sent", "deleted"))
    number = _number(request.args.get("skipped", ""))
    skipped = _("Skipped, because delivered already or being sent: %(number)s.", number=number) if number else ""
    if released is not None:
        return ngettext("Released %(number)s held ticket.", "Released %(number)s held tickets.", released)
    if deleted is not None:
        told = ngettext("%(number)s ticket was deleted.", "%(number)s tickets were deleted.", deleted)
    elif sent == 0 and skipped:
        return skipped
    elif sent is not None:
        told = ngettext("%(number)s ticket will be sent now.", "%(number)s tickets will be sent now.", sent)
    else:
        return None
    if skipped:
        told += f" {skipped}"
    if request.args.get("more"):
        told += " " + _("These were the newest that matched; there are more.")
    return told


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < MAX_DIGITS else None


def release_held() -> ResponseReturnValue:
    """Make every held ticket due now."""
    return _send_all(Status.HELD, "released")


def send_suppressed() -> ResponseReturnValue:
    """Make every suppressed ticket due now."""
    return _send_all(Status.SUPPRESSED, "sent")


def _send_all(status: Status, told: str) -> ResponseReturnValue:
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return list_page(state, 400, problem=EXPIRED_ACTION)
    count = requeue.send_all_again(state.database, status)
    state.delivery.tickets_due()
    counted: dict[str, Any] = {told: count}
    return redirect(url_for("kapa_handoff_admin.tickets", **counted), 303)


def list_page(
    state: State, status: int = 200, *, notice: str | None = None, problem: str | None = None, neutral: bool = False
) -> Response:
    """A page of the list that the request's address asks for.

    Arguments:
        neutral: the notice reports no success.
    """
    criteria, place = searchable_criteria(state), read_place()
    if place is None:
        return not_found(_("This page of the list does not exist."))
    with state.database.read() as connection:
        shown, newer, older = _page_and_neighbours(connection, criteria, place)
        held, suppressed = (count_with(connection, status) for status in (Status.HELD, Status.SUPPRESSED))
        context = {
            "choices": choices(connection, criteria),
            "status_choices": status_choices(connection, criteria),
            "missing": search.missing(connection) if criteria.search else None,
            **_live([row for row in shown if isinstance(row, Ticket)], now(connection)),
        }
    arguments = as_arguments(criteria)
    response = page_response(
        "tickets",
        status,
        tickets=[with_visible(row, "subject") if isinstance(row, Ticket) else row for row in shown],
        desk_names={row.desk: desk_shown(state.desks, row.desk) for row in shown if isinstance(row, Ticket)},
        criteria=criteria,
        arguments=arguments,
        counted=counted,
        matching=PAGE_LENGTH if newer or older else None,
        filtered=len(arguments.keys() - {"q", "status"}),
        newer=newer,
        older=older,
        is_first=place.id is None,
        held=held,
        suppressed=suppressed,
        form=AdminForm(formdata=None),
        notice=notice,
        neutral=neutral,
        problem=problem,
        **context,
    )
    if request.headers.get("HX-Request"):  # without the empty fields of the form
        response.headers["HX-Replace-Url"] = url_for("kapa_handoff_admin.tickets", **arguments)
    return response


def _page_and_neighbours(
    connection: Connection, criteria: Criteria, place: Place
) -> tuple[list[Any], UUID | None, UUID | None]:
    """A page, and the ids at which the pages next to it begin; None: there is none."""
    found = page(connection, criteria, place, PAGE_LENGTH + 1)
    more = len(found) > PAGE_LENGTH
    shown = found[-PAGE_LENGTH:] if place.newer else found[:PAGE_LENGTH]
    ids = [row.id for row in shown if isinstance(row.id, UUID)]
    if not ids:
        return shown, None, None
    newer = ids[0] if (more if place.newer else place.id) else None
    return shown, newer, ids[-1] if more or place.newer else None


def live() -> ResponseReturnValue:
    """The states of the tickets that were moving, for the open list; it asks again while any still is."""
    wanted = [one for one in request.args.getlist("ticket")[: 2 * PAGE_LENGTH] if REFERENCE.fullmatch(one)]
    with current_state().database.read() as connection:
        rows = connection.execute(select(ticket_table).where(ticket_table.c.reference.in_(wanted)))
        found = [one for one in map(Ticket.from_row, rows) if isinstance(one, Ticket)]
        context = _live(found, now(connection))
    return fragment_response("tickets_live", tickets=found, **context)


def _live(shown: Sequence[Ticket], moment: datetime) -> dict[str, Any]:
    """Which of these tickets may still change, and when the page asks for them again."""
    moving = [one for one in shown if seconds_until_look([one], moment)]
    return {"moving": [one.reference for one in moving], "look_again": seconds_until_look(moving, moment)}
