"""Answer records: a row for each answer, with what became of its offer.

Reports are gathered in memory, and a thread writes them a few seconds later, so that no visitor waits. A process that
crashes loses those seconds.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from .answer_rows import Report, Row, merge, path_of, row_of
from .errors import Unavailable
from .offers import Offer
from .storage.answers import count_without_ids, store_answers
from .storage.engine import Database
from .triggers import Facts, Trigger

if TYPE_CHECKING:
    from flask import Flask

WRITE_SECONDS = 5.0
"""Seconds from a report to the write; a process writes at most this often."""

MOST_WAITING = 10_000
"""The most reports that wait for the database, which may be away; more are not recorded."""

_logger = logging.getLogger(__name__)


class _Memory:
    """What was reported to one process and is not written yet."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.reports: deque[Report] = deque()
        self.timer: threading.Timer | None = None
        self.is_over = False


class Answers:
    """One app's answer records. Thread-safe and fork-safe.

    Arguments:
        days: KAPA_HANDOFF_STATISTICS_DAYS; 0: nothing is recorded.
        secret: returns the site's secret key.
        clean: masks what a page's path must not keep.
    """

    def __init__(
        self, app: Flask, database: Database, days: int, secret: Callable[[], bytes], clean: Callable[[str], str]
    ) -> None:
        self._app = app
        self._database = database
        self._days = days
        self._secret = secret
        self._memory = _Memory()
        self._has_told = False
        # Most visitors are on few pages.
        self._path = lru_cache(maxsize=1_000)(lambda page: path_of(page, clean))

    def asked(
        self,
        facts: Facts,
        made: Offer | None,
        *,
        desk: str,
        thread_id: str | None,
        answer_id: str | None,
        page: str | None,
        knows_request: bool,
    ) -> None:
        """Note an answer that a page asked about, and whether it was offered. Fast; never raises.

        Arguments:
            knows_request: whether it was looked at if the question asks for a human.
        """
        human = facts.asked_for_human if knows_request else None
        triggers = made.triggers if made is not None else ()
        self._note(Report(_now(), facts, human, desk, thread_id, answer_id, page, triggers, made is not None))

    def shown_elsewhere(
        self,
        facts: Facts,
        triggers: Iterable[Trigger],
        *,
        desk: str,
        ids: tuple[str | None, str | None],
        page: str | None,
    ) -> None:
        """Note an answer under which Kapa's own form was offered, or not, by these triggers. Never raises."""
        met = tuple(triggers)
        self._note(Report(_now(), facts, None, desk, *ids, page, met, bool(met)))

    def happened(self, offer: Offer, event: str) -> None:
        """Note what a visitor did with an offer: ``opened``, ``cancelled`` or ``sent`` the form. Never raises."""
        human = offer.facts.asked_for_human or None
        about = (offer.facts, human, offer.desk, offer.thread_id, offer.answer_id, offer.page, offer.triggers)
        self._note(Report(_now(), *about, True, event))

    def _note(self, report: Report) -> None:
        if not self._days or not report.facts.pairs:
            return  # without an answer, there is nothing to record
        memory = self._memory
        if memory.process != os.getpid():
            memory = self._memory = _Memory()  # after a fork: the parent writes what was reported before
        # Nothing more here: the visitor waits.
        if len(memory.reports) < MOST_WAITING:
            memory.reports.append(report)
        if memory.timer is None:
            self._write_soon(memory)

    def _write_soon(self, memory: _Memory) -> None:
        if self._app.testing:
            return  # a site's tests get no threads that they did not ask for
        with memory.lock:
            if memory.timer is not None:
                return
            timer = threading.Timer(WRITE_SECONDS, self.write)
            timer.name, timer.daemon = "kapa-answers", True
            try:
                timer.start()
            except RuntimeError:  # no thread could be started: the next report tries again
                return
            memory.timer = timer
            atexit.register(self.write)

    def write(self) -> None:
        """Write what was reported since the last time. Never raises; what the database does not accept waits.

        A process does this automatically when it ends.
        """
        memory = self._memory
        if memory.process != os.getpid():
            return
        with memory.writing:
            if memory.is_over:
                return
            with memory.lock:
                if memory.timer is not None:
                    memory.timer.cancel()
                    memory.timer = None
                atexit.unregister(self.write)
            reports = [memory.reports.popleft() for _ in range(len(memory.reports))]
            try:
                self._store(reports)
            except Unavailable:  # the database has logged why
                memory.reports.extendleft(reversed(reports))
                self._write_soon(memory)
            except Exception as error:
                _logger.error("%s reports of answers could not be stored (%s).", len(reports), type(error).__name__)

    def _store(self, reports: Iterable[Report]) -> None:
        rows: dict[str, Row] = {}
        without_ids: Counter[str] = Counter()
        secret = self._secret()
        for report in reports:
            # The bridge names a thread like a first question that has failed, until Kapa names it.
            is_unnamed = report.facts.stopped and report.thread_id == report.answer_id
            if report.thread_id and report.answer_id and not is_unnamed:
                row = row_of(report, report.thread_id, report.answer_id, secret, self._path)
                if row["key"] in rows:
                    merge(rows[row["key"]], row)
                else:
                    rows[row["key"]] = row
            elif report.event is None:  # what a visitor does with an offer is no further answer
                without_ids[report.desk] += 1
        if rows:
            left_out = len(rows) - store_answers(self._database, list(rows.values()))
            if left_out and not self._has_told:
                self._has_told = True
                _logger.warning("This hour has more answers than are recorded; the insights leave the rest out.")
        if without_ids:
            count_without_ids(self._database, without_ids)

    def stop(self) -> None:
        """Stop writing: the database is about to be removed."""
        memory = self._memory
        with memory.lock:
            if memory.timer is not None:
                memory.timer.cancel()
        atexit.unregister(self.write)
        with memory.writing:  # a write that has begun ends first, and none begins any more
            memory.is_over = True


def _now() -> datetime:
    return datetime.now(timezone.utc)
