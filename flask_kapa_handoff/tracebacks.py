"""Errors of a site's own code, as a log may show them."""

from __future__ import annotations

import traceback


def without_message(error: BaseException) -> str:
    """The type of an error and where it was raised, innermost call first.

    Its message is left out: an error of a hook may repeat what a visitor wrote.
    """
    calls = [
        f"{call.name} ({call.filename}, line {call.lineno})" for call in traceback.extract_tb(error.__traceback__)
    ]
    return f"{type(error).__name__} in {', called by '.join(reversed(calls))}"
