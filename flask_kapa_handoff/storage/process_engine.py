"""Opens the engine of a process: at first use, and again in the child of a fork."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

from sqlalchemy import Engine

from ..errors import SchemaError
from ..lazy_text import lazy_gettext as _
from .dialects import dispose, is_sqlite, open_engine


class ProcessEngine:
    """One engine per process.

    Arguments:
        locate: called at first use in each process; returns the URL of a database to open, or an engine of the site's
            own.
    """

    def __init__(self, locate: Callable[[], str | Engine]) -> None:
        self._locate = locate
        self._engine: Engine | None = None
        self._process: int | None = None
        self.is_own = False
        """Whether the engine was opened here, rather than by the site. False until it is open."""
        self.is_embedded = False
        """Whether it is for an SQLite file that belongs to this package alone. False until it is open."""
        self.renew_lock()

    def renew_lock(self) -> None:
        """Set an unlocked lock, initially and in the child of a fork."""
        self._opening = threading.Lock()

    @property
    def opened(self) -> Engine | None:
        """The engine, if this process has opened it."""
        return self._engine if self._process == os.getpid() else None

    def open(self) -> Engine:
        """The engine; opens it if this process has not done so. Connects to nothing.

        Raises:
            SchemaError: the site's database cannot be shared.
        """
        engine = self.opened
        if engine is None:
            with self._opening:
                engine = self.opened
                if engine is None:
                    engine = self._engine = self._open()
                    self._process = os.getpid()
        return engine

    def _open(self) -> Engine:
        if self._engine is not None:
            self._engine.dispose(close=False)  # a fork copied the connections, which are the parent's
        located = self._locate()
        self.is_own = isinstance(located, str)
        engine = open_engine(located) if isinstance(located, str) else located
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise SchemaError(
                _("%(database)s is not supported.", database=engine.dialect.name), _("Use SQLite or PostgreSQL.")
            )
        self.is_embedded = self.is_own and is_sqlite(engine)
        if self.is_own:
            # An app that is no longer used, as after a test, leaves no open connections behind.
            weakref.finalize(self, dispose, engine, os.getpid()).atexit = False
        return engine

    def close(self) -> None:
        """Close this process's connections, unless the engine is the site's."""
        engine = self.opened
        if self.is_own and engine is not None:
            engine.dispose()
