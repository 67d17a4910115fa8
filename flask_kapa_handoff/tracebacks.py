"""Describes errors of a site's own code for the log, without their messages."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from jinja2 import TemplateNotFound


def without_message(error: BaseException) -> str:
    """The type of an error and where it was raised, innermost call first.

    Its message is left out: an error of a hook may repeat what a visitor wrote.
    """
    calls = [
        f"{call.name} ({call.filename}, line {call.lineno})" for call in traceback.extract_tb(error.__traceback__)
    ]
    return f"{type(error).__name__} in {', called by '.join(reversed(calls))}"


def place_of(error: BaseException) -> str:
    """The type of an error and where it was raised, for the log; its message may contain a visitor's text."""
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name}"
    frames = traceback.extract_tb(error.__traceback__)
    # Jinja gives these names to the frames of templates. The frames below are Jinja's own and say nothing useful.
    templates = [frame for frame in frames if re.match(r"template$|top-level template code$|block '", frame.name)]
    for frame in (templates or frames)[-1:]:
        return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
    return type(error).__name__
