"""What a delivering process does beside delivering.

About once an hour, it deletes old tickets and removes the remains of deleted ones; all the time, it makes tickets
searchable.
"""

from __future__ import annotations

import logging
import time

from ..mail_links import MAX_AGE_DAYS
from ..storage import removal, search
from ..storage.answers import delete_outdated_answers
from ..storage.arrivals import delete_outdated_arrivals
from ..storage.attachments import delete_outdated_files
from ..storage.engine import Database

PERIOD_SECONDS = 3600.0

FIRST_AFTER_SECONDS = 60.0
"""Seconds from a process's start to the first time: there is other work at the start."""

SEARCH_SECONDS = 2.0
"""Seconds between two times that tickets are made searchable, unless there are more of them."""

_logger = logging.getLogger(__name__)


class Housekeeping:
    """One process's housekeeping. It is harmless if two threads find it due at the same moment.

    Arguments:
        retention_days: KAPA_HANDOFF_RETENTION_DAYS; None: delivered tickets are kept.
        statistics_days: KAPA_HANDOFF_STATISTICS_DAYS.
    """

    def __init__(self, database: Database, retention_days: int | None, statistics_days: int) -> None:
        self._database = database
        self._retention_days = retention_days
        self._statistics_days = statistics_days
        self._due = time.monotonic() + FIRST_AFTER_SECONDS
        self._search_due = 0.0
        self._forgetting = search.Forgetting()

    def is_due_now(self) -> None:
        """Make it due now, however long ago it was last done."""
        self._due = 0.0

    def do_some(self) -> bool:
        """Take one short step if it is due; visitors and deliveries must not wait long.

        Returns:
            Whether there is more to do now.

        Raises:
            Unavailable: the database cannot be reached.
        """
        more_to_index = self._index_some()
        if time.monotonic() < self._due:
            return more_to_index
        self._due = time.monotonic() + PERIOD_SECONDS
        database, days = self._database, self._retention_days
        if days is not None and (count := removal.delete_outdated(database, days)):
            _logger.info("%s tickets older than %s days were deleted.", count, days)
            self._due = 0.0
            return True
        if delete_outdated_answers(database, self._statistics_days):
            self._due = 0.0
            return True
        delete_outdated_arrivals(database, MAX_AGE_DAYS)
        if count := delete_outdated_files(database):
            _logger.info("%s files were deleted whose forms were not sent.", count)
        if self._forgetting.do_some(database):
            self._due = 0.0
            return True
        # Also for `erase`, which a reader may have blocked.
        database.empty_log()
        return more_to_index

    def _index_some(self) -> bool:
        if time.monotonic() < self._search_due:
            return False
        more = search.index_some(self._database) == search.BATCH
        self._search_due = 0.0 if more else time.monotonic() + SEARCH_SECONDS
        return more

    def do_all(self, seconds: float) -> None:
        """Do what is due, for at most ``seconds``."""
        until = time.monotonic() + seconds
        while self.do_some() and time.monotonic() < until:
            pass
