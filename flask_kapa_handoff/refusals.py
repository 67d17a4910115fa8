"""Refusals, counted: in memory at once, and in the database and the log at most once a minute."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from .conversation import clean_text
from .errors import Unavailable
from .hook_checks import HOOKS
from .storage.engine import Database, now
from .storage.tables import refusal

if TYPE_CHECKING:
    from flask import Flask

WRITE_SECONDS = 60.0
"""How long there is between two times at which a process writes."""

FIRST_SECONDS = 1.0
"""How long the first count after a quiet minute waits: whoever has just been refused looks for the reason."""

MAX_DETAILS = 20
"""How many details of one reason an hour has; others count as :data:`OTHER`. An attacker may invent thousands."""

OTHER = "other"
MAX_DETAIL = 300
KEPT = timedelta(days=7)
DAY = timedelta(hours=24)

MAX_AGE = 10.0
"""Seconds for which the admin's pages show the same numbers."""

NOT_COUNTED = frozenset({"invalid", "offer_expired", "foreign_origin", "foreign_save"})
"""Error codes that are not counted with the response: visitors mistype, an expired form comes back with a fresh offer,
and a foreign origin is counted where it is found, with the two names that differ."""

_logger = logging.getLogger(__name__)

Counts = Counter[tuple[str, str]]


class _Memory:
    """What one process has counted and not written yet."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.counts: Counts = Counter()
        self.timer: threading.Timer | None = None

    def add(self, counts: Counts) -> None:
        """Count, and lump further details together once there are too many."""
        for (reason, detail), number in counts.items():
            known = [other for other, _ in self.counts if other == reason]
            is_new = (reason, detail) not in self.counts
            self.counts[reason, OTHER if is_new and len(known) >= MAX_DETAILS else detail] += number


class Refusals:
    """One app's counters. Safe for several threads, and for a process that forks."""

    def __init__(self, app: Flask, database: Database) -> None:
        self._app = app
        self._database = database
        self._memory = _Memory()
        self._written_at = float("-inf")
        self._recent: tuple[float, Counts] = (0.0, Counter())

    def count(self, reason: str, detail: str = "") -> None:
        """Count one refusal. Cheap, and raises nothing.

        Arguments:
            reason: an error code of the visitor's routes, such as ``rate_limited``.
            detail: what exactly: the quota, an origin; never a person's address, and nothing that somebody typed.
        """
        memory = self._memory
        if memory.process != os.getpid():
            memory = self._memory = _Memory()  # after a fork: what was counted before is the parent's to write
        with memory.lock:
            memory.add(Counter({(reason, " ".join(clean_text(detail).split())[:MAX_DETAIL]): 1}))
            self._write_soon(memory)

    def _write_soon(self, memory: _Memory) -> None:
        if memory.timer is not None or self._app.testing:
            return  # a site's tests have no threads that they did not ask for
        # A thread, so that no visitor waits for it, and no count for the next refusal.
        wait = max(FIRST_SECONDS, self._written_at + WRITE_SECONDS - time.monotonic())
        timer = threading.Timer(wait, self.write)
        timer.name, timer.daemon = "kapa-refusals", True
        try:
            timer.start()
        except RuntimeError:  # no thread to be had: the next refusal tries again
            return
        memory.timer = timer
        atexit.register(self.write)

    def write(self) -> None:
        """Write into the log and the database what was counted since the last time. Raises nothing.

        A process that ends does this by itself. What the database does not take is kept for the next time.
        """
        memory = self._memory
        if memory.process != os.getpid():
            return
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
            # One writer at a time: the number of details is looked at, and then rows are added.
            with self._database.write(survives_power_cut=False) as connection:
                _store(connection, counts)
            _log(counts)
        except Exception as error:
            if not isinstance(error, Unavailable):  # the database has said that in the log
                _logger.error("Counted refusals could not be stored (%s).", type(error).__name__)
            with memory.lock:
                memory.add(counts)
                self._write_soon(memory)

    def stop(self) -> None:
        """Write no more: the database is about to go away."""
        with self._memory.lock:
            if self._memory.timer is not None:
                self._memory.timer.cancel()
        atexit.unregister(self.write)

    def recent(self) -> Counts:
        """The refusals of the last 24 hours, as they were seconds ago; none while the database is out of reach."""
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
    """How often visitors were refused in the last 24 hours: a number for each reason and detail.

    They are counted by the hour, so up to an hour more is in it.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with database.read() as connection:
        return counted_since(connection, now(connection) - DAY)


def counted_since(connection: Connection, moment: datetime) -> Counts:
    """The same since the beginning of the hour that a moment is in."""
    columns = refusal.c
    query = select(columns.reason, columns.detail, func.sum(columns.count)).where(columns.hour >= _hour(moment))
    rows = connection.execute(query.group_by(columns.reason, columns.detail))
    return Counter({(reason, detail): int(number) for reason, detail, number in rows})


def by_reason(counts: Mapping[tuple[str, str], int]) -> Counter[str]:
    """The sum for each reason."""
    sums: Counter[str] = Counter()
    for (reason, _), number in counts.items():
        sums[reason] += number
    return sums


def details(counts: Counts, reason: str) -> str:
    """The details of a reason, the most frequent ones first."""
    found = Counter({detail: number for (other, detail), number in counts.items() if other == reason and detail})
    return ", ".join(f"{number} x {detail}" for detail, number in found.most_common())


def _log(counts: Counts) -> None:
    hooks = {hook.reason: hook.name for hook in HOOKS}
    for reason, number in sorted(by_reason(counts).items()):
        what = details(counts, reason)
        more = f" ({what})" if what else ""
        how, name = ("Failed", hooks[reason]) if reason in hooks else ("Refused", reason.replace("_", " "))
        _logger.warning("%s since the last count: %s x %s%s.", how, number, name, more)


def _store(connection: Connection, counts: Counts) -> None:
    moment, columns = now(connection), refusal.c
    hour = _hour(moment)
    connection.execute(delete(refusal).where(columns.hour < moment - KEPT))
    stored = _Memory()
    stored.counts.update(dict.fromkeys(counted_since(connection, moment), 0))
    stored.add(counts)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    for (reason, detail), number in stored.counts.items():
        if number:
            values = {"reason": reason, "detail": detail, "hour": hour, "count": number, "last_at": moment}
            row = dialect.insert(refusal).values(values)
            more = {"count": columns.count + row.excluded.count, "last_at": row.excluded.last_at}
            unique = (columns.hour, columns.reason, columns.detail)
            connection.execute(row.on_conflict_do_update(index_elements=unique, set_=more))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
