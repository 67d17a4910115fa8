"""Threads that deliver, in a web process or in a worker."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from ...errors import Unavailable
from ...lazy_text import lazy_gettext as _
from ...tracebacks import without_message
from ..mailroom import Mailroom
from . import uwsgi
from .engine import STOP_SECONDS, DeliveryEngine, Obstacle

if TYPE_CHECKING:
    from ..courier import Courier

POLL_SECONDS = 30.0
"""The most seconds that an idle thread in a web process sleeps, since another process may have left a ticket."""

WORKER_POLL_SECONDS = 2.0
"""The same for a worker, which is not told about tickets."""

SHARE = 0.5
"""The largest share of a processor that a thread in a web process uses, since composing a mail holds the interpreter
and visitors wait. It sleeps the rest of the time."""

CHECKPOINT_SECONDS = 2.0
"""Seconds between two clean-ups of the database's log while mails are sent without a pause."""

_logger = logging.getLogger(__name__)
_starting = threading.Lock()


class _WakeUp:
    """The condition that the threads of one start wait for: a new ticket, or the end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.count = 0
        self.stopping = False

    def notify(self, *, stop: bool = False) -> None:
        """Wake one thread for a ticket, or all of them to stop."""
        with self._changed:
            self.count += 1
            self.stopping = self.stopping or stop
            self._changed.notify_all() if stop else self._changed.notify()

    def wait(self, seen: int, seconds: float) -> None:
        """Wait until there is a ticket after the ``seen`` ones, or the end; at most ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self.stopping or self.count != seen, seconds)

    def wait_for_stop(self, seconds: float) -> None:
        """Wait until the end, regardless of tickets; at most ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self.stopping, seconds)


class DeliveryThreads:
    """The couriers of one process, each in a thread of its own."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom
        self._process: int | None = None
        self._wake_up = _WakeUp()
        self._threads: list[threading.Thread] = []

    @property
    def running(self) -> bool:
        """Whether this process has started its threads."""
        return self._process == os.getpid()

    def start(self, *, beside_visitors: bool = True) -> None:
        """Start the threads unless this process already has them. Never raises, since pages must not fail.

        Arguments:
            beside_visitors: whether the process also serves requests, so that a thread pauses after each mail.
        """
        if self.running:
            return
        with _starting:
            if self.running:
                return
            # New for each start: a thread that is still running after stop() must not react to the next start's
            # wake-ups.
            self._wake_up, self._threads = _WakeUp(), []
            self._process = os.getpid()
            try:
                for number in range(1, self._mailroom.config.smtp_connections + 1):
                    thread = threading.Thread(
                        target=self._run,
                        args=(self._wake_up, beside_visitors),
                        name=f"kapa-handoff-{number}",
                        daemon=True,
                    )
                    thread.start()
                    self._threads.append(thread)
            except RuntimeError as error:
                _logger.error("Only %s of the delivery threads could be started: %s", len(self._threads), error)
            atexit.register(self.stop, self._mailroom.config.smtp_timeout)

    def wake(self) -> None:
        """Wake a thread for a new ticket."""
        self._wake_up.notify()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Let each courier finish its current mail, then end; happens automatically when the process ends.

        Arguments:
            timeout: seconds to wait for all of them.
        """
        if not self.running:
            return
        self._wake_up.notify(stop=True)
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._process = None
        self._mailroom.database.close()
        atexit.unregister(self.stop)

    def _run(self, wake_up: _WakeUp, beside_visitors: bool) -> None:
        # Here, since they import smtplib and more, which only a delivering process needs.
        from ..courier import Courier

        most = POLL_SECONDS if beside_visitors else WORKER_POLL_SECONDS
        courier: Courier | None = None
        tidy_at = float("inf")
        while not wake_up.stopping:
            seen, pause = wake_up.count, most
            try:
                courier = courier or Courier(self._mailroom)
                more_to_tidy = self._mailroom.housekeeping.do_some()
                began = time.thread_time()
                if courier.deliver_next():
                    wake_up.notify()  # there may be more: wake a second courier
                    tidy_at = min(tidy_at, time.monotonic() + CHECKPOINT_SECONDS)
                    if time.monotonic() >= tidy_at:
                        tidy_at = float("inf")
                        self._mailroom.database.checkpoint()
                    if beside_visitors:
                        wake_up.wait_for_stop((time.thread_time() - began) * (1 / SHARE - 1))
                    continue
                courier.close()
                if tidy_at != float("inf"):
                    tidy_at = float("inf")
                    self._mailroom.database.checkpoint()
                due = courier.seconds_until_due()
                pause = 0.0 if more_to_tidy else most if due is None else min(due, most)
            except Unavailable:
                pause = 10.0  # the database has logged why
            except BaseException as error:  # nothing would replace a thread that ends here
                _logger.error("Delivery continues after an unexpected error. %s", without_message(error))
                pause = 5.0
            # Not 0: a ticket that another process has just taken counts as due, too.
            wake_up.wait(seen, max(pause, 0.05))
        if courier is not None:
            courier.close()


class ThreadEngine(DeliveryEngine):
    """Threads of the web processes deliver.

    They start at a process's first request: a thread that was started before a fork does not exist in the child, and
    neither a CLI command nor the reloader's parent ever serves a request.
    """

    who_sends = "Threads of this process send tickets."
    when_overdue = _(
        "Check the log of the web processes, which deliver in threads. Are any running? With uWSGI, is "
        "`enable-threads = true` set?"
    )

    def __init__(self, mailroom: Mailroom) -> None:
        super().__init__(mailroom)
        self._threads = DeliveryThreads(mailroom)

    @property
    def running(self) -> bool:
        return self._threads.running

    @property
    def _is_on(self) -> bool:
        # Not while the site is tested, unless the configuration names them: they would run beside a test, with any
        # database and mail server that it has just set up. ``app.testing`` is often set last, so this is checked at
        # each request.
        return self._mailroom.config.delivery_by_name or not self._mailroom.app.testing

    def serving(self) -> None:
        if self._is_on:
            self._threads.start()

    def ticket_stored(self, reference: str) -> None:
        self.tickets_due()

    def tickets_due(self) -> None:
        if self._is_on:
            self.serving()
            self._threads.wake()

    def attempts_soon(self) -> bool:
        return self._is_on and self.obstacle() is None

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._threads.stop(timeout)

    def obstacle(self) -> Obstacle | None:
        return uwsgi.NO_THREADS if uwsgi.runs_no_threads() else None
