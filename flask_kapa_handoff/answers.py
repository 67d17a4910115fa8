"""Answer records: a row for each answer, with what became of its offer. No text, no address, no id of anybody.

They are gathered in memory, and a thread writes them a few seconds later, so that no visitor waits. A process that
crashes loses those seconds.
"""

from __future__ import annotations

import atexit
import hmac
import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .errors import Unavailable
from .offers import Offer
from .redaction import redact
from .storage.answers import EVENTS, count_without_ids, store_answers
from .storage.engine import Database
from .triggers import Facts, Trigger, as_stored
from .unknown import Unknown

if TYPE_CHECKING:
    from flask import Flask

WRITE_SECONDS = 5.0
"""Seconds from an answer to the write; a process writes at most this often."""

MOST_WAITING = 10_000
"""The most answers that wait for the database, which may be away; more are not recorded."""

MOST_PAIRS = 100
"""As many as a desk's threshold can ask for; more make no difference."""

MOST_OF_PAGE = 200

_ADDRESS = re.compile("[^/@%]+(?:@|%40)[^/]+", re.IGNORECASE)
"""A part of a path that has an email address."""

_logger = logging.getLogger(__name__)

Row = dict[str, Any]


class _Memory:
    """What one process has noted but not written yet."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.rows: dict[str, Row] = {}
        self.without_ids: Counter[str] = Counter()
        self.timer: threading.Timer | None = None


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
        triggers = made.triggers if made is not None else ()
        human = facts.asked_for_human if knows_request else None
        self._note(facts, human, desk, thread_id, answer_id, page, triggers, offered=made is not None)

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
        self._note(facts, None, desk, *ids, page, met, offered=bool(met))

    def happened(self, offer: Offer, event: str) -> None:
        """Note what a visitor did with an offer: ``opened``, ``cancelled`` or ``sent`` the form. Never raises."""
        human = offer.facts.asked_for_human or None
        ids = offer.thread_id, offer.answer_id
        self._note(offer.facts, human, offer.desk, *ids, offer.page, offer.triggers, offered=True, done=event)

    def _note(
        self,
        facts: Facts,
        human: bool | None,
        desk: str,
        thread_id: str | None,
        answer_id: str | None,
        page: str | None,
        triggers: Iterable[Trigger | Unknown],
        *,
        offered: bool,
        done: str | None = None,
    ) -> None:
        if not self._days or not facts.pairs:
            return  # without an answer, there is nothing to record
        try:
            row = None
            if thread_id and answer_id:
                row = {
                    "key": key_of_answer(thread_id, answer_id, self._secret()),
                    "answered_at": datetime.now(timezone.utc),
                    "desk": desk,
                    "page": self._path(page) if page else None,
                    "pairs": min(facts.pairs, MOST_PAIRS),
                    "uncertain": facts.uncertain,
                    "downvoted": facts.downvoted,
                    "stopped": facts.stopped,
                    "asked_for_human": human,
                    "triggers": as_stored(triggers),
                    "offered": offered,
                    "opened": done in ("opened", "sent"),  # Kapa's own form does not say that it was opened
                    "cancelled": done == "cancelled",
                    "sent": done == "sent",
                }
            self._keep(row, desk, is_report=done is None)
        except Exception as error:  # the visitor's request must not fail
            _logger.error("An answer could not be recorded (%s).", type(error).__name__)

    def _keep(self, row: Row | None, desk: str, *, is_report: bool) -> None:
        memory = self._memory
        if memory.process != os.getpid():
            memory = self._memory = _Memory()  # after a fork: the parent writes what was noted before
        with memory.lock:
            if row is None:
                # What a visitor does with an offer is no further answer.
                memory.without_ids[desk] += is_report
            elif (known := memory.rows.get(row["key"])) is not None:
                merge(known, row)
            elif len(memory.rows) < MOST_WAITING:
                memory.rows[row["key"]] = row
            self._write_soon(memory)

    def _write_soon(self, memory: _Memory) -> None:
        if memory.timer is not None or self._app.testing:
            return  # a site's tests get no threads that they did not ask for
        timer = threading.Timer(WRITE_SECONDS, self.write)
        timer.name, timer.daemon = "kapa-answers", True
        try:
            timer.start()
        except RuntimeError:  # no thread could be started: the next answer tries again
            return
        memory.timer = timer
        atexit.register(self.write)

    def write(self) -> None:
        """Write what was noted since the last time. Never raises; what the database does not accept waits.

        A process does this automatically when it ends.
        """
        memory = self._memory
        if memory.process != os.getpid():
            return
        with memory.writing:
            self._write(memory)

    def _write(self, memory: _Memory) -> None:
        with memory.lock:
            rows, memory.rows = memory.rows, {}
            counts, memory.without_ids = memory.without_ids, Counter()
            if memory.timer is not None:
                memory.timer.cancel()
                memory.timer = None
        atexit.unregister(self.write)
        try:
            if rows:
                self._tell_once(len(rows) - store_answers(self._database, list(rows.values())))
                rows = {}
            if counts:
                count_without_ids(self._database, counts)
        except Unavailable:
            self._keep_again(memory, rows, counts)  # the database has logged why
        except Exception as error:
            _logger.error("%s answer records could not be stored (%s).", len(rows), type(error).__name__)

    def _keep_again(self, memory: _Memory, rows: Mapping[str, Row], counts: Counter[str]) -> None:
        with memory.lock:
            for key, row in rows.items():
                merge(row, memory.rows.get(key, {}))
                if key in memory.rows or len(memory.rows) < MOST_WAITING:
                    memory.rows[key] = row
            memory.without_ids += counts
            self._write_soon(memory)

    def _tell_once(self, left_out: int) -> None:
        if left_out and not self._has_told:
            self._has_told = True
            _logger.warning("This hour has more answers than are recorded; the insights leave the rest out.")

    def stop(self) -> None:
        """Stop writing: the database is about to be removed."""
        with self._memory.lock:
            if self._memory.timer is not None:
                self._memory.timer.cancel()
        atexit.unregister(self.write)


def merge(row: Row, other: Mapping[str, Any]) -> None:
    """Add a later report of the same answer to a row; the database does the same with a row that it has.

    What was once true stays true, so that an answer counts as shown if it was ever shown.
    """
    if not other:
        return
    for name in EVENTS:
        row[name] = row[name] or other[name]
    row["pairs"] = max(row["pairs"], other["pairs"])
    row["page"] = row["page"] or other["page"]
    row["triggers"] = other["triggers"] or row["triggers"]
    known = [each["asked_for_human"] for each in (row, other) if each["asked_for_human"] is not None]
    row["asked_for_human"] = any(known) if known else None


def key_of_answer(thread_id: str, answer_id: str, secret: bytes) -> str:
    """The key of an answer's record. Nobody without the secret can find out of which thread it is."""
    return hmac.digest(secret, f"kapa-handoff-answer:{thread_id}\0{answer_id}".encode(), "sha256").hex()[:32]


def path_of(page: str, clean: Callable[[str], str] = redact) -> str:
    """The path of a page's address, without query, fragment and email addresses, shortened."""
    _, _, rest = page.partition("://")
    path = "/" + rest.partition("/")[2].partition("?")[0].partition("#")[0]
    return clean(_ADDRESS.sub("…", path))[:MOST_OF_PAGE]
