"""Counts refusals: in memory at once, in the database and the log at most once a minute."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, insert, select, update

from .errors import Unavailable
from .hook_checks import HOOKS
from .storage.engine import Database, now
from .storage.reading import plain
from .storage.tables import refusal
from .text import clean_text

if TYPE_CHECKING:
    from flask import Flask

WRITE_SECONDS = 60.0
"""Seconds between two writes of a process."""

FIRST_SECONDS = 1.0
"""Seconds before the first count after a quiet minute is written: somebody may be looking for the reason already."""

MAX_DETAILS = 20
"""The most details of one reason in an hour; others count as :data:`OTHER`, since an attacker can invent thousands."""

OTHER = "other"
MAX_DETAIL = 300
KEPT = timedelta(days=7)
DAY = timedelta(hours=24)

MAX_AGE = 10.0
"""Seconds for which the admin's pages keep showing the same numbers."""

NOT_COUNTED = frozenset({"invalid", "offer_expired", "foreign_origin", "foreign_save"})
"""Error codes that are not counted with the response: visitors mistype, an expired form is shown again with a fresh
offer, and a foreign origin is counted where it is found, with the two names that differ."""

UNKNOWN_DESK = "unknown_desk"
"""Counted with the refusals, although nobody is refused: a page names a desk that does not exist, or is internal."""

_logger = logging.getLogger(__name__)

Counts = Counter[tuple[str, str]]


class _Memory:
    """What one process has counted but not written yet."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.counts: Counts = Counter()
        self.timer: threading.Timer | None = None
        self.is_over = False

    def add(self, counts: Counts) -> None:
        """Count a refusal; once there are too many details, count further ones together."""
        for (reason, detail), number in counts.items():
            known = [other for other, _ in self.counts if other == reason]
            is_new = (reason, detail) not in self.counts
            self.counts[reason, OTHER if is_new and len(known) >= MAX_DETAILS else detail] += number


class Refusals:
    """One app's counters. Thread-safe and fork-safe."""

    def __init__(self, app: Flask, database: Database) -> None:
        self._app = app
        self._database = database
        self._memory = _Memory()
        self._written_at = float("-inf")
        self._recent: tuple[float, Counts] = (0.0, Counter())

    def count(self, reason: str, detail: str = "") -> None:
        """Count one refusal. Fast; never raises.

        Arguments:
            reason: an error code of the visitor's routes, such as ``rate_limited``.
            detail: the exact cause, such as the quota or an origin; never a person's address or anything that somebody
                typed.
        """
        memory = self._memory
        if memory.process != os.getpid():
            memory = self._memory = _Memory()  # after a fork: the parent writes what was counted before
        with memory.lock:
            memory.add(Counter({(reason, " ".join(clean_text(detail).split())[:MAX_DETAIL]): 1}))
            self._write_soon(memory)

    def _write_soon(self, memory: _Memory) -> None:
        if memory.timer is not None or self._app.testing:
            return  # a site's tests get no threads that they did not ask for
        # A thread, so that no visitor waits for the write, and the write does not wait for the next refusal.
        wait = max(FIRST_SECONDS, self._written_at + WRITE_SECONDS - time.monotonic())
        timer = threading.Timer(wait, self.write)
        timer.name, timer.daemon = "kapa-refusals", True
        try:
            timer.start()
        except RuntimeError:  # no thread could be started: the next refusal tries again
            return
        memory.timer = timer
        atexit.register(self.write)

    def write(self) -> None:
        """Write what was counted since the last time to the log and the database. Never raises.

        A process does this automatically when it ends. What the database does not accept is kept for the next time.
        """
        memory = self._memory
        if memory.process != os.getpid():
            return
        # The check-up writes before it reads: it must not miss what another thread is writing just now.
        with memory.writing:
            if not memory.is_over:
                self._write(memory)

    def _write(self, memory: _Memory) -> None:
        with memory.lock:
            counts, memory.counts = memory.counts, Counter()
            if memory.timer is not None:
                memory.timer.cancel()
                memory.timer = None
        atexit.unregister(self.write)
        if not counts:
            return
        self._written_at = time.monotonic()
        try:
            # One writer at a time: it reads the number of details, then adds rows.
            with self._database.write(survives_power_cut=False) as connection:
                _store(connection, counts)
            _log(counts)
        except Exception as error:
            if not isinstance(error, Unavailable):  # the database has logged that
                _logger.error("Counted refusals could not be stored (%s).", type(error).__name__)
            with memory.lock:
                memory.add(counts)
                self._write_soon(memory)

    def stop(self) -> None:
        """Stop writing: the database is about to be removed."""
        memory = self._memory
        with memory.lock:
            if memory.timer is not None:
                memory.timer.cancel()
        atexit.unregister(self.write)
        with memory.writing:  # a write that has begun ends first, and none begins any more
            memory.is_over = True

    def recent(self) -> Counts:
        """The refusals of the last 24 hours, up to a few seconds old; empty while the database cannot be reached."""
        due, found = self._recent
        if time.monotonic() < due:
            return found
        try:
            found = recent_refusals(self._database)
        except Unavailable:
            found = Counter()
        self._recent = (time.monotonic() + MAX_AGE, found)
        return found


