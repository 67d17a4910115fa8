"""The delivery's health, for a monitor that may pass the site's own guard."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from ..errors import SchemaError, Unavailable
from ..monitoring import health as look
from ..public.answers import answer_json, with_status
from ..state import current_state
from .answers import DATABASE_TROUBLE


def health() -> ResponseReturnValue:
    """JSON, whatever the client accepts; a database that cannot be used is a 503."""
    try:
        return answer_json(look(current_state().app).as_json())
    except Unavailable as problem:
        told = str(problem) if isinstance(problem, SchemaError) else DATABASE_TROUBLE
        return with_status(answer_json({"error": {"code": problem.error_code, "message": told}}), problem)
