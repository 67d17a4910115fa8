"""What is PostgreSQL's own: writers that take turns, and connections that do not wait without end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine

from . import BUSY_TIMEOUT
from .logs import quiet

# Any number will do that nothing else of the site takes; this one reads "kapahand".
_TURN_TO_WRITE = 0x6B61706168616E64


def open_engine(uri: str) -> Engine:
    """An engine for a database that the configuration names."""
    return create_engine(
        uri,
        # No request waits without end for a server that a firewall has cut off; libpq's options, in s and in ms.
        connect_args={"connect_timeout": BUSY_TIMEOUT, "tcp_user_timeout": BUSY_TIMEOUT * 1000},
        pool_pre_ping=True,  # a connection that went away meanwhile is replaced
        pool_size=16,
        max_overflow=32,
        **quiet(),
    )


@contextmanager
def write_transaction(engine: Engine, *, alone: bool, survives_power_cut: bool) -> Iterator[Connection]:
    """A writing transaction.

    Arguments:
        alone: it waits until no other one of ours is alone, too; what is read in it cannot change then.
        survives_power_cut: see :meth:`.engine.Database.write`.
    """
    with engine.connect() as plain:
        # A stricter level of the site's own would look at the state before the wait for the turn.
        connection = plain.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            if not survives_power_cut:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            if alone:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT}s'")
                # Limits are counted, and then a row is added: READ COMMITTED alone lets others in between.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN_TO_WRITE})")
            yield connection
