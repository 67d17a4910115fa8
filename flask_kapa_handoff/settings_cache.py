"""Caches the desks for page views: read now and then, and kept for a moment."""

from __future__ import annotations

import logging
import time

from .config import Config
from .desk_directory import Desks, read_desks
from .desk_settings import DEFAULT_DESK, DeskSettings
from .errors import Unavailable
from .storage import BUSY_TIMEOUT
from .storage.engine import Database

MAX_AGE = 3.0
"""Seconds for which settings are kept. An admin's change shows within 5 seconds, in every process."""

_logger = logging.getLogger(__name__)


class SettingsCache:
    """One process's copy of the desks, a moment old at most; decisions about tickets read the database."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, Desks | None]] = []  # one entry; empty: nothing is known

    def get(self, database: Database, config: Config, desk: str = DEFAULT_DESK) -> DeskSettings | None:
        """The settings of the desk that serves where ``desk`` is named; None: see :meth:`desks`."""
        desks = self.desks(database, config)
        return None if desks is None else desks.serving(desk)

    def desks(self, database: Database, config: Config) -> Desks | None:
        """The desks of a moment ago; while the database cannot be reached, the last known ones, or None."""
        kept, now = self._kept, time.monotonic()
        found: Desks | None = None
        if kept:
            due, found = kept[0]
            if now < due:
                return found
            # One thread reads and the others do not wait, since a hanging database can make it take long.
            kept[:] = [(now + BUSY_TIMEOUT + MAX_AGE, found)]
        try:
            with database.read() as connection:
                found = read_desks(connection, config)
            # The age counts from before the read, which may miss what is saved meanwhile.
            kept[:] = [(now + MAX_AGE, found)]
        except Unavailable as error:
            _logger.warning("Pages keep using the last known handoff settings, if there are any: %s", error)
            found = kept[0][1] if kept else None  # another thread may have read newer ones meanwhile
            kept[:] = [(time.monotonic() + MAX_AGE, found)]
        return found

    def clear(self) -> None:
        """Discard everything, since an admin has saved in this process; a read under way does not fill the cache."""
        self._kept = []
