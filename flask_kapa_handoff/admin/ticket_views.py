"""The page of one ticket, with its transcript and its delivery."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select
from sqlalchemy.exc import NoResultFound

from ..attachments import size_in_words
from ..config_values import MAIL
from ..conversation import Conversation, QuestionAnswer
from ..delivery import requeue
from ..delivery.mail.labels import subject_line
from ..delivery.mail.replies import WITHOUT_FILES
from ..delivery.mail.sentences import whose_word
from ..desk_directory import read_desks
from ..fields import labelled
from ..links import Links
from ..locale_formats import language_name
from ..markdown import Renderer
from ..state import State, current_state
from ..storage.attachments import files_of_ticket
from ..storage.engine import now
from ..storage.reading import DamagedRow
from ..storage.tables import ticket as ticket_table
from ..storage.ticket_list import Place, page
from ..storage.tickets import (
    Attempt,
    Status,
    Ticket,
    attempt_rows,
    find_conversation,
    find_row,
    find_ticket,
)
from ..text import visible, with_visible
from ..translation import gettext as _
from ..unknown import Unknown
from ..web.origin import require_known_origin
from .desk_parts import desk_shown, named_recipient
from .forms import EXPIRED_ACTION, AdminForm
from .responses import fragment_response, page_response
from .taking_views import takes
from .ticket_pages import REFERENCE, no_such_ticket, seconds_until_look
from .ticket_query import as_arguments, read_criteria

_columns = ticket_table.c

STOP_ASKING = 286
"""The status with which htmx ends its polling."""

MOST_LATER = 20
"""How many of the tickets that follow one are named."""


def ticket(reference: str) -> ResponseReturnValue:
    """Show one ticket."""
    if not REFERENCE.fullmatch(reference):  # PostgreSQL accepts no NUL in a text
        return no_such_ticket(reference)
    queued_again = request.args.get("queued") == "again"
    return _ticket_page(current_state(), reference, notice=_("The ticket will be sent now.") if queued_again else None)


def send_again(reference: str) -> ResponseReturnValue:
    """Queue a failed or suppressed ticket, release a held one, or make a waiting one due now."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not REFERENCE.fullmatch(reference):
        return no_such_ticket(reference)
    if not AdminForm(request.form).validate():
        return _ticket_page(state, reference, 400, problem=EXPIRED_ACTION)
    with state.database.read() as connection:
        desks = read_desks(connection, state.config)
        asked = find_ticket(connection, ticket_table.c.reference == reference)
    recipient = None
    if asked is not None and asked.desk not in desks.present:
        try:
            recipient = named_recipient(state.config, request.form)
        except ValueError as error:
            return _ticket_page(state, reference, 422, problem=str(error))
    found = requeue.send_again(state.database, reference, recipient, of_desks=desks.recipients)
    if found is None:
        return no_such_ticket(reference)
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
    arguments = as_arguments(read_criteria())
    return redirect(url_for("kapa_handoff_admin.ticket", reference=reference, queued="again", **arguments), 303)


def delivery(reference: str) -> ResponseReturnValue:
    """The state of a ticket's delivery, for its open page; it asks again while the ticket is moving."""
    state = current_state()
    with state.database.read() as connection:
        wanted = REFERENCE.fullmatch(reference) is not None
        found = find_ticket(connection, _columns.reference == reference) if wanted else None
        if found is None:
            return "", STOP_ASKING
        context = _delivery(state, connection, found)
    return fragment_response("ticket_delivery", ticket=found, form=AdminForm(formdata=None), **context)


def _delivery(state: State, connection: Connection, found: Ticket) -> dict[str, Any]:
    """What the templates need to know of a ticket's delivery."""
    attempts = attempt_rows(connection, found.id)
    # The current attempt has no outcome yet. Any other one without an outcome was cut off.
    tried = [attempt for attempt in attempts if isinstance(attempt, Attempt)]
    delivered = found.status is Status.DELIVERED and tried
    moment = now(connection)
    at_it = found.status is Status.SENDING and found.leased_until is not None and found.leased_until > moment
    return {
        "attempts": tried,
        "damaged_attempts": len(attempts) - len(tried),
        "number_under_way": found.attempts if at_it else None,
        "goes_to": tried[-1].recipient if delivered else state.destination(found.desk, found.recipient),
        "takes": takes(state, found),
        "may_be_sent_again": requeue.may_be_sent_again(found),
        "look_again": seconds_until_look([found], moment),
    }


def _ticket_page(
    state: State, reference: str, status: int = 200, *, notice: str | None = None, problem: str | None = None
) -> Response:
    criteria = read_criteria()
    with state.database.read() as connection:
        found = find_row(connection, _columns.reference == reference)
        if found is None:
            return no_such_ticket(reference)
        if isinstance(found, DamagedRow):
            return _damaged(reference, found)
        conversation = _readable_conversation(connection, found)
        delivery = _delivery(state, connection, found)
        files = files_of_ticket(connection, found.id)
        earlier = find_ticket(connection, _columns.id == found.follows) if found.follows else None
        following = select(_columns.reference).where(_columns.follows == found.id).order_by(_columns.id)
        later = connection.execute(following.limit(MOST_LATER)).scalars().all()
        beside = {
            name: next((one.reference for one in page(connection, criteria, place, 1)), None)
            for name, place in (("newer", Place(found.id, newer=True)), ("older", Place(found.id)))
        }
    last = delivery["attempts"][-1:] if found.status is Status.DELIVERED else []
    return page_response(
        "ticket",
        status,
        ticket=with_visible(found, "subject", "note", "visitor_name", "page", "thread_id"),
        fields=[(label, visible(value)) for label, value in labelled(state.config.fields, found.fields)],
        whose_word=whose_word(found, state.site_name),
        context=[(visible(label), visible(value)) for label, value in found.context.items()],
        pairs=conversation.pairs if conversation is not None else (),
        pressed=_pressed_pair(conversation, found),
        files=[(one, size_in_words(one.size)) for one in files],
        files_left_out=any(WITHOUT_FILES in (attempt.detail or "") for attempt in last),
        earlier=earlier,
        later=later,
        reply=_reply(state, found),
        by_mail=state.channel_of(found.desk) == MAIL,
        arguments=as_arguments(criteria),
        desk=desk_shown(state.desks, found.desk),
        names_recipient=found.desk not in state.desks.present
        and state.channel_of(found.desk) == MAIL
        and "email" not in state.config.pinned,
        form=AdminForm(formdata=None),
        spoken=language_name(visible(found.locale)) if found.locale else None,
        to_html=Renderer(found.page, scrolls=True),
        link=Links().link,
        notice=notice,
        problem=problem,
        **delivery,
        **beside,
    )


def _reply(state: State, found: Ticket) -> str:
    """A ``mailto:`` address (RFC 6068) for a reply to the visitor, as a reply to the ticket's mail would be."""
    subject = subject_line(state.config.subject, found, state.site_name)
    if found.reference not in subject:
        subject = f"{subject} ({found.reference})"
    return f"mailto:{quote(found.reply_address, safe='@')}?subject={quote(f'Re: {subject}', safe='')}"


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
