"""The ticket pages: a list, and one ticket with its transcript and its delivery."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select
from sqlalchemy.exc import NoResultFound

from ..attachments import safe_name, size_in_words
from ..conversation import Conversation, QuestionAnswer
from ..delivery import requeue
from ..delivery.mail.replies import WITHOUT_FILES
from ..delivery.mail.sentences import whose_word
from ..fields import labelled
from ..links import Links
from ..markdown import Renderer
from ..settings import current_settings
from ..state import State, current_state
from ..storage.attachments import file_of_ticket, files_of_ticket
from ..storage.engine import now
from ..storage.reading import DamagedRow
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import (
    Attempt,
    Status,
    Ticket,
    attempt_rows,
    count_with,
    find_conversation,
    find_row,
    find_ticket,
    latest_rows,
)
from ..text import visible, with_visible
from ..translation import gettext as _
from ..translation import ngettext
from ..unknown import Unknown
from ..web.origin import require_known_origin
from ..web.requests import quoted
from .forms import EXPIRED_ACTION, AdminForm
from .responses import page_response

PAGE_LENGTH = 50
MAX_DIGITS = 10
_columns = ticket_table.c
_REFERENCE = re.compile(r"T-\w{1,14}", re.ASCII)


def tickets() -> ResponseReturnValue:
    """Show the list, newest first; ``before`` is the id of the previous page's last ticket."""
    return _list_page(current_state(), notice=_what_was_done())


def _what_was_done() -> str | None:
    released, sent = (_number(request.args.get(name, "")) for name in ("released", "sent"))
    if released is not None:
        return ngettext("Released %(number)s held ticket.", "Released %(number)s held tickets.", released)
    if sent is not None:
        return ngettext("%(number)s ticket will be sent now.", "%(number)s tickets will be sent now.", sent)
    return None


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
        return _list_page(state, 400, problem=EXPIRED_ACTION)
    count = requeue.send_all_again(state.database, status)
    state.delivery.tickets_due()
    counted: dict[str, Any] = {told: count}
    return redirect(url_for("kapa_handoff_admin.tickets", **counted), 303)


def _list_page(state: State, status: int = 200, *, notice: str | None = None, problem: str | None = None) -> Response:
    try:
        before = UUID(request.args["before"]) if "before" in request.args else None
    except ValueError:
        return _not_found(_("This page of the list does not exist."))
    with state.database.read() as connection:
        found = latest_rows(connection, limit=PAGE_LENGTH + 1, before=before)
        held, suppressed = (count_with(connection, status) for status in (Status.HELD, Status.SUPPRESSED))
    page = [with_visible(row, "subject") if isinstance(row, Ticket) else row for row in found[:PAGE_LENGTH]]
    ids = [row.id for row in page if isinstance(row.id, UUID)]
    older = ids[-1] if len(found) > PAGE_LENGTH and ids else None
    return page_response(
        "tickets",
        status,
        tickets=page,
        older=older,
        is_first=before is None,
        held=held,
        suppressed=suppressed,
        most=state.config.tickets_per_hour,
        form=AdminForm(formdata=None),
        notice=notice,
        problem=problem,
    )


def ticket(reference: str) -> ResponseReturnValue:
    """Show one ticket."""
    if not _REFERENCE.fullmatch(reference):  # PostgreSQL accepts no NUL in a text
        return _no_such_ticket(reference)
    queued_again = request.args.get("queued") == "again"
    return _ticket_page(current_state(), reference, notice=_("The ticket will be sent now.") if queued_again else None)


