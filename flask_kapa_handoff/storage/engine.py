"""The engine: opened at first use in each process, with one way to read and one way to write."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from ..errors import SchemaError, Unavailable
from . import BUSY_TIMEOUT, fork_safety, postgresql, schema, sqlite
from .dialects import dispose, is_sqlite, open_engine, unavailable
from .file_access import Obstacle, obstacle

_logger = logging.getLogger(__name__)

LOG_PAUSE = 0.2
"""Seconds between two tries to empty the log: visitors write meanwhile."""


class Database:
    """The package's database.

    Arguments:
        locate: asked at first use in each process. A URL is that of a database to be opened here; an engine is the
            site's own. An SQLite file by its URL belongs to this package alone, and is created and migrated by
            itself; all other tables are migrated by ``flask kapa-handoff db upgrade``.
    """

    def __init__(self, locate: Callable[[], str | Engine]) -> None:
        self._locate = locate
        self.renew_locks()
        self._engine: Engine | None = None
        self._own = False
        self._embedded = False
        self._file: tuple[int, int] | None = None
        self._checked = False
        self._process: int | None = None
        fork_safety.enroll(self)

    def renew_locks(self) -> None:
        """Nobody opens, uses or writes: at the beginning, and in the child of a fork."""
        self._opening = threading.Lock()
        # One writer a process: threads that wait here, instead of in SQLite's busy loop, are twice as fast.
        self._writing = threading.Lock()
        self._usage = fork_safety.UsageCounter()

    @property
    def engine(self) -> Engine:
        """The engine of this process, without a look at the tables."""
        if self._engine is None or self._process != os.getpid():
            with self._opening:
                if self._engine is None or self._process != os.getpid():
                    self._engine = self._open()
                    self._process = os.getpid()
        return self._engine

    def _open(self) -> Engine:
        if self._process is not None:
            self._checked = False
            if self._engine is not None:
                self._engine.dispose(close=False)  # a fork copied the connections: they are the parent's
        located = self._locate()
        self._own = isinstance(located, str)
        engine = open_engine(located) if isinstance(located, str) else located
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise SchemaError(f"{engine.dialect.name} is not supported.", "Use SQLite or PostgreSQL.")
        self._embedded = self._own and is_sqlite(engine)
        if self._own:
            # An app that nobody uses any more, as after a site's test, leaves no open connections behind.
            weakref.finalize(self, dispose, engine, os.getpid()).atexit = False
        return engine

    def _ready(self) -> Engine:
        engine = self.engine
        if self._embedded and self._file is not None and sqlite.identity(engine) != self._file:
            # The open connections would go on writing into a file that nobody finds any more.
            _logger.error("The handoff database's file was moved, replaced or deleted; it is opened again.")
            engine.dispose()
            self._checked = False
            self._file = None
        if not self._checked:
            with self._opening:
                if not self._checked:
                    if self._embedded:
                        self._upgrade(engine)
                    else:
                        schema.check(engine)
                    self._checked = True
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
        # Known only once it is opened; that makes no connection.
        _ = self.engine
        return self._usage.in_use() if self._embedded else nullcontext()

    @contextmanager
    def _usable(self) -> Iterator[Engine]:
        """The engine; whatever goes wrong with it is logged, and looked at anew the next time."""
        try:
            with unavailable(), self._in_use():
                yield self._ready()
        except Unavailable as error:
            self._checked = False
            self._log_failure(error)
            raise

    @contextmanager
    def _write_lock(self) -> Iterator[None]:
        # Not without end: behind a foreign lock each one before us waits for as long as SQLite lets it.
        writing = self._writing
        if not writing.acquire(timeout=BUSY_TIMEOUT):
            raise Unavailable from TimeoutError(f"no turn to write within {BUSY_TIMEOUT} seconds")
        try:
            yield
        finally:
            writing.release()

    def _log_failure(self, error: Unavailable) -> None:
        # The driver's words alone: SQLAlchemy's would repeat what the visitor typed.
        cause = getattr(error.__cause__, "orig", None) or error.__cause__
        reason = f"{type(cause).__name__}: {cause}" if cause is not None else str(error)
        found = self.obstacle() if cause is not None else None
        _logger.error("The handoff database cannot be used: %s", f"{reason}. {found}" if found else reason)

    @property
    def file(self) -> Path | None:
        """The SQLite file that belongs to this package alone; None where there is none.

        Raises:
            SchemaError: the site's database cannot be shared.
        """
        engine = self.engine
        return sqlite.file_of(engine) if self._embedded else None

    def obstacle(self) -> Obstacle | None:
        """What keeps this process's user from using the file; None: nothing that can be seen, or there is no file."""
        file = None if self._engine is None else self.file
        return None if file is None else obstacle(file)

    def present_version(self) -> str | None:
        """The version of the tables as they are; None: there are none. Makes and changes nothing.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with unavailable(), self._in_use():
            file = self.file
            # SQLite would make the file.
            return None if file is not None and not file.exists() else schema.version(self.engine)

    def is_of_later_version(self, version: str) -> bool:
        """Whether tables of this version were made by a later version of the package, and can be used.

        Raises:
            SchemaError: they were, and cannot be used.
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
        with self._usable() as engine, engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, alone: bool = True, survives_power_cut: bool = True) -> Iterator[Connection]:
        """A connection in a transaction that is the only writing one from its first statement on.

        What is read in it cannot change before it commits. Never hold one while something slow goes on.

        Arguments:
            alone: without it, PostgreSQL lets it write beside others, whose rows may change at any time. SQLite has
                one writer at a time in any case.
            survives_power_cut: whether the commit waits for the disk. Without it, it survives the end of the process
                all the same.

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
            # A site's own engine waits for the disk as the site has chosen; erased text must be gone in any case.
            return sqlite.write_transaction(engine, secure_delete=1)
        return sqlite.write_transaction(engine, **({} if survives_power_cut else {"synchronous": sqlite.NORMAL}))

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the tables to this package's version; those that a later version has extended stay as they are.

        Returns:
            The version before (None: there were no tables) and after.
        """
        with unavailable(), self._in_use(), self._opening:
            before = self._upgrade(self.engine)
            self._checked = True
            after = schema.version(self.engine)
        return before, after or schema.HEAD

    def checkpoint(self) -> None:
        """Copy SQLite's write-ahead log into the file of the database: by whoever delivers, so that no visitor waits.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if not self._embedded:
            return
        with self._usable() as engine, self._write_lock():
            sqlite.checkpoint(engine)

    def empty_log(self, patience: float = 0.0) -> bool:
        """After a deletion: leave nothing of earlier transactions in SQLite's log.

        Arguments:
            patience: seconds to try for; readers in other processes may need the log, and writers go first.

        Returns:
            Whether it is empty; True for PostgreSQL, whose server looks after its own.

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
        """Close this process's connections, unless they are the site's."""
        if self._own and self._engine is not None and self._process == os.getpid():
            self._engine.dispose()

    def prepare_fork(self, held: ExitStack, remaining: Callable[[], float]) -> bool:
        """Before a fork: wait for those who use the database, and leave no connection that the child would inherit.

        Arguments:
            held: takes what is to be undone in the parent.
            remaining: the seconds that the fork may still wait.

        Returns:
            Whether the child inherits none.
        """
        held.callback(self._usage.unblock)
        unused = self._usage.block(remaining())
        # A fork in the middle of a write would copy SQLite's notes of its locks, and the child could never write.
        # Whoever writes into a file of our own uses it, and was waited for already.
        if self._writing.acquire(timeout=0 if self._embedded else remaining()):
            held.callback(self._writing.release)
        if self._engine is None or not self._embedded or self._process != os.getpid():
            return True
        if unused:
            sqlite.leave_nothing_to_a_child(self._engine)
        return unused


def now(connection: Connection) -> datetime:
    """The database's own time, UTC: the clocks of several web machines differ."""
    if is_sqlite(connection):
        return sqlite.now(connection)
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(timezone.utc)
