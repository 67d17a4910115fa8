"""The visitor's routes, in the order in which a visitor meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import make_response, request
from flask.typing import ResponseReturnValue

from ..errors import Disabled, Invalid, NoLongerOffered, RequestProblem
from ..offers import Offer, OfferExpired
from ..quotas import keys_of
from ..receipts import Receipt
from ..settings import DEFAULT_DESK, DeskSettings, default_settings
from ..signals import handoff_opened, notify, ticket_created
from ..state import State, current_state
from ..submission import Submission, open_ticket
from ..ticket_filter import filtered
from ..urls import origin_of
from ..web.language import shown_button_text, speak_language_of_page, visitor_language
from ..web.origin import require_known_origin
from ..web.requests import proxy_unheeded, wants_fragment, wants_json
from ..web.responses import json_response
from ..web.ticket_form import TicketForm
from ..web.urls import visitor_url
from .blueprint import blueprint
from .decisions import decide, known_facts
from .desk_choice import Named, choose_desk
from .own_addresses import own_mailboxes
from .requests import AnswerQuery, read_fields
from .responses import confirmation_response, form_response, review_response, with_problem
from .review import Review, require_room
from .submitted_form import (
    check_sender,
    read_form,
    read_form_files,
    recent_settings,
    settings_of,
    signed_in_visitor,
)
from .template_helpers import render_button


@blueprint.route("/offer", methods=["GET", "POST"])
def offer() -> ResponseReturnValue:
    """Return the button's fragment if the answer qualifies, else 204.

    A POST also has the question, which is neither stored nor logged, for desks that want to know whether it asks for a
    human.
    """
    state = current_state()
    query = AnswerQuery(state)
    settings = recent_settings(state, choose_desk(state, state.known_desks, Named(query.named_desk), query.page))
    asks = state.asks_for_human(settings)
    if asks is not None and query.question:
        query.facts = replace(query.facts, asked_for_human=asks(query.question))
    query.facts = known_facts(state, query, settings)
    made = decide(query, query.facts, settings)
    state.answers.asked(
        query.facts,
        made,
        desk=settings.desk,
        thread_id=query.thread_id,
        answer_id=query.answer_id,
        page=query.page,
        knows_request=asks is not None,
    )
    if wants_json():
        response = json_response(_offer_as_json(state, made, settings))
    else:
        response = make_response(("", 204) if made is None else render_button(made, settings))
    if asks is not None:
        # From now on, the page sends the questions as well.
        response.headers["X-Kapa-Handoff"] = "question"
    return response


@blueprint.get("/form")
def form() -> ResponseReturnValue:
    """Show the form for an offer: a page, or the dialog's fragment."""
    return _open_form(request.args.get("offer", ""))


@blueprint.post("/form")
def form_with_conversation() -> ResponseReturnValue:
    """Show the same page with the conversation from a server-rendered chat's button, without script."""
    fields = read_fields(current_state().config, ("offer", "conversation"))
    return _open_form(fields.get("offer", ""), fields.get("conversation"))


@blueprint.post("/review")
def review() -> ResponseReturnValue:
    """Show what a ticket with these fields would store. Nothing is stored."""
    state = current_state()
    form = read_form(state)
    try:
        is_known = check_sender(state, form)
        require_room(state, form)
        form.validate_for_review()
        made = Review(state, form, adds_context=is_known and bool(state.hooks.context()))
        if wants_json():
            return json_response(made.as_json())
        return review_response(state, form, made, settings_of(state, form.desk or DEFAULT_DESK))
    except RequestProblem as problem:
        if wants_fragment():
            raise  # the form is still there
        return _form_again(state, form, problem)


@blueprint.post("/tickets")
def create_ticket() -> ResponseReturnValue:
    """Store a ticket. If anything goes wrong, show the form again with what was typed."""
    state = current_state()
    config = state.config
    form = read_form(state)
    try:
        is_known = check_sender(state, form)
        if not form.validate():
            raise Invalid(fields=form.errors)
        submission = filtered(
            _submission(state, form, state.hooks.context() if is_known else {}),
            state.registered.ticket_filter,
            database=state.database,
            failures=state.hook_failures,
        )
        known = state.settings_cache.get(state.database, config, submission.offer.desk)
        ticket, is_new = open_ticket(state.database, config, submission, known, state.site_count)
    except RequestProblem as problem:
        return _form_again(state, form, problem)
    # The ticket is stored: no failure from here on may stop its delivery or tell the visitor otherwise.
    if is_new:
        notify(ticket_created, state.app, ticket=ticket)
        state.answers.happened(submission.offer, "sent")
        state.delivery.ticket_stored(ticket.reference)
    sent_from = form.accepted_offer
    receipt = Receipt(
        ticket.id,
        # The address of a signed-in visitor is the site's word; a corrected one is corrected.
        may_correct=form.visitor is None and ticket.corrected_at is None,
        origin=sent_from.origin if sent_from else None,
        language=sent_from.language if sent_from else None,
    )
    return confirmation_response(ticket, is_new, receipt)