def recent_refusals(database: Database) -> Counts:
    """How often visitors were refused in the last 24 hours, for each reason and detail.

    Refusals are counted by the hour, so up to an hour more is included.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with database.read() as connection:
        return counted_since(connection, now(connection) - DAY)


def counted_since(connection: Connection, moment: datetime) -> Counts:
    """The same counts, from the beginning of the hour that contains this moment."""
    columns = refusal.c
    query = select(columns.reason, columns.detail, func.sum(columns.count)).where(columns.hour >= _hour(moment))
    rows = connection.execute(query.group_by(columns.reason, columns.detail))
    return Counter({(str(plain(reason)), str(plain(detail))): int(number) for reason, detail, number in rows})


def by_reason(counts: Mapping[tuple[str, str], int]) -> Counter[str]:
    """The total for each reason."""
    sums: Counter[str] = Counter()
    for (reason, _), number in counts.items():
        sums[reason] += number
    return sums


def details(counts: Counts, reason: str) -> str:
    """The details of a reason, most frequent first."""
    found = Counter({detail: number for (other, detail), number in counts.items() if other == reason and detail})
    return ", ".join(f"{number} x {detail}" for detail, number in found.most_common())


def _log(counts: Counts) -> None:
    hooks = {hook.reason: hook.name for hook in HOOKS}
    for reason, number in sorted(by_reason(counts).items()):
        what = details(counts, reason)
        more = f" ({what})" if what else ""
        how, name = ("Failed", hooks[reason]) if reason in hooks else ("Refused", reason.replace("_", " "))
        how = "Named by pages" if reason == UNKNOWN_DESK else how
        _logger.warning("%s since the last count: %s x %s%s.", how, number, name, more)


def _store(connection: Connection, counts: Counts) -> None:
    moment, columns = now(connection), refusal.c
    hour = _hour(moment)
    connection.execute(delete(refusal).where(columns.hour < moment - KEPT))
    stored = _Memory()
    stored.counts.update(dict.fromkeys(counted_since(connection, moment), 0))
    stored.add(counts)
    for (reason, detail), number in stored.counts.items():
        if number:
            _add(connection, {"hour": hour, "reason": reason, "detail": detail}, number, moment)


def _add(connection: Connection, key: Mapping[str, Any], number: int, moment: datetime) -> None:
    row = update(refusal).filter_by(**key).values(count=refusal.c.count + number, last_at=moment)
    if not connection.execute(row).rowcount:
        connection.execute(insert(refusal).values(**key, count=number, last_at=moment))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
