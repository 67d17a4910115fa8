"""What is SQLite's own: the file that belongs to the package, one writer at a time, and the write-ahead log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from . import BUSY_TIMEOUT

CHECKPOINT_PAGES = 16_000
"""Pages of the write-ahead log (of 4 kB) at which a commit itself copies them into the database file. Whoever delivers
does that long before, so that no visitor waits for it; this is for sites where nobody does."""


def open_engine(uri: str) -> Engine:
    """An engine for a file of our own."""
    # Parameters hidden: an error that a log shows must not repeat what a visitor typed.
    engine = create_engine(
        uri, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=16, max_overflow=32, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def set_up(driver: Any, record: object) -> None:
        # FULL: what the visitor was told is stored must survive a power cut.
        driver.execute("PRAGMA synchronous=FULL")
        driver.execute("PRAGMA foreign_keys=ON")
        driver.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")

    return engine


def create_file(engine: Engine) -> None:
    """Make the file if it is not there."""
    path = engine.url.database
    if path is None or path.startswith("file:"):
        return
    place = Path(os.path.realpath(path))  # O_EXCL follows no link
    place.parent.mkdir(parents=True, exist_ok=True)
    # Tickets are personal: nobody but the site's own user reads the file. SQLite copies the mode for its log.
    # O_EXCL: to open and close a file that is there already would drop all locks that this process has on it.
    with suppress(FileExistsError):
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
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
def write_transaction(engine: Engine, *, survives_power_cut: bool) -> Iterator[Connection]:
    """The only writing transaction from its first statement on."""
    with (
        engine.connect() as connection,
        _synchronous(connection, "FULL" if survives_power_cut else "NORMAL"),
        connection.begin(),
    ):
        # A plain BEGIN that reads first and then writes cannot wait for the lock: it fails at once.
        driver = connection.connection.dbapi_connection
        if driver is not None and driver.in_transaction:  # the site's own recipe has begun one
            connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def _synchronous(connection: Connection, mode: str) -> Iterator[None]:
    """Let the connection's commits wait less for the disk for a while; FULL is what every connection begins with."""
    if mode == "FULL":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"PRAGMA synchronous={mode}")
    try:
        yield
    finally:
        driver.execute("PRAGMA synchronous=FULL")


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
    with write_transaction(engine, survives_power_cut=True), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
