"""Makes the responses of the admin's routes: a page or a fragment, and the headers of both."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from flask import Response, request, url_for
from htmx_flask import make_response

from ..config import Config, key_of
from ..errors import Invalid, RequestProblem, SchemaError, Unavailable
from ..state import current_state
from ..template_environment import render
from ..tracebacks import place_of, without_message
from ..translation import gettext as _
from ..translation import noop as N_
from ..web.csp import response_nonce
from ..web.requests import wants_fragment
from ..web.urls import static_url
from . import desk_parts, form_labels, labels
from .delivery_state import read_delivery_state
from .form_input import zone_names
from .forms import AdminForm
from .site_layout import NoContentBlock, put_into_layout

_NAMES = frozenset(
    [
        "action",
        "addable_languages",
        "admin_template",
        "all_triggers",
        "alone",
        "arguments",
        "arrival",
        "attempts",
        "back",
        "by_mail",
        "can_link",
        "cancel",
        "change",
        "channel",
        "channels",
        "choices",
        "comment",
        "context",
        "counted",
        "criteria",
        "current",
        "damaged_attempts",
        "desk",
        "desk_names",
        "desks",
        "destination",
        "developers_report",
        "discard",
        "earlier",
        "elsewhere",
        "everything",
        "failed_layout",
        "fields",
        "files",
        "files_left_out",
        "filtered",
        "findings",
        "form",
        "form_languages",
        "fragment",
        "goes_on",
        "goes_to",
        "handoff_place",
        "has_chooser",
        "held",
        "history",
        "insights",
        "is_channel_configured",
        "is_first",
        "keep",
        "key",
        "label",
        "label_of",
        "last_change",
        "later",
        "layout",
        "link",
        "look_again",
        "matching",
        "may_be_sent_again",
        "merged",
        "missing",
        "most",
        "moving",
        "names",
        "names_recipient",
        "neutral",
        "newer",
        "not_simulated",
        "notice",
        "number_under_way",
        "older",
        "pairs",
        "pinned",
        "pressed",
        "preview_language",
        "problem",
        "problems",
        "references",
        "refused",
        "remedy",
        "reply",
        "restore",
        "restores",
        "rules",
        "rules_typed",
        "scopes",
        "sent",
        "settings",
        "shown",
        "simulated",
        "simulation",
        "since",
        "site_fields",
        "spoken",
        "stages",
        "status_choices",
        "stays_open",
        "suppressed",
        "takes",
        "test_desk",
        "test_mail_problem",
        "this_desk",
        "ticket",
        "tickets",
        "title",
        "to_confirm",
        "to_html",
        "told",
        "tried",
        "try_path",
        "tryout",
        "typed",
        "typed_errors",
        "undoes",
        "undone_by",
        "undone_names",
        "unreached",
        "unsaved",
        "usual_texts",
        "version",
        "warnings",
        "was_undone",
        "what",
        "whose_word",
    ]
)
"""The variables of the admin's templates; each view sets some of them."""

OWN_LAYOUT = Config.admin_template
INSIDE = "kapa_handoff/admin/_inside.html"
DATABASE_TROUBLE = N_("The ticket database is not available right now. The site's log says why.")
FAILURE_REGION = "#kapa-handoff-admin-failure"

_logger = logging.getLogger(__name__)


def page_response(name: str, status: int = 200, **context: Any) -> Response:
    """A whole page, in the site's layout or in the package's own."""
    # The page that reports an unreachable database does not query it again.
    context["reads"] = status < 500
    context["refused"] = labels.refused(current_state().refusals.recent()) if status < 500 else None
    layout = current_state().config.admin_template
    if layout == OWN_LAYOUT:
        return _marked(_render(name, admin_template=OWN_LAYOUT, **context), status)
    page = _render(name, admin_template=INSIDE, **context)
    try:
        return _marked(put_into_layout(layout, page), status)
    except Exception as error:
        # A broken frame must not hide a failed ticket.
        reason = str(error) if isinstance(error, NoContentBlock) else place_of(error)
        explained, told = current_state().explained, f"layout: {reason}"
        if told not in explained:
            explained.add(told)
            _logger.error(
                "The admin pages are shown without the site's layout %s (KAPA_HANDOFF_ADMIN_TEMPLATE): %s. %s",
                layout,
                reason,
                without_message(error),
            )
    return _marked(_render(name, admin_template=OWN_LAYOUT, failed_layout=(layout, reason), **context), status)