def _open_form(token: str, conversation: str | None = None) -> ResponseReturnValue:
    state = current_state()
    signer = state.offer_signer()
    problem: RequestProblem | None = None
    try:
        opened = signer.read(token, opens_form=True)
    except OfferExpired as error:
        problem, opened = error, error.offer
    speak_language_of_page(opened.language)
    origin = origin_of(request.headers.get("Origin")) or origin_of(request.headers.get("Referer"))
    # Nothing is stored, so any page that may send can open the form: the origin in a server-rendered button may be a
    # name that a proxy has rewritten.
    is_known = request.method != "POST" or require_known_origin(state, offered=replace(opened, origin=origin))
    settings = settings_of(state, opened.desk)
    if not settings.takes_tickets:
        raise Disabled
    if problem is not None:
        if wants_json():
            raise problem
        # A person who has not typed anything yet gets a form with a fresh offer, with no message about the old one.
        opened = _renewed_offer(state, opened, settings)
    token = signer.sign(opened.for_one_form(origin))
    form = TicketForm.empty(signer, token, desk=opened.desk, pairs=opened.facts.pairs, site_fields=state.config.fields)
    form.conversation.data = conversation if form.has_conversation else None
    if request.method != "HEAD":
        notify(handoff_opened, state.app, facts=opened.facts)
        state.answers.happened(opened, "opened")
    form.visitor = signed_in_visitor(state, own_mailboxes(state, opened.desk)) if is_known else None
    return with_problem(form_response(state, form, opened, settings, None), problem)


def _form_again(state: State, form: TicketForm, problem: RequestProblem) -> ResponseReturnValue:
    """The form with what was typed and the problem, which programs get as JSON."""
    if wants_json():
        return with_problem(json_response(problem.as_json()), problem)
    offered = problem.offer if isinstance(problem, OfferExpired) else form.accepted_offer
    form.desk = None
    if offered is not None:
        speak_language_of_page(offered.language)
        form.desk = offered.desk
        form.ask_for_question(offered.facts.pairs)
    try:
        settings = settings_of(state, offered.desk if offered else DEFAULT_DESK)
        if isinstance(problem, OfferExpired):
            form.carry_offer(state.offer_signer().sign(_renewed_offer(state, problem.offer, settings)))
            read_form_files(state, form, problem.offer)
    except NoLongerOffered as error:
        problem = error
    except RequestProblem:
        settings = default_settings(state.config)
    return form_response(state, form, offered, settings, problem)


def _renewed_offer(state: State, offered: Offer, settings: DeskSettings) -> Offer:
    """A new offer for an expired one.

    Raises:
        NoLongerOffered: the answer no longer qualifies.
    """
    made = decide(offered, known_facts(state, offered, settings), settings)
    if made is None:
        raise NoLongerOffered
    return made


def _offer_as_json(state: State, made: Offer | None, settings: DeskSettings) -> dict[str, Any]:
    if made is None:
        return {"offered": False}
    return {
        "offered": True,
        "button_text": shown_button_text(settings, directly=not made.facts.pairs),
        "triggers": [trigger.value for trigger in made.triggers],
        "offer": state.offer_signer().sign(made),
        "form_url": visitor_url("form"),
        **({} if made.desk == DEFAULT_DESK else {"desk": made.desk}),
    }


def _submission(state: State, form: TicketForm, context: Mapping[str, str]) -> Submission:
    offered, conversation, visitor = form.accepted_offer, form.accepted_conversation, form.visitor
    if offered is None or conversation is None:
        raise Invalid  # cannot happen: the form was validated
    return Submission(
        submission_id=UUID(form.submission_id.data),
        offer=offered,
        email=form.email.data,
        note=form.note.data,
        conversation=conversation,
        transcript_source="site" if form.site_record is not None else "browser",
        keys=keys_of(request.remote_addr, form.email.data, state.secret, signed_in=visitor is not None),
        name=visitor.name if visitor else None,
        locale=visitor_language(),
        site_keeps_thread=state.hooks.keeps_threads and offered.thread_id is not None,
        proxy_unheeded=proxy_unheeded(),
        fields=form.field_values,
        context=context,
        attachments=tuple(form.files.kept),
        left_out=form.left_out_places,
    )
