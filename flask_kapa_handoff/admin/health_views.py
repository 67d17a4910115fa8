"""The delivery's health, for a monitor that the site's decorator admits."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from ..errors import SchemaError, Unavailable
from ..health import health as look
from ..state import current_state
from ..web.responses import json_response, with_status
from .responses import DATABASE_TROUBLE


def health() -> ResponseReturnValue:
    """Return JSON, whatever the client accepts; 503 if the database cannot be used."""
    try:
        return json_response(look(current_state().app).as_json())
    except Unavailable as problem:
        told = str(problem) if isinstance(problem, SchemaError) else DATABASE_TROUBLE
        return with_status(json_response({"error": {"code": problem.error_code, "message": told}}), problem)
