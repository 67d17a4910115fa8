"""The version of the tables: read, check, upgrade. Alembic is imported only when there is something to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from ..errors import SchemaError, Unavailable
from . import BUSY_TIMEOUT, VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

HEAD = "0004"
"""The newest migration; a test holds it against the migrations folder."""

MIGRATIONS = Path(__file__).parent / "migrations"

_upgrading = threading.Lock()


def _renew_lock() -> None:
    global _upgrading
    _upgrading = threading.Lock()  # whoever holds the old one is not in this process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def _turn_of_alembic() -> Iterator[None]:
    lock = _upgrading
    if not lock.acquire(timeout=BUSY_TIMEOUT):
        raise Unavailable from TimeoutError(f"another app's tables are being upgraded for {BUSY_TIMEOUT} seconds")
    try:
        yield
    finally:
        lock.release()


UPGRADE = "flask kapa-handoff db upgrade"


def version(engine: Engine) -> str | None:
    """The version of the database's tables; none: there are no tables yet."""
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    # VERSION_TABLE is a constant of this package
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return None if found is None else str(found)


def check(engine: Engine) -> None:
    """Raise SchemaError, which names the command that mends it, unless the tables are of this version."""
    found = version(engine)
    if found is None:
        raise SchemaError("The handoff tables are not in the database yet.", f"Create them with: {UPGRADE}")
    if found != HEAD:
        _refuse_newer(found)
        raise SchemaError(f"The handoff tables are of version {found}, needed is {HEAD}.", f"Run: {UPGRADE}")


def upgrade(
    engine: Engine,
    write_transaction: Callable[[Engine], AbstractContextManager[Connection]],
    *,
    use_write_ahead_log: bool,
) -> None:
    """Bring the tables to :data:`HEAD`. Several processes may try at once: one does it, the others wait.

    Arguments:
        use_write_ahead_log: for an SQLite file that is the package's alone; a site's own stays as it is.
    """
    if version(engine) == HEAD:
        return
    if use_write_ahead_log:
        _use_write_ahead_log(engine)
    from alembic import command

    # One app of a process after another: Alembic keeps what it is working on in globals.
    with _turn_of_alembic(), write_transaction(engine) as connection:
        found = _version(connection)
        if found is not None:
            _refuse_newer(found)
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> AlembicConfig:
    """Alembic's configuration, without an ini file."""
    from alembic.config import Config as AlembicConfig

    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _use_write_ahead_log(engine: Engine) -> None:
    # Kept in the file's header, so once is enough. Two processes that start at the same moment may refuse each
    # other here; the one that came first has set it for both.
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            if "locked" not in str(error):
                raise


def _refuse_newer(found: str) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if found not in known:
        raise SchemaError(
            f"The handoff tables are of version {found}, which this version of flask-kapa-handoff does not know "
            f"(it knows up to {HEAD}).",
            "Install the newer package again.",
        )
