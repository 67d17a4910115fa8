"""The style sheet with a desk's colours."""

from __future__ import annotations

from flask import Response, request

from ..settings import DEFAULT_DESK
from ..state import current_state
from ..web.form_words import look
from .blueprint import blueprint


@blueprint.get("/look.css")
def look_css() -> Response:
    """The colours of a desk, for the form's own page: a policy may forbid styles in the page itself."""
    state = current_state()
    desk = state.settings_cache.get(state.database, state.config, request.args.get("desk") or DEFAULT_DESK)
    rules = "" if desk is None else f".kapa-handoff-page{{{look(desk.form)}}}"
    return Response(rules, mimetype="text/css")
