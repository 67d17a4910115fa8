"""Makes the responses for visitors: a page, the dialog's fragment, or JSON."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ..errors import Disabled, RateLimited, RecordUnavailable, RequestProblem, Unavailable
from ..fields import NOTE
from ..offers import Offer
from ..receipts import Receipt
from ..refusals import NOT_COUNTED
from ..settings import DeskSettings
from ..state import State, current_state
from ..storage.tickets import Ticket
from ..translation import gettext as _
from ..web.csp import response_nonce
from ..web.form_files import FormFiles, takes_files
from ..web.form_words import consent_row, form_words
from ..web.language import shown_button_text
from ..web.requests import wants_fragment, wants_json
from ..web.responses import json_response, with_status
from ..web.ticket_form import TicketForm
from ..web.urls import static_url, visitor_url, way_back
from .rendering import render_for_visitor
from .review import Review

_PLAIN_CONFIRMATION = (
    '<{element} class="kapa-handoff-panel" data-kapa-handoff-dialog>'
    '<div data-kapa-handoff-reference="{reference}">'
    '<p class="kapa-handoff-reference" tabindex="-1">{text} <strong>{reference}</strong></p>'
    "</div></{element}>"
)

_logger = logging.getLogger(__name__)

_NAMES = (
    "action",
    "address_url",
    "back_url",
    "button_text",
    "copy_url",
    "correction",
    "desk",
    "files",
    "form",
    "in_dialog",
    "is_helpless",
    "key",
    "label",
    "note_max",
    "over",
    "pairs",
    "problem",
    "receipt",
    "reference",
    "review",
    "review_url",
    "said",
    "site_name",
    "tickets_url",
    "title",
    "visitor",
    "visitor_email",
    "words",
)
"""The variables of the visitor's templates."""


def problem_response(problem: RequestProblem) -> ResponseReturnValue:
    """A problem without a form: JSON for programs, a page or the dialog's fragment for people."""
    if isinstance(problem, Unavailable) and request.method in ("GET", "HEAD"):
        problem.description = problem.before_sending
    if wants_json():
        return with_problem(json_response(problem.as_json()), problem)
    template = "_dialog" if wants_fragment() else "problem_page"
    page = _render(
        template,
        title=_(problem.title),
        problem=problem.as_text(),
        site_name=current_state().site_name,
        back_url=way_back(),
    )
    return with_problem(make_response(page), problem)


def link_response(
    title: str,
    said: Sequence[str],
    *,
    action: str | None = None,
    key: str | None = None,
    label: str | None = None,
    over: bool = False,
) -> Response:
    """The page that a link in a mail leads to.

    Arguments:
        said: its sentences.
        action, key, label: where its button leads, the link's token, and the button's words; None: it has no button.
        over: whether the button relieves somebody.
    """
    context = {"title": title, "said": said, "action": action, "key": key, "label": label, "over": over}
    return make_response(_render("link_page", site_name=current_state().site_name, **context))


def form_response(
    state: State,
    form: TicketForm,
    offered: Offer | None,
    settings: DeskSettings,
    problem: RequestProblem | None,
    review: Review | None = None,
) -> Response:
    """The form: empty, or with what was typed, the errors and the review."""
    form.unasked = settings.form.unasked
    form.ask_consent(consent_row(settings.form))
    fragment = wants_fragment()
    if fragment:
        form.conversation.data = None  # the open page has it
    page = _render(
        "_dialog" if fragment else "form_page",
        form=form,
        tickets_url=visitor_url("tickets"),
        review_url=visitor_url("review"),
        site_name=state.site_name,
        back_url=way_back(offered.page if offered else None),
        button_text=shown_button_text(settings, directly=not form.has_conversation),
        words=form_words(settings),
        desk=settings.desk,
        is_helpless=isinstance(problem, (Disabled, RateLimited, Unavailable)),
        visitor=form.visitor,
        # Errors of a field are shown beside the field.
        problem=_words(problem) if problem is not None and not form.errors else None,
        pairs=offered.facts.pairs if offered else 0,
        review=review,
        note_max=NOTE.max_length,
        files=form.files if takes_files(settings, offered) else None,
    )
    return with_problem(make_response(page), problem)


