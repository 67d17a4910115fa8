"""The settings as a page view needs them: read now and then, and kept for a moment."""

from __future__ import annotations

import logging
import time

from .config import Config
from .errors import Unavailable
from .settings import DEFAULT_DESK, DeskSettings, current_settings
from .storage.engine import Database

MAX_AGE = 3.0
"""Seconds for which settings are kept. An admin's change shows within 5, on every process."""

_logger = logging.getLogger(__name__)


class KeptSettings:
    """One process's copy of the desks' settings. For what a page shows; what decides about a ticket is read anew."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, DeskSettings | None]] = {}

    def look_up(self, database: Database, config: Config, desk: str = DEFAULT_DESK) -> DeskSettings | None:
        """The settings of a moment ago. While the database is out of reach: those that were known last, or None.

        Raises:
            Invalid: there is no such desk.
        """
        now = time.monotonic()
        due, known = self._kept.get(desk, (0.0, None))
        if now < due:
            return known
        if known is not None:
            self._kept[desk] = (now + MAX_AGE, known)  # one reads, and meanwhile the others do not wait
        try:
            with database.read() as connection:
                known = current_settings(connection, config, desk)
        except Unavailable as error:
            _logger.warning("Pages show the handoff settings that were known last, if any: %s", error)
            now = time.monotonic()  # that may have taken long, and shall not be tried by every page
        # Else from before the read on: what was saved during it may not be in it.
        self._kept[desk] = (now + MAX_AGE, known)
        return known

    def forget(self) -> None:
        """An admin of this process has saved."""
        self._kept.clear()
