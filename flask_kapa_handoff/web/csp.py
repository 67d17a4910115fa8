"""Finds the nonce of a site's Content-Security-Policy."""

from __future__ import annotations

from typing import Any

from flask import has_request_context

from ..hook_checks import CSP_NONCE, misfit
from ..state import State


def response_nonce(state: State) -> str | None:
    """The nonce that this response's policy allows: KAPA_HANDOFF_CSP_NONCE, else Flask-Talisman's; None: no nonce.

    Without a nonce, the browser blocks the script and the page still works, so a source that fails is only reported.
    """
    source: Any = state.config.csp_nonce or _talisman_nonce(state)
    if source is None or not has_request_context():
        return None
    try:
        nonce: object = source()
    except Exception as error:
        state.hook_failures.raised(CSP_NONCE, source, error)
        return None
    if nonce is not None and not isinstance(nonce, str):
        state.hook_failures.returned(CSP_NONCE, source, nonce)
        return None
    return str(nonce) if nonce else None


def _talisman_nonce(state: State) -> Any:
    # A template global, which returns an empty text if the policy has no nonce. Another extension's global of that
    # name may need the template's context; that one is not used.
    source = state.app.jinja_env.globals.get("csp_nonce")
    if isinstance(source, str):
        return lambda: source
    return source if misfit(source, CSP_NONCE.arguments) is None else None
