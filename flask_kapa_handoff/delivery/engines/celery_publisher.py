"""Publishes tickets to a message broker outside the request, since the broker may be slow or down."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

MOST_WAITING = 1_000
"""The most tickets that wait for the broker; the sweep delivers the rest."""

FLUSH_SECONDS = 3.0
"""Seconds for which an ending process waits for the broker."""

REST_SECONDS = 0.01
"""Seconds for which a single ticket waits here: publishing holds the interpreter for a millisecond, and the visitor's
response, which is just being sent, goes first."""

_logger = logging.getLogger(__name__)
_starting = threading.Lock()


class Line(Protocol):
    """A connection to a broker, used by a single thread."""

    def publish(self, reference: str) -> None: ...

    def close(self) -> None: ...


class Publisher:
    """A thread that publishes, started when this process first has something to publish.

    Arguments:
        open_line: opens the thread's connection, in the thread, since one opened before a fork is the parent's.
    """

    def __init__(self, open_line: Callable[[], Line]) -> None:
        self._open_line = open_line
        self._process: int | None = None
        self._thread: threading.Thread | None = None
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def publish(self, reference: str) -> None:
        """Tell the broker about a ticket soon. Never raises: the sweep finds what gets lost."""
        try:
            self._start()
        except RuntimeError as error:
            _log_unpublished(reference, type(error).__name__)
            return
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(reference)
        else:
            _log_unpublished(reference, f"{MOST_WAITING} wait already")

    def stop(self, timeout: float = FLUSH_SECONDS) -> None:
        """Publish what waits, then end; a process that ends does this automatically.

        Arguments:
            timeout: seconds after which what still waits is left to the sweep.
        """
        if self._process != os.getpid() or self._thread is None:
            return
        self._waiting.put(None)
        self._thread.join(timeout)
        self._process = None
        atexit.unregister(self.stop)

    def _start(self) -> None:
        if self._process == os.getpid():
            return
        with _starting:
            if self._process == os.getpid():
                return
            # New for each process: what waited in the parent of a fork is published by the parent.
            waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
            thread = threading.Thread(target=self._run, args=(waiting,), name="kapa-handoff-publisher", daemon=True)
            thread.start()
            self._waiting, self._thread, self._process = waiting, thread, os.getpid()
            atexit.register(self.stop)

    def _run(self, waiting: queue.SimpleQueue[str | None]) -> None:
        line = self._open_line()
        while (reference := waiting.get()) is not None:
            if waiting.empty():
                time.sleep(REST_SECONDS)
            try:
                line.publish(reference)
            except Exception as error:
                _log_unpublished(reference, type(error).__name__)
        line.close()


def _log_unpublished(reference: str, cause: str) -> None:
    # Only the error's name: its text may contain the broker's address, including the password.
    _logger.warning("The broker could not be told about ticket %s (%s); the sweep will deliver it.", reference, cause)
