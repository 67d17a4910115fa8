"""The engine: opened at first use in each process, with one way to read and one way to write."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..errors import SchemaError, Unavailable
from . import schema

BUSY_TIMEOUT = 15
"""Seconds that a statement waits for SQLite's write lock: below a web server's own limit."""


class Database:
    """The package's database.

    Arguments:
        locate: asked at first use. A URL is that of an SQLite file which belongs to this package alone and is
            created and migrated by itself; an engine is the site's own, whose tables are migrated by
            ``flask kapa-handoff db upgrade``.
    """

    def __init__(self, locate: Callable[[], str | Engine]) -> None:
        self._locate = locate
        self._opening = threading.Lock()
        # One writer a process: threads that wait here, instead of in SQLite's busy loop, are twice as fast.
        self._writing = threading.Lock()
        self._engine: Engine | None = None
        self._embedded = False
        self._checked = False
        self._process: int | None = None

    @property
    def engine(self) -> Engine:
        """The engine of this process, without a look at the tables."""
        if self._engine is None or self._process != os.getpid():
            with self._opening:
                if self._engine is None or self._process != os.getpid():
                    self._engine = self._open()
                    self._process = os.getpid()
        return self._engine

    @property
    def embedded(self) -> bool:
        """Whether the database is the package's own file."""
        return self.engine is not None and self._embedded

    def _open(self) -> Engine:
        if self._process is not None:
            # A fork copied these: a lock that another thread may have held, and the parent's connections.
            self._writing = threading.Lock()
            self._checked = False
            if self._embedded and self._engine is not None:
                self._engine.dispose(close=False)
        located = self._locate()
        self._embedded = isinstance(located, str)
        engine = _embedded_engine(located) if isinstance(located, str) else located
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise SchemaError(
                f"{engine.dialect.name} is not supported; use SQLite or PostgreSQL (KAPA_HANDOFF_DATABASE_URI)"
            )
        return engine

    def _ready(self) -> Engine:
        engine = self.engine
        if not self._checked:
            with self._opening:
                if not self._checked:
                    if self._embedded:
                        schema.upgrade(engine, self.write_transaction)
                    else:
                        schema.check(engine)
                    self._checked = True
        return engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with _unavailable(), self._ready().connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that is the only writing one from its first statement on.

        What is read in it cannot change before it commits. Never hold one while something slow goes on.

        Raises:
            Unavailable: the database cannot be reached, is full, or stays locked.
        """
        with _unavailable():
            engine = self._ready()
            guard: AbstractContextManager[Any] = self._writing if _is_sqlite(engine) else nullcontext()
            with guard, self.write_transaction(engine) as connection:
                yield connection

    @staticmethod
    @contextmanager
    def write_transaction(engine: Engine) -> Iterator[Connection]:
        """The transaction of :meth:`write`, without the check of the tables."""
        with engine.connect() as connection, connection.begin():
            if _is_sqlite(engine):
                # A plain BEGIN that reads first and then writes cannot wait for the lock: it fails at once.
                driver = connection.connection.dbapi_connection
                if driver is not None and driver.in_transaction:  # the site's own recipe has begun one
                    connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the tables to this package's version.

        Returns:
            The version before (none: there were no tables) and after.
        """
        with _unavailable():
            before = schema.version(self.engine)
            schema.upgrade(self.engine, self.write_transaction)
            self._checked = True
        return before, schema.HEAD

    def close(self) -> None:
        """Close this process's connections, unless they are the site's."""
        if self._embedded and self._engine is not None and self._process == os.getpid():
            self._engine.dispose()


def now(connection: Connection) -> datetime:
    """The database's own time, UTC: the clocks of several web machines differ."""
    if _is_sqlite(connection):
        text = connection.exec_driver_sql("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(timezone.utc)


def _is_sqlite(bind: Engine | Connection) -> bool:
    return bind.dialect.name == "sqlite"


def _embedded_engine(uri: str) -> Engine:
    path = make_url(uri).database
    if path is not None and not path.startswith("file:") and not Path(path).exists():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # Tickets are personal: nobody but the site's own user reads the file (SQLite copies the mode for its log).
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(uri, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=16, max_overflow=32)

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, record: object) -> None:
        # FULL: what the visitor was told is stored must survive a power cut.
        driver.execute("PRAGMA synchronous=FULL")
        driver.execute("PRAGMA foreign_keys=ON")

    return engine


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError, NotSupportedError) as error:
        # A mistake of ours, unless the connection went away at that moment.
        if error.connection_invalidated:
            raise Unavailable from error
        raise
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise Unavailable from error
