"""What nearly every test needs and is always the same is made once in a process: the tables, and templates' code."""

from __future__ import annotations

from collections.abc import Iterator
from gettext import GNUTranslations, NullTranslations
from types import CodeType
from typing import Any

from alembic import command
from alembic.config import Config
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from jinja2.filters import FILTERS
from sqlalchemy import Connection, inspect

from flask_kapa_handoff.storage import VERSION_TABLE, search_sqlite
from flask_kapa_handoff.template_environment import OPTIONS
from flask_kapa_handoff.template_messages import WRITTEN
from flask_kapa_handoff.translation import Language

upgrade_by_alembic = command.upgrade
"""The real one, for tests of the migrations themselves."""

_dumps: dict[tuple[Any, ...], list[str]] = {}


def _upgrade(config: Config, revision: str, sql: bool = False, tag: str | None = None) -> None:
    """Upgrade a database; an empty SQLite file gets what our migrations have made of another one."""
    connection: Connection | None = config.attributes.get("connection")  # a site's own migrations hand over none
    if connection is None or connection.dialect.name != "sqlite" or inspect(connection).get_table_names():
        upgrade_by_alembic(config, revision, sql, tag)
        return
    migrations = (config.get_main_option("script_location"), revision)
    if migrations in _dumps:
        for statement in _dumps[migrations]:
            connection.exec_driver_sql(statement)
        return
    upgrade_by_alembic(config, revision)
    made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB ? ORDER BY rowid"
    # A virtual table makes its own tables.
    statements = connection.exec_driver_sql(made, (f"{search_sqlite.NAME}_*",)).scalars().all()
    version = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one()  # noqa: S608
    _dumps[migrations] = [*statements, f"INSERT INTO {VERSION_TABLE} VALUES ('{version}')"]  # noqa: S608


class _Code(BytecodeCache):
    """The code of templates, by name, content and language, for environments that compile all alike."""

    def __init__(self) -> None:
        self._code: dict[tuple[Any, ...], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if _compiles_as_usual(bucket.environment):
            bucket.code = self._code.get(_key(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if _compiles_as_usual(bucket.environment):
            self._code[_key(bucket)] = bucket.code


def _compiles_as_usual(environment: Environment) -> bool:
    usual = all(type(catalog) in (NullTranslations, GNUTranslations) for catalog in _catalogs(environment))
    return usual and not environment.extensions and environment.filters.keys() == FILTERS.keys() | {WRITTEN}


def _catalogs(environment: Environment) -> Iterator[Any]:
    """Where the words of its templates come from: a site's own catalog, then the package's."""
    language: Language | None = getattr(environment, "language", None)
    catalog: Any = language and language.catalog
    while catalog is not None:
        yield catalog
        catalog = catalog._fallback


def _key(bucket: Bucket) -> tuple[Any, ...]:
    language: Language | None = getattr(bucket.environment, "language", None)
    messages = [item for one in _catalogs(bucket.environment) for item in getattr(one, "_catalog", {}).items()]
    return (bucket.key, bucket.checksum, language and language.name, *messages)


def install() -> None:
    """Do so from now on."""
    command.upgrade = _upgrade
    OPTIONS["bytecode_cache"] = _Code()
