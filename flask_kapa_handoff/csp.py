"""The nonce of a site's Content-Security-Policy."""

from __future__ import annotations

import logging

from flask import current_app, has_request_context

from .errors import place_of
from .state import current_state

_logger = logging.getLogger(__name__)


def response_nonce() -> str | None:
    """The nonce that this response's policy allows: KAPA_HANDOFF_CSP_NONCE, else Flask-Talisman's; None: no nonce."""
    if not has_request_context():
        return None
    # https://github.com/wntrblm/flask-talisman: the template global gives an empty text where no nonce is made.
    source = current_state().config.csp_nonce or current_app.jinja_env.globals.get("csp_nonce")
    if not callable(source):
        return None
    try:
        nonce = source()
    except Exception as error:
        # Without a nonce the browser blocks a script, and the page works without it.
        _logger.error("The nonce of the Content-Security-Policy could not be read: %s", place_of(error))
        return None
    return str(nonce) if nonce else None
