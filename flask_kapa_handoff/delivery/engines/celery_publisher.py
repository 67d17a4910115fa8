"""Tells a message broker of tickets, away from the request: the broker may be slow, or not there at all."""

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
"""How many tickets wait for the broker at most; those beyond are left to the sweep."""

FLUSH_SECONDS = 3.0
"""How long a process that ends waits for the broker."""

REST_SECONDS = 0.01
"""How long a lone ticket waits here: publishing holds the interpreter for a millisecond, and the visitor's response,
which is on its way just then, goes first."""

_logger = logging.getLogger(__name__)
_starting = threading.Lock()


class Line(Protocol):
    """A connection to a broker; used by one thread alone."""

    def publish(self, reference: str) -> None: ...

    def close(self) -> None: ...


class Publisher:
    """A thread that publishes, started when this process has something to publish for the first time.

    Arguments:
        open_line: makes the thread's connection, in the thread: one that was made before a fork is the parent's.
    """

    def __init__(self, open_line: Callable[[], Line]) -> None:
        self._open_line = open_line
        self._process: int | None = None
        self._thread: threading.Thread | None = None
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def tell(self, reference: str) -> None:
        """Let the broker know of a ticket, soon. Raises nothing: what gets lost on the way is found by the sweep."""
        try:
            self._start()
        except RuntimeError as error:
            _lost(reference, type(error).__name__)
            return
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(reference)
        else:
            _lost(reference, f"{MOST_WAITING} wait already")

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
                _lost(reference, type(error).__name__)
        line.close()


def _lost(reference: str, cause: str) -> None:
    # Of an error no more than its name: the text may hold the broker's address, and its password with it.
    _logger.warning("The broker could not be told about ticket %s (%s); the sweep will deliver it.", reference, cause)
