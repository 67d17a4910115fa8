"""Waits for what a test expects."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

# Generous, since it is a limit: a busy machine must not make a test fail.
LIMIT = 30.0
INTERVAL = 0.02

Answer = TypeVar("Answer")


class NotYet(Exception):
    """There is no answer yet, such as while a page loads."""


def wait_for(ask: Callable[[], Answer], what: Callable[[], str]) -> Answer:
    """Ask for half a minute, until the answer is true, and return it; else AssertionError with what was expected."""
    end = time.monotonic() + LIMIT
    while True:
        problem = None
        try:
            answer = ask()
        except NotYet as error:
            problem = error
        else:
            if answer:
                return answer
        if time.monotonic() > end:
            raise AssertionError(what()) from problem
        time.sleep(INTERVAL)  # a driver tells nobody that a page has changed
