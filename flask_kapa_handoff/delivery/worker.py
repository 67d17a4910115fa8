"""The threads that deliver inside a web process."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING

from ..errors import Unavailable

if TYPE_CHECKING:
    from flask import Flask

    from ..state import State
    from .courier import Courier

POLL_SECONDS = 30.0
"""How long an idle thread sleeps at most: another process may have stored or left behind a ticket."""

PAUSE_SECONDS = 0.05
"""How long a thread of a web process rests after each mail: composing one holds the interpreter, and visitors wait."""

_logger = logging.getLogger(__name__)
_starting = threading.Lock()


class DeliveryThreads:
    """The couriers of one web process.

    They start at the process's first request: a thread that was started before a fork dies with it, and neither a
    CLI command nor the reloader's parent ever answers a request.
    """

    def __init__(self, app: Flask, state: State) -> None:
        self._app = app
        self._state = state
        self._process: int | None = None
        self._reset()

    def _reset(self) -> None:
        self._news = threading.Condition()
        self._counted_news = 0
        self._stopping = False
        self._beside_visitors = True
        self._threads: list[threading.Thread] = []

    def start(self, *, beside_visitors: bool = True) -> None:
        """Start the threads unless this process has them already.

        Arguments:
            beside_visitors: whether the process answers requests, too, and a thread pauses after each mail.
        """
        if self.running:
            return
        with _starting:
            if self.running:
                return
            self._reset()
            self._beside_visitors = beside_visitors
            for number in range(1, self._state.config.smtp_connections + 1):
                thread = threading.Thread(target=self._run, name=f"kapa-handoff-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._process = os.getpid()
            atexit.register(self.stop, self._state.config.smtp_timeout)

    @property
    def running(self) -> bool:
        """Whether this process has its threads."""
        return self._process == os.getpid()

    def wake(self) -> None:
        """Say that there is a new ticket."""
        with self._news:
            self._counted_news += 1
            self._news.notify()

    def stop(self, timeout: float = 5.0) -> None:
        """Let each courier finish the mail in hand, then end; a process that ends does this by itself.

        Arguments:
            timeout: seconds to wait for each.
        """
        if not self.running:
            return
        with self._news:
            self._stopping = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join(timeout)
        self._process = None
        atexit.unregister(self.stop)

    def _run(self) -> None:
        courier: Courier | None = None
        while not self._stopping:
            seen = self._counted_news
            pause = POLL_SECONDS
            try:
                # Here, since they bring smtplib and more, which only a process that delivers needs.
                from . import outbox
                from .courier import Courier

                courier = courier or Courier(self._app, self._state)
                if courier.deliver_next():
                    self.wake()  # where there was one there may be more: a second courier has a look
                    if self._beside_visitors:
                        self._wait_while_running(PAUSE_SECONDS)
                    continue
                courier.close()
                due = outbox.seconds_until_due(self._state.database)
                pause = POLL_SECONDS if due is None else min(due, POLL_SECONDS)
            except Unavailable:
                pause = 10.0  # the database has said why in the log
            except Exception:
                _logger.exception("Delivery goes on after an unexpected error.")
                pause = 5.0
            # Not less than a moment: a ticket that another process has just taken is due, too.
            self._wait_for_news(seen, max(pause, 0.05))
        if courier is not None:
            courier.close()

    def _wait_for_news(self, seen: int, seconds: float) -> None:
        with self._news:
            self._news.wait_for(lambda: self._stopping or self._counted_news != seen, seconds)

    def _wait_while_running(self, seconds: float) -> None:
        with self._news:
            self._news.wait_for(lambda: self._stopping, seconds)