def files_response(files: FormFiles) -> Response:
    """The part of the open form with its files."""
    return make_response(_render("_attachments", files=files, in_dialog=True))


def review_response(state: State, form: TicketForm, review: Review, settings: DeskSettings) -> ResponseReturnValue:
    """The review: in the form's page, or alone for the open dialog."""
    if wants_fragment():
        return _render("_review", in_dialog=True, form=form, review=review)
    return form_response(state, form, form.accepted_offer, settings, None, review)


@dataclass(frozen=True)
class Correction:
    """The address that a visitor wants instead of the ticket's.

    Arguments:
        typed: what they typed.
        problem: why it was not taken; None: it was, and the ticket has it.
    """

    typed: str
    problem: RequestProblem | None = None


def confirmation_response(
    ticket: Ticket, is_new: bool, receipt: Receipt, correction: Correction | None = None
) -> ResponseReturnValue:
    """The ticket's reference: 201 if this request stored it, 200 if an earlier one did, else the problem's status.

    Arguments:
        receipt: what the visitor may do next.
        correction: what came of correcting the address; None: the ticket was sent just now.
    """
    problem = correction.problem if correction else None
    status = 201 if is_new else 200
    if wants_json():
        if problem is not None:
            return with_problem(json_response(problem.as_json()), problem)
        return json_response({"reference": ticket.reference, "status": str(ticket.status)}), status
    state = current_state()
    try:
        page = _render(
            "_dialog" if wants_fragment() else "confirmation_page",
            words=form_words(state.settings_cache.get(state.database, state.config, ticket.desk)),
            desk=ticket.desk,
            reference=ticket.reference,
            visitor_email=ticket.visitor_email,
            receipt=state.receipt_signer().sign(receipt),
            copy_url=visitor_url("copy"),
            address_url=visitor_url("address") if receipt.may_correct else None,
            correction=correction,
            problem=_words(problem) if problem is not None and not problem.fields else None,
            is_helpless=problem is not None,
            site_name=state.site_name,
            back_url=way_back(ticket.page),
        )
    except Exception as error:
        # The ticket is stored, and a site's template that fails must not tell the visitor otherwise.
        _logger.error("Ticket %s is confirmed without a template: %s.", ticket.reference, type(error).__name__)
        page = _PLAIN_CONFIRMATION.format(
            element="dialog" if wants_fragment() else "main", reference=ticket.reference, text=_("Your ticket")
        )
    if problem is not None:
        return with_problem(make_response(page), problem)
    return page, status


def _words(problem: RequestProblem) -> str:
    """What is wrong; handoff.js shows the time in a ``<time>`` by the visitor's clock."""
    if not isinstance(problem, RateLimited) or problem.retry_after is None:
        return problem.message
    return Markup('{} <time datetime="PT{}S" data-after="{}">{}</time>').format(
        problem.reason,
        problem.retry_after,
        _("Your text is safe – try again after %(time)s.", time="{}"),
        problem.when,
    )


def with_problem(response: Response, problem: RequestProblem | None) -> Response:
    """The response to a visitor with a problem's status and ``Retry-After``; counts the refusal."""
    if problem is None:
        return response
    if problem.error_code not in NOT_COUNTED and not isinstance(problem, RecordUnavailable):
        current_state().refusals.count(problem.error_code, problem.detail)
    return with_status(response, problem)


def _render(template: str, **context: Any) -> str:
    """One of our templates. Names that it uses and we do not set are None, whatever the site uses them for."""
    state = current_state()
    everywhere = {"nonce": response_nonce(state), "static_url": static_url}
    return render_for_visitor(template, {**dict.fromkeys(_NAMES), **everywhere, **context})
