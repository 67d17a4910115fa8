"""The threads that deliver: inside a web process, or as a worker of their own."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from ...errors import Unavailable
from ...tracebacks import without_message
from . import uwsgi

if TYPE_CHECKING:
    from flask import Flask

    from ...state import State
    from ..courier import Courier

POLL_SECONDS = 30.0
"""How long an idle thread of a web process sleeps at most: another process may have left a ticket behind."""

WORKER_POLL_SECONDS = 2.0
"""The same for a worker, which is told of no ticket."""

SHARE = 0.5
"""The share of a processor that a thread of a web process takes at most: composing a mail holds the interpreter, and
visitors wait. The rest of the time it rests."""

CHECKPOINT_SECONDS = 2.0
"""How often the database's log is tidied up while mails go out without a gap."""

_logger = logging.getLogger(__name__)
_starting = threading.Lock()


class _News:
    """What the threads of one start wait for: a ticket, or the end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.count = 0
        self.stopping = False

    def tell(self, *, stop: bool = False) -> None:
        with self._changed:
            self.count += 1
            self.stopping = self.stopping or stop
            self._changed.notify_all() if stop else self._changed.notify()

    def wait(self, seen: int, seconds: float) -> None:
        """Until there is more news than what was seen, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self.stopping or self.count != seen, seconds)

    def rest(self, seconds: float) -> None:
        """Whatever the news, until the end."""
        with self._changed:
            self._changed.wait_for(lambda: self.stopping, seconds)


class DeliveryThreads:
    """The couriers of one process.

    In a web process they start at its first request: a thread that was started before a fork dies with it, and
    neither a CLI command nor the reloader's parent ever answers a request.
    """

    def __init__(self, app: Flask, state: State) -> None:
        self._app = app
        self._state = state
        self._process: int | None = None
        self._news = _News()
        self._threads: list[threading.Thread] = []

    @property
    def running(self) -> bool:
        """Whether this process has started its threads."""
        return self._process == os.getpid()

    def start(self, *, beside_visitors: bool = True) -> None:
        """Start the threads unless this process has them already. Raises nothing: a page must not fail with it.

        Arguments:
            beside_visitors: whether the process answers requests, too, and a thread pauses after each mail.
        """
        if self.running:
            return
        with _starting:
            if self.running:
                return
            # New for each start: a thread that outlived its stop() must not take the next one's news for its own.
            self._news, self._threads = _News(), []
            self._process = os.getpid()
            try:
                for number in range(1, self._state.config.smtp_connections + 1):
                    thread = threading.Thread(
                        target=self._run,
                        args=(self._news, beside_visitors),
                        name=f"kapa-handoff-{number}",
                        daemon=True,
                    )
                    thread.start()
                    self._threads.append(thread)
            except RuntimeError as error:
                _logger.error("Only %s of the delivery threads could be started: %s", len(self._threads), error)
            if beside_visitors and uwsgi.runs_no_threads():
                _logger.error("%s %s", uwsgi.NO_THREADS, uwsgi.REMEDY)
            atexit.register(self.stop, self._state.config.smtp_timeout)

    def wake(self) -> None:
        """Say that there is a new ticket."""
        self._news.tell()

    def stop(self, timeout: float = 5.0) -> None:
        """Let each courier finish the mail in hand, then end; a process that ends does this by itself.

        Arguments:
            timeout: seconds to wait for all of them.
        """
        if not self.running:
            return
        self._news.tell(stop=True)
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._process = None
        self._state.database.close()
        atexit.unregister(self.stop)

    def _run(self, news: _News, beside_visitors: bool) -> None:
        # Here, since they bring smtplib and more, which only a process that delivers needs.
        from .. import outbox
        from ..courier import Courier

        most = POLL_SECONDS if beside_visitors else WORKER_POLL_SECONDS
        courier: Courier | None = None
        tidy_at = float("inf")
        while not news.stopping:
            seen, pause = news.count, most
            try:
                courier = courier or Courier(self._app, self._state)
                more_to_tidy = self._state.housekeeping.do_some()
                began = time.thread_time()
                if courier.deliver_next():
                    news.tell()  # where there was one there may be more: a second courier has a look
                    tidy_at = min(tidy_at, time.monotonic() + CHECKPOINT_SECONDS)
                    if time.monotonic() >= tidy_at:
                        tidy_at = float("inf")
                        self._state.database.checkpoint()
                    if beside_visitors:
                        news.rest((time.thread_time() - began) * (1 / SHARE - 1))
                    news.rest(courier.pause)
                    continue
                courier.close()
                if tidy_at != float("inf"):
                    tidy_at = float("inf")
                    self._state.database.checkpoint()
                due = outbox.seconds_until_due(self._state.database)
                pause = 0.0 if more_to_tidy else most if due is None else min(due, most)
            except Unavailable:
                pause = 10.0  # the database has said why in the log
            except BaseException as error:  # a thread that ends here would never be missed
                _logger.error("Delivery goes on after an unexpected error. %s", without_message(error))
                pause = 5.0
            # Not less than a moment: a ticket that another process has just taken is due, too.
            news.wait(seen, max(pause, 0.05))
        if courier is not None:
            courier.close()
