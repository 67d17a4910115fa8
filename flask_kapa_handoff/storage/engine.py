"""The database: one way to read, one way to write, tables that are checked or upgraded at first use."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from ..errors import Unavailable
from . import fork_safety, postgresql, schema, sqlite
from .dialects import is_sqlite, unavailable
from .file_access import Obstacle, obstacle
from .locks import held
from .process_engine import ProcessEngine

_logger = logging.getLogger(__name__)

LOG_PAUSE = 0.2
"""Seconds between two attempts to empty the log, so that visitors can write in between."""


class Database:
    """The package's database.

    Arguments:
        locate: called at first use in each process. It returns the URL of a database to open, or an engine of the
            site's own. An SQLite file that is opened by its URL belongs to this package alone, and is created and
            migrated automatically; ``flask kapa-handoff db upgrade`` migrates the tables elsewhere.
    """

    def __init__(self, locate: Callable[[], str | Engine]) -> None:
        self._process_engine = ProcessEngine(locate)
        self.renew_locks()
        self._file: tuple[int, int] | None = None
        self._checked_by: int | None = None  # the process that has found the tables usable
        fork_safety.enroll(self)

    def renew_locks(self) -> None:
        """Set unlocked locks, initially and in the child of a fork."""
        self._process_engine.renew_lock()
        self._checking = threading.Lock()
        # One writer per process: waiting here instead of in SQLite's busy loop makes threads twice as fast.
        self._writing = threading.Lock()
        self._usage = fork_safety.UsageCounter()

    @property
    def engine(self) -> Engine:
        """The engine of this process; does not check the tables."""
        return self._process_engine.open()

    @property
    def _embedded(self) -> bool:
        return self._process_engine.is_embedded

    @property
    def _checked(self) -> bool:
        return self._checked_by == os.getpid()

    def _ready(self) -> Engine:
        engine = self.engine
        if self._embedded and self._file is not None and sqlite.identity(engine) != self._file:
            # The open connections would keep writing into a file that no longer has a name.
            _logger.error("The handoff database's file was moved, replaced or deleted; it is opened again.")
            engine.dispose()
            self._checked_by = None
            self._file = None
        if not self._checked:
            with self._checking:
                if not self._checked:
                    if self._embedded:
                        self._upgrade(engine)
                    else:
                        schema.check(engine)
                    self._checked_by = os.getpid()
        return engine

    def _upgrade(self, engine: Engine) -> str | None:
        if self._embedded:
            sqlite.create_file(engine)
        before = schema.version(engine)
        schema.upgrade(engine, self._transaction, use_write_ahead_log=self._embedded)
        if self._embedded:
            self._file = sqlite.identity(engine)
        return before

    def _in_use(self) -> AbstractContextManager[None]:
        # Whether it is embedded is known once the engine is open, which makes no connection yet.
        _ = self.engine
        return self._usage.in_use() if self._embedded else nullcontext()

    @contextmanager
    def _usable(self) -> Iterator[Engine]:
        """The engine; if it cannot be used, log why and check the tables again next time."""
        try:
            with unavailable(), self._in_use():
                yield self._ready()
        except Unavailable as error:
            self._checked_by = None
            self._log_failure(error)
            raise

    def _write_lock(self) -> AbstractContextManager[None]:
        # With a limit: while another process holds SQLite's lock, each thread ahead of us waits for as long as SQLite
        # lets it.
        return held(self._writing, "other threads have been writing")

    def _log_failure(self, error: Unavailable) -> None:
        # Only the driver's message: SQLAlchemy's would repeat what the visitor typed.
        cause = getattr(error.__cause__, "orig", None) or error.__cause__
        reason = f"{type(cause).__name__}: {cause}" if cause is not None else str(error)
        found = self.obstacle() if cause is not None else None
        _logger.error("The handoff database cannot be used: %s", f"{reason}. {found}" if found else reason)

    @property
    def file(self) -> Path | None:
        """The SQLite file that belongs to this package alone; None: there is none.

        Raises:
            SchemaError: the site's database cannot be shared.
        """
        engine = self.engine
        return sqlite.file_of(engine) if self._embedded else None

    def obstacle(self) -> Obstacle | None:
        """What prevents this process's user from using the file; None: nothing visible, or there is no file."""
        file = None if self._process_engine.opened is None else self.file
        return None if file is None else obstacle(file)

    def present_version(self) -> str | None:
        """The current version of the tables; None: there are none. Creates and changes nothing.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with unavailable(), self._in_use():
            file = self.file
            # SQLite would create the file.
            return None if file is not None and not file.exists() else schema.version(self.engine)

    def is_of_later_version(self, version: str) -> bool:
        """Whether a later version of the package made tables of this version, and they can be used.

        Raises:
            SchemaError: a later version made them, and they cannot be used.
            Unavailable: the database cannot be reached.
        """
        with unavailable(), self._in_use():
            return version != schema.HEAD and schema.is_usable(self.engine, version)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with self._usable() as engine, sqlite.connect(engine) if is_sqlite(engine) else engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, alone: bool = True, survives_power_cut: bool = True) -> Iterator[Connection]:
        """A connection in a transaction that is the only writer from its first statement.

        What it reads cannot change before it commits. Never keep one open during something slow.

        Arguments:
            alone: if False, PostgreSQL lets other transactions write at the same time, and what was read may change.
                SQLite always has one writer at a time.
            survives_power_cut: whether the commit waits for the disk. If not, it still survives the end of the
                process.

        Raises:
            Unavailable: the database cannot be reached, is full, or stays locked.
        """
        with self._usable() as engine:
            guard: AbstractContextManager[Any] = self._write_lock() if is_sqlite(engine) else nullcontext()
            transaction = self._transaction(engine, alone=alone, survives_power_cut=survives_power_cut)
            with guard, transaction as connection:
                yield connection

    def _transaction(
        self, engine: Engine, *, alone: bool = True, survives_power_cut: bool = True
    ) -> AbstractContextManager[Connection]:
        if not is_sqlite(engine):
            return postgresql.write_transaction(engine, alone=alone, survives_power_cut=survives_power_cut)
        if not self._embedded:
            # On its own engine, the site chooses whether commits wait for the disk; erased text must be gone in any
            # case.
            return sqlite.write_transaction(engine, secure_delete=1)
        return sqlite.write_transaction(engine, **({} if survives_power_cut else {"synchronous": sqlite.NORMAL}))

    def upgrade(self) -> tuple[str | None, str]:
        """Upgrade the tables to this package's version; tables that a later version has extended stay as they are.

        Returns:
            The version before (None: there were no tables) and after.
        """
        with unavailable(), self._in_use(), self._checking:
            before = self._upgrade(self.engine)
            self._checked_by = os.getpid()
            after = schema.version(self.engine)
        return before, after or schema.HEAD

    def checkpoint(self) -> None:
        """Copy SQLite's write-ahead log into the database file. The delivery does this, so that no visitor waits.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if not self._embedded:
            return
        with self._usable() as engine, self._write_lock():
            sqlite.checkpoint(engine)

    def empty_log(self, patience: float = 0.0) -> bool:
        """Remove earlier transactions from SQLite's log, after a deletion.

        Arguments:
            patience: seconds for which to keep trying; readers in other processes may need the log, and writers go
                first.

        Returns:
            Whether it is empty; always True for PostgreSQL, whose server manages its own log.

        Raises:
            Unavailable: the database cannot be reached.
        """
        until = time.monotonic() + patience
        while True:
            with self._usable() as engine:
                if not is_sqlite(engine):
                    return True
                with self._write_lock():
                    if sqlite.empty_log(engine):
                        return True
            if time.monotonic() >= until:
                return False
            time.sleep(LOG_PAUSE)

    def close(self) -> None:
        """Close this process's connections, unless the engine is the site's."""
        self._process_engine.close()

    def prepare_fork(self, held: ExitStack, remaining: Callable[[], float]) -> bool:
        """Before a fork: wait for threads that use the database, and close connections that the child would inherit.

        Arguments:
            held: receives the callbacks that undo this in the parent.
            remaining: returns the seconds for which the fork may still wait.

        Returns:
            Whether the child inherits no connection.
        """
        held.callback(self._usage.unblock)
        unused = self._usage.block(remaining())
        # A fork during a write would copy SQLite's records of its locks, and the child could never write. A thread
        # that writes to a file of our own counts as a user of it, so the fork has waited for it already.
        if self._writing.acquire(timeout=0 if self._embedded else remaining()):
            held.callback(self._writing.release)
        engine = self._process_engine.opened
        if engine is None or not self._embedded:
            return True
        if unused:
            sqlite.leave_nothing_to_a_child(engine)
        return unused


_CLOCK = select(func.clock_timestamp())


def now(connection: Connection) -> datetime:
    """The database's time in UTC, since the clocks of several web servers differ."""
    if is_sqlite(connection):
        return sqlite.now(connection)
    found: datetime = connection.execute(_CLOCK).scalar_one()
    return found.astimezone(timezone.utc)
