"""The two kinds of databases: how to open and close an engine, and what its errors mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..errors import Unavailable
from . import postgresql, sqlite


def is_sqlite(bind: Engine | Connection) -> bool:
    """Whether the database is SQLite; else it is PostgreSQL."""
    return bind.dialect.name == "sqlite"


def open_engine(uri: str) -> Engine:
    """A new engine for the database at this address."""
    return sqlite.open_engine(uri) if make_url(uri).get_backend_name() == "sqlite" else postgresql.open_engine(uri)


def dispose(engine: Engine, process: int) -> None:
    """Close an engine's connections if ``process`` is this process; in a fork, they belong to the parent."""
    engine.dispose(close=process == os.getpid())


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn errors of the driver or the system about an unusable database into :class:`Unavailable`."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError, NotSupportedError) as error:
        # A bug of ours, unless the connection was lost at that moment.
        if error.connection_invalidated:
            raise Unavailable from error
        raise
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise Unavailable from error
