"""The two kinds of databases: how an engine is made, closed, and what its errors mean."""

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
    """Whether it speaks to SQLite; else it is PostgreSQL."""
    return bind.dialect.name == "sqlite"


def open_engine(uri: str) -> Engine:
    """An engine for a database that is opened here."""
    return sqlite.open_engine(uri) if make_url(uri).get_backend_name() == "sqlite" else postgresql.open_engine(uri)


def dispose(engine: Engine, process: int) -> None:
    """Close the connections of an engine that this process has opened; a fork's copies are the parent's."""
    engine.dispose(close=process == os.getpid())


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn what a driver or the system says of a database that cannot be used into :class:`Unavailable`."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError, NotSupportedError) as error:
        # A mistake of ours, unless the connection went away at that moment.
        if error.connection_invalidated:
            raise Unavailable from error
        raise
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise Unavailable from error
