"""Caches the settings for page views: read now and then, and kept for a moment."""

from __future__ import annotations

import logging
import time

from .config import Config
from .errors import Unavailable
from .settings import DEFAULT_DESK, DeskSettings, current_settings
from .storage import BUSY_TIMEOUT
from .storage.engine import Database

MAX_AGE = 3.0
"""Seconds for which settings are kept. An admin's change shows within 5 seconds, in every process."""

_logger = logging.getLogger(__name__)


class SettingsCache:
    """One process's copy of the desks' settings, a moment old at most; decisions about tickets read the database."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, DeskSettings | None]] = {}

    def get(self, database: Database, config: Config, desk: str = DEFAULT_DESK) -> DeskSettings | None:
        """The settings of a moment ago; while the database cannot be reached, the last known ones, or None.

        Raises:
            Invalid: there is no such desk.
        """
        kept, now = self._kept, time.monotonic()
        found: DeskSettings | None
        if desk in kept:
            due, known = kept[desk]
            if now < due:
                return known
            # One thread reads and the others do not wait, since a hanging database can make it take long.
            kept[desk] = (now + BUSY_TIMEOUT + MAX_AGE, known)
        try:
            with database.read() as connection:
                found = current_settings(connection, config, desk)
            # The age counts from before the read, which may miss what is saved meanwhile.
            kept[desk] = (now + MAX_AGE, found)
        except Unavailable as error:
            _logger.warning("Pages keep using the last known handoff settings, if there are any: %s", error)
            _, found = kept.get(desk, (now, None))
            kept[desk] = (time.monotonic() + MAX_AGE, found)
        return found

    def clear(self) -> None:
        """Discard everything, since an admin has saved in this process; a read under way does not fill the cache."""
        self._kept = {}
