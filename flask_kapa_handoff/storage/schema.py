"""Reads, checks and upgrades the version of the tables. Imports Alembic only when there is something to do.

The rule for migrations, so that the package can be rolled back: within a major version they only add. A new column is
nullable or has a server default, a new table that refers to an earlier one has ``ON DELETE CASCADE`` or ``SET NULL``,
and nothing that an earlier version of the same major version reads or writes is renamed, removed, narrowed or given
another meaning. This version then works with tables that a later one has extended, see :func:`is_usable`; any other
change has to wait for the next major version.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, Inspector, inspect, text
from sqlalchemy.exc import OperationalError

from ..errors import SchemaError
from ..lazy_text import LazyText, lazy_join
from ..lazy_text import lazy_gettext as _
from . import VERSION_TABLE
from .locks import held
from .tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig
    from sqlalchemy.engine.interfaces import ReflectedColumn

HEAD = "0010"
"""The newest migration; a test compares it with the migrations folder."""

MIGRATIONS = Path(__file__).parent / "migrations"

_upgrading = threading.Lock()


def _renew_lock() -> None:
    global _upgrading
    _upgrading = threading.Lock()  # the thread that holds the old one is not in this process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


UPGRADE = "flask kapa-handoff db upgrade"


def version(engine: Engine) -> str | None:
    """The version of the database's tables; None: there are no tables yet."""
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    # VERSION_TABLE is a constant of this package
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return None if found is None else str(found)


def check(engine: Engine) -> None:
    """Raise SchemaError, which names the command that fixes it, unless the tables are of this version."""
    found = version(engine)
    if found is None:
        raise SchemaError(
            _("The handoff tables are not in the database yet."), _("Create them with: %(command)s", command=UPGRADE)
        )
    if found != HEAD and not is_usable(engine, found):
        raise SchemaError(
            _("The handoff tables are at version %(found)s; version %(needed)s is needed.", found=found, needed=HEAD),
            _("Run: %(command)s", command=UPGRADE),
        )


def upgrade(
    engine: Engine,
    write_transaction: Callable[[Engine], AbstractContextManager[Connection]],
    *,
    use_write_ahead_log: bool,
) -> None:
    """Upgrade the tables to :data:`HEAD`; tables that a later version has extended stay as they are.

    Several processes may call this at once: one upgrades, the others wait.

    Arguments:
        use_write_ahead_log: for an SQLite file that belongs to the package alone; a site's own keeps its mode.
    """
    before = version(engine)
    if before == HEAD or (before is not None and is_usable(engine, before)):
        return
    if use_write_ahead_log:
        _use_write_ahead_log(engine)
    from alembic import command

    # One app at a time within a process: Alembic keeps its state in globals.
    with held(_upgrading, "another app's tables are being upgraded"), write_transaction(engine) as connection:
        found = _version(connection)
        if found is not None and is_usable(connection, found):
            return  # a process of a later version was faster
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
    # The mode is stored in the file's header, so setting it once is enough. If two processes start at the same moment,
    # it may fail in one of them; the other has set it for both.
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            if "locked" not in str(error):
                raise


def is_usable(database: Engine | Connection, found: str) -> bool:
    """Whether a later version of this package made the tables, and only added to what this one needs.

    Arguments:
        found: the version of the tables.

    Returns:
        False: they are of an earlier version, or of this one.

    Raises:
        SchemaError: they are of a later version, and this one cannot use them.
    """
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(alembic_config())
    if found in {script.revision for script in scripts.walk_revisions()}:
        return False
    obstacles = _obstacles(inspect(database))
    if obstacles:
        raise SchemaError(
            _(
                "The handoff tables are at version %(found)s, which this version of flask-kapa-handoff does not know "
                "(it knows up to %(known)s) and cannot use: %(obstacles)s.",
                found=found,
                known=HEAD,
                obstacles=lazy_join(", ", obstacles),
            ),
            _("Install the newer package again."),
        )
    return True


def _obstacles(database: Inspector) -> list[LazyText]:
    """What prevents this version from using the tables: anything it needs that is missing, or cannot fill."""
    missing: list[str] = []
    required: list[str] = []
    for table in metadata.sorted_tables:
        if not database.has_table(table.name):
            missing.append(table.name)
            continue
        columns = {column["name"]: column for column in database.get_columns(table.name)}
        missing += [f"{table.name}.{name}" for name in table.columns.keys() - columns.keys()]
        required += [
            f"{table.name}.{name}"
            for name in columns.keys() - table.columns.keys()
            if not columns[name]["nullable"] and not _is_optional(columns[name])
        ]
    return [
        *(_("%(name)s is missing", name=name) for name in sorted(missing)),
        *(_("%(name)s must be given", name=name) for name in sorted(required)),
    ]


def _is_optional(column: ReflectedColumn) -> bool:
    return column.get("default") is not None or any(column.get(kind) for kind in ("identity", "computed"))
