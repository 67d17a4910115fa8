"""Everything specific to SQLite: the package's own file, one writer at a time, and the write-ahead log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from . import BUSY_TIMEOUT
from .file_access import give_to_owner_of_folder, make_folders
from .logs import quiet
from .reading import read_text

_logger = logging.getLogger(__name__)

CHECKPOINT_PAGES = 16_000
"""Pages (of 4 kB) in the write-ahead log from which a commit copies them into the database file. The delivery does
that long before, so that no visitor waits for it; this is for sites where no delivery runs."""


NORMAL = 1
"""The mode of ``PRAGMA synchronous`` in which a commit survives the end of the process, but not always a power cut."""


def open_engine(uri: str) -> Engine:
    """A new engine for a file of our own."""
    engine = create_engine(uri, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=16, max_overflow=32, **quiet())

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, record: object) -> None:
        # FULL: a ticket that the visitor was told is stored must survive a power cut.
        driver.execute("PRAGMA synchronous=FULL")
        driver.execute("PRAGMA foreign_keys=ON")
        # Many builds of SQLite leave deleted and overwritten text in the file unless they are told not to.
        driver.execute("PRAGMA secure_delete=ON")
        driver.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")

    return engine


def create_file(engine: Engine) -> None:
    """Create the file if it does not exist."""
    place = file_of(engine)
    if place is None:
        return
    place = Path(os.path.realpath(place))  # O_EXCL does not follow links
    make_folders(place.parent)
    # Tickets are personal: only the site's own user may read the file. SQLite copies the mode for its log. O_EXCL:
    # opening and closing an existing file would drop all locks that this process has on it.
    with suppress(FileExistsError):
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        # As root, SQLite gives its log to the file's owner.
        if owner := give_to_owner_of_folder(place):
            _logger.warning("root created %s for the user %s, who owns the folder.", place, owner)
        engine.dispose()  # connections to a deleted file would keep writing into it


def leave_nothing_to_a_child(engine: Engine) -> None:
    """Close the unused connections before a fork; both processes open their own afterwards."""
    # SQLite records the locks of the process for each file, not for each connection, and the kernel passes no locks on
    # to a child. A child that inherits a connection, even an idle one, trusts the records and takes no locks. Once the
    # parent has ended, other processes take themselves for the last users of the file, and delete the log into which
    # the child writes its tickets. Not covered: connections that the forking thread uses, or that are still in use
    # after the fork has waited, and servers that fork without telling Python first.
    engine.dispose()


def file_of(engine: Engine) -> Path | None:
    """The engine's file; None: its address is not that of a plain file."""
    path = engine.url.database
    return None if path is None or path.startswith("file:") else Path(path)


def identity(engine: Engine) -> tuple[int, int] | None:
    """What distinguishes the file from another one at the same path."""
    path = engine.url.database
    if path is None or path.startswith("file:"):
        return None
    try:
        found = os.stat(path)  # noqa: PTH116  pathlib costs a submit twice as much
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def connect(engine: Engine) -> Iterator[Connection]:
    """A connection that reads texts that are not UTF-8 as damaged. The site's own engine is as before when it ends."""
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        before, driver.text_factory = driver.text_factory, read_text
        try:
            yield connection
        finally:
            driver.text_factory = before


@contextmanager
def write_transaction(engine: Engine, **pragmas: int) -> Iterator[Connection]:
    """A transaction that is the only writer from its first statement.

    Arguments:
        pragmas: settings of its connection until it ends.
    """
    with connect(engine) as connection, ExitStack() as settings:
        for name, value in pragmas.items():
            settings.enter_context(_pragma(connection, name, value))
        with connection.begin():
            # A plain BEGIN that reads first and then writes cannot wait for the lock: it fails at once.
            driver = connection.connection.dbapi_connection
            if driver is not None and driver.in_transaction:  # the site's own event listener has begun one
                connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection


@contextmanager
def _pragma(connection: Connection, name: str, value: int) -> Iterator[None]:
    driver: Any = connection.connection.dbapi_connection
    (before,) = driver.execute(f"PRAGMA {name}").fetchone()
    driver.execute(f"PRAGMA {name}={value}").close()
    try:
        yield
    finally:
        if name == "secure_delete" and before == 2:
            before = "FAST"  # which SQLite accepts only as a word
        driver.execute(f"PRAGMA {name}={before}").close()


def now(connection: Connection) -> datetime:
    """This machine's time, as the database gives it."""
    # With the driver's cursor: no table is read, and through SQLAlchemy it would take as long as a statement that
    # reads one.
    driver: Any = connection.connection.dbapi_connection
    (text,) = driver.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')").fetchone()
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def checkpoint(engine: Engine) -> None:
    """Copy the write-ahead log into the file, so that the next writer starts the log over.

    Writers wait meanwhile: if the log starts over between two checkpoints, SQLite before 3.51.3 can lose a commit (its
    documentation calls this the WAL-reset bug), and under a flood of writes there is no gap for starting over. Readers
    neither wait nor block this.
    """
    with write_transaction(engine), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def empty_log(engine: Engine) -> bool:
    """Try once to remove earlier transactions from the files beside the database file.

    One page of a write-ahead log remains, which contains nothing about tickets; a rollback journal is emptied.

    Returns:
        Whether it worked. It does not while a reader, such as a backup, needs the log.
    """
    # Not `PRAGMA wal_checkpoint(TRUNCATE)`: while another process holds the write lock, it continues as a checkpoint
    # without that lock, which triggers the WAL-reset bug (see checkpoint()), and while it waits for readers nobody can
    # write. This does the same in two steps: everything is copied under the lock; then the next transaction starts the
    # log over and, with this limit, truncates the rest.
    checkpoint(engine)
    with write_transaction(engine, journal_size_limit=0) as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        page: int = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        path = next(row.file for row in connection.exec_driver_sql("PRAGMA database_list") if row.name == "main")
        connection.exec_driver_sql(f"PRAGMA user_version={version}")  # rewrites the file's first page unchanged
    try:
        return os.stat(f"{path}-wal").st_size <= 2 * page  # noqa: PTH116  the log's header, and one page with its own
    except FileNotFoundError:
        return True
