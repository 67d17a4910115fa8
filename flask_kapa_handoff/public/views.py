"""The visitor's routes, in the order in which a visitor meets them."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from ..config import parse_email
from ..conversation import Conversation
from ..csrf import explain_refusal, note_arrival
from ..delivery.dispatch import start_delivery
from ..errors import Disabled, Invalid, OfferExpired, RequestProblem, Unavailable
from ..markup import STATIC, make_offer, render_button, visitor_url
from ..mounting import MountedBlueprint
from ..offers import Offer
from ..settings import DEFAULT_DESK, DeskSettings, current_settings, default_settings
from ..signals import handoff_cancelled, handoff_opened, notify, ticket_created
from ..state import State, Visitor, current_state
from ..tickets import Submission, client_key, open_ticket
from .answers import answer_confirmation, answer_form, answer_json, answer_problem, with_problem
from .forms import TicketForm
from .origin import allow_origin, require_known_origin
from .requests import EVENT_FIELDS, TICKET_FIELDS, AnswerQuery, proxy_unheeded, read_fields, wants_json

YEAR = 365 * 24 * 60 * 60

_logger = logging.getLogger(__name__)


class _VisitorBlueprint(MountedBlueprint):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        # An address with the mark of its content can be kept for ever, any other follows the site's own setting.
        return YEAR if request.args.get("v") else super().get_send_file_max_age(filename)


blueprint = _VisitorBlueprint("kapa_handoff", __name__, static_folder=str(STATIC), static_url_path="/static")


blueprint.before_request(note_arrival)
blueprint.after_request(explain_refusal)


@blueprint.get("/offer")
def offer() -> ResponseReturnValue:
    """Does this answer qualify? The button's fragment, or 204."""
    state, query = current_state(), AnswerQuery()
    settings = _settings(state, query.desk)
    made = make_offer(
        query.facts,
        settings,
        thread_id=query.thread_id,
        answer_id=query.answer_id,
        page=query.page,
        requested=query.requested,
    )
    if wants_json():
        return answer_json(_offer_as_json(state, made, settings))
    return ("", 204) if made is None else make_response(render_button(made, settings))


@blueprint.get("/form")
def form() -> ResponseReturnValue:
    """The form of an offer: a page, or the dialog's fragment."""
    return _open_form(request.args.get("offer", ""))


@blueprint.post("/form")
def form_with_conversation() -> ResponseReturnValue:
    """The same page, carrying the conversation that a server-rendered chat put into its button, without script."""
    state = current_state()
    require_known_origin(state.config)
    fields = read_fields(state.config, ("offer", "conversation"))
    return _open_form(fields.get("offer", ""), fields.get("conversation"))


@blueprint.post("/tickets")
def create_ticket() -> ResponseReturnValue:
    """Store a ticket. Whatever goes wrong, the form comes back with what was typed."""
    state = current_state()
    fields = read_fields(state.config, TICKET_FIELDS)
    form = TicketForm.submitted(
        fields,
        state.offer_signer(),
        max_pairs=state.config.max_pairs,
        site_transcript=lambda offered: _site_transcript(state, offered, has_other=bool(fields.get("conversation"))),
    )
    visitor = _visitor(state)
    if visitor is not None:
        form.email.data = visitor.email
    try:
        require_known_origin(state.config)
        if not form.validate():
            raise Invalid(fields=form.errors)
        ticket, is_new = open_ticket(state.database, state.config, _submission(state, form, visitor))
    except RequestProblem as problem:
        return _form_again(state, form, visitor, problem)
    answer = answer_confirmation(ticket, is_new)
    if is_new:
        notify(ticket_created, state.app, ticket=ticket)
        start_delivery(state, ticket.reference)
    return answer


@blueprint.post("/events")
def events() -> ResponseReturnValue:
    """The visitor closed the form without sending it."""
    state = current_state()
    require_known_origin(state.config)
    fields = read_fields(state.config, EVENT_FIELDS)
    if fields.get("event") != "cancel":
        raise Invalid(fields={"event": [f"event: {fields.get('event')!r} is not allowed; use cancel."]})
    cancelled = state.offer_signer().read(fields.get("offer", ""))
    notify(handoff_cancelled, state.app, facts=cancelled.facts)
    return "", 204


