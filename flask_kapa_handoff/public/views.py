"""The visitor's routes, in the order in which a visitor meets them."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from ..conversation import Conversation
from ..errors import Disabled, Invalid, OfferExpired, RequestProblem, Unavailable
from ..markup import STATIC, make_offer, render_button, visitor_url
from ..offers import Offer
from ..settings import DEFAULT_DESK, DeskSettings, current_settings, default_settings
from ..signals import handoff_cancelled, handoff_opened, notify, ticket_created
from ..state import State, Visitor, current_state
from ..storage.records import Status, Ticket
from ..templates_folder import TEMPLATES
from ..tickets import Submission, client_key, open_ticket
from .forms import NOTE_MAX, TicketForm
from .origin import allow_origin, require_known_origin
from .requests import EVENT_FIELDS, TICKET_FIELDS, AnswerQuery, read_fields, wants_fragment, wants_json

YEAR = 365 * 24 * 60 * 60

_logger = logging.getLogger(__name__)


class _VisitorBlueprint(Blueprint):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        # An address with the mark of its content can be kept for ever, any other follows the site's own setting.
        return YEAR if request.args.get("v") else super().get_send_file_max_age(filename)


blueprint = _VisitorBlueprint(
    "kapa_handoff", __name__, template_folder=str(TEMPLATES), static_folder=str(STATIC), static_url_path="/static"
)


@blueprint.get("/offer")
def offer() -> ResponseReturnValue:
    """Does this answer qualify? The button's fragment, or 204."""
    state, query = current_state(), AnswerQuery()
    settings = _settings(state, query.desk)
    made = make_offer(query.facts, settings, thread_id=query.thread_id, answer_id=query.answer_id, page=query.page)
    if wants_json():
        return jsonify(_offer_as_json(state, made, settings))
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
    answer = _confirmation(ticket, is_new)
    if is_new:
        notify(ticket_created, state.app, ticket=ticket)
        _start_delivery(state, ticket)
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
    if request.endpoint != "kapa_handoff.static":
        response.headers["Cache-Control"] = "no-store"
        allow_origin(response, state.config)
    return response


def answer_problem(problem: RequestProblem) -> ResponseReturnValue:
    """A problem without a form: JSON for programs, a page or the dialog's fragment for people."""
    if wants_json():
        return _with_status(jsonify(problem.as_json()), problem)
    template = "kapa_handoff/_dialog.html" if wants_fragment() else "kapa_handoff/problem_page.html"
    sentences = [problem.description or "", *(text for texts in problem.fields.values() for text in texts)]
    page = render_template(
        template, title=problem.title, problem=" ".join(sentences), site_name=current_state().site_name, back_url=None
    )
    return _with_status(make_response(page), problem)


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
    form = TicketForm.empty(signer, token)
    form.conversation.data = conversation
    notify(handoff_opened, state.app, facts=opened.facts)
    return _form_page(state, form, opened, settings, _visitor(state), problem)


def _form_again(
    state: State, form: TicketForm, visitor: Visitor | None, problem: RequestProblem
) -> ResponseReturnValue:
    if wants_json():
        return _with_status(jsonify(problem.as_json()), problem)
    offered = form.accepted_offer
    if isinstance(problem, OfferExpired):
        offered = problem.offer
        form.carry_offer(state.offer_signer().sign(offered))
    try:
        settings = _settings(state, offered.desk if offered else DEFAULT_DESK)
    except RequestProblem:
        settings = default_settings(state.config)
    return _form_page(state, form, offered, settings, visitor, problem)


def _form_page(
    state: State,
    form: TicketForm,
    offered: Offer | None,
    settings: DeskSettings,
    visitor: Visitor | None,
    problem: RequestProblem | None,
) -> ResponseReturnValue:
    fragment = wants_fragment()
    if fragment:
        form.conversation.data = None  # the page that is open has it
    page = render_template(
        "kapa_handoff/_dialog.html" if fragment else "kapa_handoff/form_page.html",
        form=form,
        tickets_url=visitor_url("tickets"),
        site_name=state.site_name,
        button_text=settings.button_text,
        visitor=visitor,
        # What is wrong with a field stands at the field.
        problem=problem.description if problem is not None and not form.errors else None,
        pairs=offered.facts.pairs if offered else 0,
        note_max=NOTE_MAX,
    )
    return _with_status(make_response(page), problem)


def _confirmation(ticket: Ticket, is_new: bool) -> ResponseReturnValue:
    status = 201 if is_new else 200
    if wants_json():
        return jsonify(reference=ticket.reference, status=str(Status(ticket.status))), status
    page = render_template(
        "kapa_handoff/_dialog.html" if wants_fragment() else "kapa_handoff/confirmation_page.html",
        reference=ticket.reference,
        visitor_email=ticket.visitor_email,
        site_name=current_state().site_name,
        back_url=_own_page(ticket.page),
    )
    return page, status


def _with_status(response: Response, problem: RequestProblem | None) -> Response:
    if problem is not None:
        response.status_code = problem.code or 500
        if problem.retry_after is not None:
            response.headers["Retry-After"] = str(problem.retry_after)
    return response


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
    loader = state.hooks.visitor_loader
    return loader() if loader is not None else None


def _site_transcript(state: State, offered: Offer, *, has_other: bool) -> Conversation | None:
    loader = state.hooks.conversation_loader
    if loader is None or offered.thread_id is None:
        return None
    try:
        return loader(offered.thread_id)
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
    )


def _own_page(page: str | None) -> str | None:
    """The page to go back to, if it is the site's own: an offer's page is what a browser said."""
    return page if page and urlsplit(page).netloc == request.host else None


def _start_delivery(state: State, ticket: Ticket) -> None:
    if state.config.delivery == "thread":
        state.threads.start()
        state.threads.wake()
    elif state.config.delivery == "inline":
        from ..delivery.courier import Courier

        courier = Courier(state.app, state)
        try:
            courier.deliver_next(ticket.reference)
        except Exception:
            # The ticket is stored, and the visitor is told so.
            _logger.exception("Ticket %s was stored, but its delivery failed.", ticket.reference)
        finally:
            courier.close()