def send_again(reference: str) -> ResponseReturnValue:
    """Queue a failed or suppressed ticket, release a held one, or make a waiting one due now."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not _REFERENCE.fullmatch(reference):
        return _no_such_ticket(reference)
    if not AdminForm(request.form).validate():
        return _ticket_page(state, reference, 400, problem=EXPIRED_ACTION)
    with state.database.read() as connection:
        recipient = current_settings(connection, state.config).email
    found = requeue.send_again(state.database, reference, recipient)
    if found is None:
        return _no_such_ticket(reference)
    if found.status is not Status.QUEUED:
        problem = (
            _("This ticket can't be sent: its status is %(status)s.", status=found.status.label)
            if isinstance(found.status, Unknown)
            else _("This ticket has already been delivered.")
            if found.status is Status.DELIVERED
            else _("This ticket is being sent right now.")
        )
        return _ticket_page(state, reference, 409, problem=problem)
    state.delivery.ticket_stored(reference)
    return redirect(url_for("kapa_handoff_admin.ticket", reference=reference, queued="again"), 303)


def attachment(reference: str, file_id: str) -> ResponseReturnValue:
    """Download a file that a visitor attached; no browser shows it, whatever it holds."""
    try:
        wanted = UUID(file_id) if _REFERENCE.fullmatch(reference) else None
    except ValueError:
        wanted = None
    if wanted is None:
        return _not_found(_("There is no such file. It may have been deleted with its ticket."))
    with current_state().database.read() as connection:
        ticket_id = connection.execute(select(_columns.id).where(_columns.reference == reference)).scalar()
        found = None if ticket_id is None else file_of_ticket(connection, ticket_id, wanted)
    if found is None:
        return _not_found(_("There is no such file. It may have been deleted with its ticket."))
    response = Response(found.content, mimetype="application/octet-stream")
    name = safe_name(found.name)
    plain = name.encode("ascii", "replace").decode("ascii").replace("?", "_")
    # RFC 6266, appendix D: a plain name for programs that do not know RFC 8187.
    response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _ticket_page(
    state: State, reference: str, status: int = 200, *, notice: str | None = None, problem: str | None = None
) -> Response:
    with state.database.read() as connection:
        found = find_row(connection, ticket_table.c.reference == reference)
        if found is None:
            return _no_such_ticket(reference)
        if isinstance(found, DamagedRow):
            return _damaged(reference, found)
        conversation = _readable_conversation(connection, found)
        attempts = attempt_rows(connection, found.id)
        files = files_of_ticket(connection, found.id)
        earlier = find_ticket(connection, ticket_table.c.id == found.follows) if found.follows else None
        moment = now(connection)
    # The current attempt has no outcome yet. Any other one without an outcome was cut off.
    tried = [attempt for attempt in attempts if isinstance(attempt, Attempt)]
    delivered = found.status is Status.DELIVERED and tried
    at_it = found.status is Status.SENDING and found.leased_until is not None and found.leased_until > moment
    return page_response(
        "ticket",
        status,
        ticket=with_visible(found, "subject", "note", "visitor_name", "page", "thread_id"),
        fields=[(label, visible(value)) for label, value in labelled(state.config.fields, found.fields)],
        whose_word=whose_word(found, state.site_name),
        context=[(visible(label), visible(value)) for label, value in found.context.items()],
        pairs=conversation.pairs if conversation is not None else (),
        pressed=_pressed_pair(conversation, found),
        goes_to=tried[-1].recipient if delivered else state.destination(found.desk, found.recipient),
        files=[(one, size_in_words(one.size)) for one in files],
        files_left_out=bool(delivered) and WITHOUT_FILES in (tried[-1].detail or ""),
        attempts=tried,
        damaged_attempts=len(attempts) - len(tried),
        number_under_way=found.attempts if at_it else None,
        earlier=earlier,
        may_be_sent_again=requeue.may_be_sent_again(found),
        most=state.config.tickets_per_hour,
        form=AdminForm(formdata=None),
        to_html=Renderer(found.page, scrolls=True),
        link=Links().link,
        notice=notice,
        problem=problem,
    )


def _pressed_pair(conversation: Conversation | None, found: Ticket) -> QuestionAnswer | None:
    if conversation is None or not conversation.pairs:
        return None
    return conversation.pairs[conversation.pressed(found.answer_id)]


def _readable_conversation(connection: Connection, found: Ticket) -> Conversation | None:
    try:
        return find_conversation(connection, found).visible()
    except (ValueError, NoResultFound):
        return None  # its delivery reports what is wrong with it; the rest of the page is still needed


def _damaged(reference: str, row: DamagedRow) -> Response:
    return page_response(
        "problem",
        title=_("Ticket %(reference)s is damaged", reference=reference),
        problem=f"{row.what} {_('The ticket is not sent.')}",
        remedy=_(
            "flask kapa-handoff export prints the row as it is stored. A backup may have it intact; "
            "flask kapa-handoff doctor says what else is damaged."
        ),
    )


def _no_such_ticket(reference: str) -> Response:
    return _not_found(_("There is no ticket %(reference)s. It may have been deleted.", reference=quoted(reference)))


def _not_found(problem: str) -> Response:
    return page_response("problem", 404, title=_("Not found"), problem=problem, remedy=None)
