"""Restricts what our engines log: statements, and nothing that a visitor wrote."""

from __future__ import annotations

import logging
from typing import Any

NAME = "kapa_handoff"

_logger = logging.getLogger(f"sqlalchemy.engine.Engine.{NAME}")


def _is_not_a_row(record: logging.LogRecord) -> bool:
    # SQLAlchemy logs each row of a result at this level, even with hide_parameters.
    return record.levelno > logging.DEBUG


def quiet() -> dict[str, Any]:
    """Engine arguments that keep the data of its statements out of logs and errors."""
    _logger.addFilter(_is_not_a_row)
    return {"hide_parameters": True, "logging_name": NAME}
