"""What a process that delivers does about once an hour: old tickets go, and nothing is left of deleted ones."""

from __future__ import annotations

import logging
import time

from ..storage import removal
from ..storage.engine import Database

PERIOD_SECONDS = 3600.0

FIRST_AFTER_SECONDS = 60.0
"""How long after its start a process does it first: then there is other work."""

_logger = logging.getLogger(__name__)


class Housekeeping:
    """One process's share of it. Two threads that find it due at the same moment do no harm.

    Arguments:
        retention_days: KAPA_HANDOFF_RETENTION_DAYS; None: delivered tickets are kept.
    """

    def __init__(self, database: Database, retention_days: int | None) -> None:
        self._database = database
        self._retention_days = retention_days
        self._due = time.monotonic() + FIRST_AFTER_SECONDS

    def is_due_now(self) -> None:
        """Do it the next time, however long ago it was done last."""
        self._due = 0.0

    def do_some(self) -> bool:
        """Take one short step if it is time: visitors and deliveries must not wait.

        Returns:
            Whether there is more to do at once.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + PERIOD_SECONDS
        database, days = self._database, self._retention_days
        if days is not None and (count := removal.delete_outdated(database, days)):
            _logger.info("%s tickets older than %s days were deleted.", count, days)
            self._due = 0.0
            return True
        # Also for `erase`, which may have met a reader that was in its way.
        database.empty_log()
        return False

    def do_all(self, seconds: float) -> None:
        """Do what is due, for so many seconds at most."""
        until = time.monotonic() + seconds
        while self.do_some() and time.monotonic() < until:
            pass
