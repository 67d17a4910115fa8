"""What our engines may log: statements, and nothing that a visitor wrote."""

from __future__ import annotations

import logging
from typing import Any

NAME = "kapa_handoff"

_logger = logging.getLogger(f"sqlalchemy.engine.Engine.{NAME}")


def _holds_no_rows(record: logging.LogRecord) -> bool:
    # SQLAlchemy logs each row of a result at this level, whatever hide_parameters says.
    return record.levelno > logging.DEBUG


def quiet() -> dict[str, Any]:
    """The arguments that keep an engine's logs and errors free of what its statements read and write."""
    _logger.addFilter(_holds_no_rows)
    return {"hide_parameters": True, "logging_name": NAME}