def fragment_response(name: str, status: int = 200, **context: Any) -> Response:
    """A part of the open page, for htmx. After a POST it brings a token for the forms that stay in the page."""
    response = _marked(_render(f"_{name}", fragment=True, **context), status)
    if request.method == "POST":
        # The page may have been open since before the admin signed in again.
        response.headers["X-Kapa-Handoff-Token"] = AdminForm(formdata=None).csrf_token.current_token
    return response


def problem_response(problem: RequestProblem) -> Response:
    """A problem that leaves nothing to show: a page, or a line in the open page, which otherwise stays as it is."""
    remedy = str(problem) if isinstance(problem, SchemaError) else None
    told = _(DATABASE_TROUBLE) if isinstance(problem, Unavailable) else problem.as_text()
    context: dict[str, Any] = {"title": _(problem.title), "problem": told, "remedy": remedy}
    if isinstance(problem, Invalid) and request.method == "GET":  # no form was sent: the address is wrong
        words = _("There is no such desk.") if "desk" in problem.fields else _("There is no such version.")
        goes_on = (url_for("kapa_handoff_admin.history"), _("History"))
        if "desk" in problem.fields:
            goes_on = (url_for("kapa_handoff_admin.desks"), _("Desks"))
        context |= {"title": _("Not found"), "problem": words, "goes_on": goes_on}
    status = problem.code or 500
    if wants_fragment():
        response = _marked(_render("_problem", **context), status, retarget=FAILURE_REGION, reswap="innerHTML")
    else:
        response = page_response("problem", status, **context)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def protect(response: Response) -> Response:
    """Forbid caching and framing the admin's pages. A policy of the view's or the site's own stays."""
    policy = "frame-ancestors 'none'"
    if current_state().config.admin_template == OWN_LAYOUT:
        policy = f"default-src 'self'; object-src 'none'; {policy}; form-action 'self'; base-uri 'none'"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _marked(body: str, status: int, **htmx: Any) -> Response:
    response: Response = make_response(body, status, **htmx)
    # admin.js shows only marked responses in the page: an expired session often leads to the site's login page.
    response.headers["X-Kapa-Handoff"] = "admin"
    return response


def _render(name: str, *, reads: bool = True, **context: Any) -> str:
    """One of our templates. Names that it uses and we do not set are None, whatever the site uses them for.

    Arguments:
        reads: whether the database can be queried for what every page shows.
    """
    state = current_state()
    everywhere = {
        "key_of": key_of,
        "may_act": state.may_act(),
        "nonce": response_nonce(state),
        "own_layout": context.get("admin_template") == OWN_LAYOUT,
        "request": request,
        "site_name": state.site_name,
        "static_url": static_url,
        "url_for": url_for,
        "desk_label": desk_parts.label,
        "labels": labels,
        "form_labels": form_labels,
        "zone_names": zone_names,
        "action_form": lambda: AdminForm(formdata=None),
        # Read only by the templates that show it, and once.
        "delivery_state": cache(lambda: read_delivery_state(state) if reads else None),
    }
    for told in ("notice", "problem", "test_mail_problem"):  # a constant of a view, or translated already
        context[told] = _(context[told]) if context.get(told) else None
    return render(state.templates, f"admin/{name}", {**dict.fromkeys(_NAMES), **everywhere, **context})
