"""The settings as a page view needs them: read now and then, and kept for a moment."""

from __future__ import annotations

import logging
import time

from .config import Config
from .errors import Unavailable
from .settings import DEFAULT_DESK, DeskSettings, current_settings
from .storage import BUSY_TIMEOUT
from .storage.engine import Database

MAX_AGE = 3.0
"""Seconds for which settings are kept. An admin's change shows within 5, on every process."""

_logger = logging.getLogger(__name__)


class SettingsCache:
    """One process's copy of the desks' settings. For what a page shows; what decides about a ticket is read anew."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, DeskSettings | None]] = {}

    def get(self, database: Database, config: Config, desk: str = DEFAULT_DESK) -> DeskSettings | None:
        """The settings of a moment ago. While the database is out of reach: those that were known last, or None.

        Raises:
            Invalid: there is no such desk.
        """
        kept, now = self._kept, time.monotonic()
        found: DeskSettings | None
        if desk in kept:
            due, known = kept[desk]
            if now < due:
                return known
            # One reads, and meanwhile the others do not wait; it may take as long as a database may hang.
            kept[desk] = (now + BUSY_TIMEOUT + MAX_AGE, known)
        try:
            with database.read() as connection:
                found = current_settings(connection, config, desk)
            # From before the read on: what was saved during it may not be in it.
            kept[desk] = (now + MAX_AGE, found)
        except Unavailable as error:
            _logger.warning("Pages keep using the last known handoff settings, if there are any: %s", error)
            _, found = kept.get(desk, (now, None))
            kept[desk] = (time.monotonic() + MAX_AGE, found)
        return found

    def clear(self) -> None:
        """An admin of this process has saved. Whoever is reading just now keeps what it finds to itself."""
        self._kept = {}
