"""The nonce of a site's Content-Security-Policy."""

from __future__ import annotations

import logging
from typing import Any

from flask import has_request_context

from ..state import State
from ..tracebacks import place_of

_logger = logging.getLogger(__name__)


def response_nonce(state: State) -> str | None:
    """The nonce that this response's policy allows: KAPA_HANDOFF_CSP_NONCE, else Flask-Talisman's; None: no nonce."""
    # Talisman's is a template global, which gives an empty text where the policy has none:
    source: Any = state.config.csp_nonce or state.app.jinja_env.globals.get("csp_nonce")
    if source is None or not has_request_context():
        return None
    try:
        nonce = source() if callable(source) else source
    except Exception as error:
        # Without a nonce the browser blocks a script, and the page works without it.
        _logger.error("The nonce of the Content-Security-Policy could not be read: %s", place_of(error))
        return None
    return str(nonce) if nonce else None
