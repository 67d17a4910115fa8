"""Waits for a lock of this process, but not forever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import Unavailable
from . import BUSY_TIMEOUT


@contextmanager
def held(lock: threading.Lock, otherwise: str) -> Iterator[None]:
    """Hold the lock.

    Arguments:
        otherwise: why it may not be free, for the log.

    Raises:
        Unavailable: it was not free within BUSY_TIMEOUT seconds.
    """
    if not lock.acquire(timeout=BUSY_TIMEOUT):
        raise Unavailable from TimeoutError(f"{otherwise} for {BUSY_TIMEOUT} seconds")
    try:
        yield
    finally:
        lock.release()
