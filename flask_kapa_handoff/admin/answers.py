"""How the admin's answers are made: a page or a fragment, and the headers that all of them carry."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template
from htmx_flask import make_response

from ..config import Config, key_of
from ..errors import RequestProblem, SchemaError, Unavailable
from ..markup import static_url
from ..public.requests import wants_fragment
from ..state import current_state
from . import words

OWN_LAYOUT = Config.admin_template
DATABASE_TROUBLE = "The handoff's database cannot be used just now. The site's log says why."
FAILURE_REGION = "#kapa-handoff-admin-failure"


def answer_page(name: str, status: int = 200, **context: Any) -> Response:
    """A whole page, in the site's layout or in the package's own."""
    # A page that says that the database is out of reach does not ask it once more.
    refused = words.refused(current_state().refusals.recent()) if status < 500 else None
    body = render_template(
        f"kapa_handoff/admin/{name}.html", fragment=False, refused=refused, **_everywhere(), **context
    )
    return _marked(body, status)


def answer_fragment(name: str, status: int = 200, **context: Any) -> Response:
    """A part of the page that is open, for htmx."""
    body = render_template(f"kapa_handoff/admin/_{name}.html", fragment=True, **_everywhere(), **context)
    return _marked(body, status)


def answer_problem(problem: RequestProblem) -> Response:
    """A problem that leaves nothing to show: a page, or a line in the page that is open, which stays as it is."""
    remedy = str(problem) if isinstance(problem, SchemaError) else None
    told = DATABASE_TROUBLE if isinstance(problem, Unavailable) else problem.as_text()
    context = {"title": problem.title, "problem": told, "remedy": remedy}
    status = problem.code or 500
    if wants_fragment():
        body = render_template("kapa_handoff/admin/_problem.html", **context)
        response = _marked(body, status, retarget=FAILURE_REGION, reswap="innerHTML")
    else:
        response = answer_page("problem", status, **context)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def protect(response: Response) -> Response:
    """Nobody keeps the admin's pages, and no page frames them. A policy of the view's or the site's own stays."""
    policy = "frame-ancestors 'none'"
    if current_state().config.admin_template == OWN_LAYOUT:
        policy = f"default-src 'self'; {policy}; form-action 'self'; base-uri 'none'"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _marked(body: str, status: int, **htmx: Any) -> Response:
    response: Response = make_response(body, status, **htmx)
    # admin.js puts nothing else into the page: a lost session often ends in the site's page for signing in.
    response.headers["X-Kapa-Handoff"] = "admin"
    return response


def _everywhere() -> dict[str, Any]:
    config = current_state().config
    return {
        "admin_template": config.admin_template,
        "own_layout": config.admin_template == OWN_LAYOUT,
        "key_of": key_of,
        "site_name": current_state().site_name,
        "static_url": static_url,
        "words": words,
    }
