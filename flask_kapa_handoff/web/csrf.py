"""Exempts our forms from the site's own protection against forged requests, since they have their own.

Visitors' forms work from cached pages and without a cookie: the signed offer and the origin check protect them. The
admin's forms have their own token.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from flask import Response, g, request

from ..state import current_state

if TYPE_CHECKING:
    from flask import Flask

ADMIN = "kapa_handoff_admin"
BLUEPRINTS = ("kapa_handoff", ADMIN)
REMEDY = f"if request.blueprint in {BLUEPRINTS}: return"
"""The line for a check that the site has written itself."""

_HAS_ARRIVED = "_kapa_handoff_reached"

_logger = logging.getLogger(__name__)


def exempt_our_forms(app: Flask) -> None:
    """Tell Flask-WTF's CSRFProtect and Flask-SeaSurf, where the site uses them."""
    protect = app.extensions.get("csrf")
    if protect is not None and hasattr(protect, "exempt"):
        for name in BLUEPRINTS:
            if name in app.blueprints:
                protect.exempt(app.blueprints[name])
    for check in app.before_request_funcs.get(None, ()):
        # Flask-SeaSurf leaves no trace on the app. It knows views by module and name.
        owner: Any = getattr(check, "__self__", None)
        if any(base.__module__ == "flask_seasurf" for base in type(owner).__mro__):
            for endpoint, view in app.view_functions.items():
                if endpoint.startswith(tuple(f"{name}." for name in BLUEPRINTS)) and not endpoint.endswith(".static"):
                    owner.exempt(view)


def note_arrival() -> None:
    """Note that a request has passed everything that the site runs before a view."""
    setattr(g, _HAS_ARRIVED, True)
    if request.method == "POST":
        current_state().refused_by_site = None


def explain_refusal(response: Response) -> Response:
    """If a check of the site's own has refused a visitor's form before we saw it, log that once.

    Not for the admin's forms: anyone can send a request that the site's guard refuses, and the logged remedy would
    open that guard.
    """
    if request.method == "POST" and response.status_code in (400, 403) and not g.get(_HAS_ARRIVED):
        # The rule, not the path, which a stranger can choose.
        state, refused = current_state(), f"POST {request.url_rule} ({response.status_code})"
        if refused not in state.explained:
            state.explained.add(refused)
            _logger.warning(
                "The site itself refused %s before it reached the handoff, perhaps in a CSRF check in before_request. "
                "The handoff's forms protect themselves. Put this line at the top of that check, but not of one that "
                "requires a sign-in: %s",
                refused,
                REMEDY,
            )
        state.refused_by_site = refused
    return response