@blueprint.after_request
def protect(response: Response) -> Response:
    """Dynamic answers are nobody's to keep; pages of KAPA_HANDOFF_ORIGINS may read them."""
    state = current_state()
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.endpoint != "kapa_handoff.static":
        response.headers["Cache-Control"] = "no-store"
        # The address of a form holds its offer.
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
        allow_origin(response, state.config)
    return response


def _problems(base: type[RequestProblem]) -> list[type[RequestProblem]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_problems(child))]


for _problem in _problems(RequestProblem):
    # One by one: Flask looks for a handler of the status first, and the site may have one.
    blueprint.register_error_handler(_problem, answer_problem)


def _open_form(token: str, conversation: str | None = None) -> ResponseReturnValue:
    state = current_state()
    signer = state.offer_signer()
    problem: RequestProblem | None = None
    try:
        opened = signer.read(token)
    except OfferExpired as error:
        problem, opened = error, error.offer
        token = signer.sign(opened)
    settings = _settings(state, opened.desk)
    if not settings.takes_tickets:
        raise Disabled
    if problem is not None and wants_json():
        raise problem
    # A person has typed nothing yet and gets a form with a fresh offer, without a word about the old one.
    form = TicketForm.empty(signer, token)
    form.conversation.data = conversation
    if request.method != "HEAD":
        notify(handoff_opened, state.app, facts=opened.facts)
    shown = answer_form(state, form, opened, settings, _visitor(state), None)
    return with_problem(shown, problem)


def _form_again(
    state: State, form: TicketForm, visitor: Visitor | None, problem: RequestProblem
) -> ResponseReturnValue:
    if wants_json():
        return with_problem(answer_json(problem.as_json()), problem)
    offered = form.accepted_offer
    if isinstance(problem, OfferExpired):
        offered = problem.offer
        form.carry_offer(state.offer_signer().sign(offered))
    try:
        settings = _settings(state, offered.desk if offered else DEFAULT_DESK)
    except RequestProblem:
        settings = default_settings(state.config)
    return answer_form(state, form, offered, settings, visitor, problem)


def _settings(state: State, desk: str) -> DeskSettings:
    with state.database.read() as connection:
        return current_settings(connection, state.config, desk)


def _offer_as_json(state: State, made: Offer | None, settings: DeskSettings) -> dict[str, Any]:
    if made is None:
        return {"offered": False}
    return {
        "offered": True,
        "button_text": settings.button_text,
        "triggers": [trigger.value for trigger in made.triggers],
        "offer": state.offer_signer().sign(made),
        "form_url": visitor_url("form"),
    }


def _visitor(state: State) -> Visitor | None:
    """Who is signed in, with an address that a mail can carry; else the visitor types one."""
    loader = state.hooks.visitor_loader
    try:
        found = loader() if loader is not None else None
        return Visitor(parse_email(found.email), found.name) if found else None
    except ValueError:
        return None
    except Exception:
        _logger.exception("The site's visitor_loader failed; the visitor is asked for an address.")
        return None


def _site_transcript(state: State, offered: Offer, *, has_other: bool) -> Conversation | None:
    loader = state.hooks.conversation_loader
    if loader is None or offered.thread_id is None:
        return None
    try:
        found = loader(offered.thread_id)
        return found.cleaned() if found is not None else None
    except Exception as error:
        _logger.exception("The site's conversation_loader failed.")
        if has_other:
            return None  # what the browser sent is better than nothing, and the mail says whose word it is
        raise Unavailable from error


def _submission(state: State, form: TicketForm, visitor: Visitor | None) -> Submission:
    offered, conversation = form.accepted_offer, form.accepted_conversation
    if offered is None or conversation is None:
        raise Invalid  # cannot be: the form was validated
    return Submission(
        submission_id=UUID(form.submission_id.data),
        offer=offered,
        email=form.email.data,
        note=form.note.data,
        conversation=conversation,
        transcript_source=form.transcript_source,
        client_key=client_key(request.remote_addr, state.secret),
        name=visitor.name if visitor else None,
        locale=(request.accept_languages.best or "")[:35] or None,
        site_keeps_thread=state.hooks.conversation_loader is not None and offered.thread_id is not None,
        proxy_unheeded=proxy_unheeded(),
    )
