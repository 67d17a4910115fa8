"""What is SQLite's own: the file that belongs to the package, one writer at a time, and the write-ahead log."""

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

_logger = logging.getLogger(__name__)

CHECKPOINT_PAGES = 16_000
"""Pages of the write-ahead log (of 4 kB) at which a commit itself copies them into the database file. Whoever delivers
does that long before, so that no visitor waits for it; this is for sites where nobody does."""


NORMAL = 1
"""The mode of ``PRAGMA synchronous`` in which a commit survives the end of the process, and not always a power cut."""


def open_engine(uri: str) -> Engine:
    """An engine for a file of our own."""
    engine = create_engine(uri, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=16, max_overflow=32, **quiet())

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, record: object) -> None:
        # FULL: what the visitor was told is stored must survive a power cut.
        driver.execute("PRAGMA synchronous=FULL")
        driver.execute("PRAGMA foreign_keys=ON")
        # Many builds of SQLite leave deleted and overwritten text in the file unless they are told not to.
        driver.execute("PRAGMA secure_delete=ON")
        driver.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")

    return engine


def create_file(engine: Engine) -> None:
    """Make the file if it is not there."""
    place = file_of(engine)
    if place is None:
        return
    place = Path(os.path.realpath(place))  # O_EXCL follows no link
    make_folders(place.parent)
    # Tickets are personal: nobody but the site's own user reads the file. SQLite copies the mode for its log.
    # O_EXCL: to open and close a file that is there already would drop all locks that this process has on it.
    with suppress(FileExistsError):
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        # SQLite, as root, gives its log to whom the file belongs.
        if owner := give_to_owner_of_folder(place):
            _logger.warning("root created %s for the user %s, who owns the folder.", place, owner)
        engine.dispose()  # connections to a file that was deleted would go on writing into nothing


def leave_nothing_to_a_child(engine: Engine) -> None:
    """Close the connections before a fork: nobody uses them, and both sides open their own afterwards."""
    # SQLite notes which locks the process has, for each file and not for each connection, and the kernel gives none of
    # them to a child. A child that inherits a connection, even an idle one, takes the notes for locks and asks for
    # none. Once the parent has ended, others believe to be the last ones on the file, and delete the log that the
    # child writes its tickets into.
    # What remains: connections that are in use by the thread that forks, or still in use after the fork has waited,
    # and servers that fork without a word to Python before it.
    engine.dispose()


def file_of(engine: Engine) -> Path | None:
    """The engine's file; None where its address is none of a plain file."""
    path = engine.url.database
    return None if path is None or path.startswith("file:") else Path(path)


def identity(engine: Engine) -> tuple[int, int] | None:
    """What tells the file from another one at the same place."""
    path = engine.url.database
    if path is None or path.startswith("file:"):
        return None
    try:
        found = os.stat(path)  # noqa: PTH116  pathlib costs a submit twice as much
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def write_transaction(engine: Engine, **pragmas: int) -> Iterator[Connection]:
    """The only writing transaction from its first statement on.

    Arguments:
        pragmas: what its connection is set to until it ends.
    """
    with engine.connect() as connection, ExitStack() as settings:
        for name, value in pragmas.items():
            settings.enter_context(_pragma(connection, name, value))
        with connection.begin():
            # A plain BEGIN that reads first and then writes cannot wait for the lock: it fails at once.
            driver = connection.connection.dbapi_connection
            if driver is not None and driver.in_transaction:  # the site's own recipe has begun one
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
            before = "FAST"  # which SQLite takes as a word alone
        driver.execute(f"PRAGMA {name}={before}").close()


def now(connection: Connection) -> datetime:
    """The time of this machine, as the database tells it."""
    # By the driver: no table is read, and SQLAlchemy's way takes as long as a statement that reads one.
    driver: Any = connection.connection.dbapi_connection
    (text,) = driver.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')").fetchone()
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def checkpoint(engine: Engine) -> None:
    """Copy the write-ahead log into the file, so that the next writer begins the log anew.

    Writers wait meanwhile. A log that begins anew between two checkpoints can lose a commit in SQLite before 3.51.3
    (its documentation calls it the WAL-reset bug), and under a flood there is no gap in which it could begin anew.
    Readers neither wait nor are waited for.
    """
    with write_transaction(engine), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def empty_log(engine: Engine) -> bool:
    """Try once to leave nothing of earlier transactions beside the database file.

    Of a write-ahead log, one page remains that says nothing about tickets; a rollback journal is emptied.

    Returns:
        Whether it worked. It does not while a reader, such as a backup, still needs the log.
    """
    # Not `PRAGMA wal_checkpoint(TRUNCATE)`: while another process holds the writer's lock, it goes on as a checkpoint
    # without that lock, which is where the WAL-reset bug is (see checkpoint()), and while it waits for readers nobody
    # can write. This does the same in two steps. Everything is copied under the lock; then the next transaction begins
    # the log again and, with this limit, cuts off what stands behind it.
    checkpoint(engine)
    with write_transaction(engine, journal_size_limit=0) as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        page: int = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        path = next(row.file for row in connection.exec_driver_sql("PRAGMA database_list") if row.name == "main")
        connection.exec_driver_sql(f"PRAGMA user_version={version}")  # writes the file's first page, as it is
    try:
        return os.stat(f"{path}-wal").st_size <= 2 * page  # noqa: PTH116  the log's header, and one page with its own
    except FileNotFoundError:
        return True
