"""Everything specific to PostgreSQL: writers that take turns, and connections with time limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine

from . import BUSY_TIMEOUT
from .logs import quiet

# Any number that the site does not use for something else; in ASCII, this one is "kapahand".
_WRITE_LOCK_KEY = 0x6B61706168616E64
_INDEX_LOCK_KEY = _WRITE_LOCK_KEY + 1


def open_engine(uri: str) -> Engine:
    """A new engine for the database at this address."""
    return create_engine(
        uri,
        # No request waits forever for a server that a firewall has cut off; libpq's options, in s and in ms.
        connect_args={"connect_timeout": BUSY_TIMEOUT, "tcp_user_timeout": BUSY_TIMEOUT * 1000},
        pool_pre_ping=True,  # replaces a connection that was lost meanwhile
        pool_size=16,
        max_overflow=32,
        **quiet(),
    )


@contextmanager
def write_transaction(engine: Engine, *, alone: bool, survives_power_cut: bool) -> Iterator[Connection]:
    """A writing transaction.

    Arguments:
        alone: wait until no other such transaction of ours runs, so that what it reads cannot change.
        survives_power_cut: see :meth:`.engine.Database.write`.
    """
    with engine.connect() as plain:
        # A stricter level, which the site may have set, would read the state from before the wait.
        connection = plain.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            if not survives_power_cut:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            if alone:
                # Limits are counted and then a row is added: READ COMMITTED alone lets others write in between. The
                # limit of the wait, as SET LOCAL sets it, in the same round trip: a FROM is read first.
                connection.exec_driver_sql(
                    f"SELECT pg_advisory_xact_lock({_WRITE_LOCK_KEY}) "  # noqa: S608  numbers of ours
                    f"FROM set_config('lock_timeout', '{BUSY_TIMEOUT}s', true)"
                )
            yield connection


def may_index(connection: Connection) -> bool:
    """Whether no other transaction makes tickets searchable; if so, none begins to before this one ends."""
    return bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_INDEX_LOCK_KEY})").scalar_one())
