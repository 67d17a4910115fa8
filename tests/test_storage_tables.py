"""The tables: where they are, their versions, and the times in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import (
    Column,
    Engine,
    MetaData,
    Table,
    column,
    create_engine,
    event,
    insert,
    inspect,
    select,
    table,
    update,
)
from sqlalchemy.engine import make_url

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.errors import SchemaError
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import VERSION_TABLE, schema
from flask_kapa_handoff.storage.column_types import UTCDateTime
from flask_kapa_handoff.storage.engine import Database, now
from flask_kapa_handoff.storage.indexes import metadata
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import latest_tickets
from tests.helpers.made_once import upgrade_by_alembic
from tests.helpers.pages import JSON, json_of
from tests.helpers.sites import is_made_by_us
from tests.helpers.tickets import send_ticket, ticket_fields


@pytest.fixture(autouse=True)
def migrations_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every database here is made by the migrations themselves."""
    monkeypatch.setattr("alembic.command.upgrade", upgrade_by_alembic)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Engine]:
    """An engine of the site's own."""
    engine = create_engine(f"sqlite:///{tmp_path}/shared.sqlite3")
    yield engine
    engine.dispose()


def test_the_newest_migration_is_the_one_that_the_package_expects() -> None:
    """There is one head, and its name is in the code."""
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert scripts.get_heads() == [schema.HEAD]


def test_the_migrations_make_the_tables_that_the_code_describes(shared: Engine) -> None:
    """Columns, types, indexes and constraints: Alembic finds no difference."""
    Database(lambda: shared).upgrade()
    options = {
        "compare_type": True,
        "version_table": VERSION_TABLE,
        "include_name": lambda name, kind, parents: kind != "table" or is_made_by_us(name),
    }
    with shared.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    assert set(filter(is_made_by_us, inspect(shared).get_table_names())) == {*metadata.tables, VERSION_TABLE}


def test_all_names_in_the_database_are_prefixed(shared: Engine) -> None:
    """Tables and indexes: in a shared database they cannot be taken for the site's."""
    Database(lambda: shared).upgrade()
    with shared.connect() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql IS NOT NULL").scalars().all()
    assert names
    assert all("kapa_handoff_" in name for name in names)


def test_an_upgrade_says_from_where_to_where(shared: Engine) -> None:
    """None before the first one; a second one does nothing."""
    database = Database(lambda: shared)
    assert database.upgrade() == (None, schema.HEAD)
    assert database.upgrade() == (schema.HEAD, schema.HEAD)


def test_an_upgrade_leaves_the_sites_own_tables_alone(shared: Engine) -> None:
    """A shared database keeps what it has, an Alembic version table of the site included."""
    with shared.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('site-7')")
        connection.exec_driver_sql("CREATE TABLE page (title TEXT)")
        connection.exec_driver_sql("INSERT INTO page VALUES ('Home')")
    Database(lambda: shared).upgrade()
    with shared.connect() as connection:
        assert connection.exec_driver_sql("SELECT * FROM alembic_version").scalars().all() == ["site-7"]
        assert connection.exec_driver_sql("SELECT * FROM page").scalars().all() == ["Home"]


def test_a_shared_database_without_tables_is_named_with_its_remedy(
    make_app: Callable[..., Flask], shared: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """503 for visitors, without the remedy; the owner's error and log name the command; after it, all works."""
    app = make_app(handoff=KapaHandoff(engine=shared))
    client = app.test_client()
    database = state_of(app).database
    with pytest.raises(SchemaError, match="flask kapa-handoff db upgrade"), database.read():
        pass
    caplog.clear()
    for headers in ({}, JSON):
        answer = client.get("/handoff/offer?pairs=1", headers=headers)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "upgrade" not in answer.text
    assert "flask kapa-handoff db upgrade" in caplog.text
    database.upgrade()
    assert send_ticket(client)


def test_a_shared_database_is_not_migrated_automatically(make_app: Callable[..., Flask], shared: Engine) -> None:
    """It belongs to the site."""
    client = make_app(handoff=KapaHandoff(engine=shared)).test_client()
    client.get("/handoff/offer?pairs=1")
    assert inspect(shared).get_table_names() == []


def set_version(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(table(VERSION_TABLE, column("version_num"))).values(version_num=version))


def drop_column(engine: Engine) -> None:
    """What a new major version may do."""
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE kapa_handoff_ticket DROP COLUMN flag")


def test_tables_of_a_newer_package_are_refused(make_app: Callable[..., Flask], shared: Engine) -> None:
    """After a downgrade of the package nothing is written into tables that it cannot use."""
    Database(lambda: shared).upgrade()
    drop_column(shared)
    set_version(shared, "9999")
    app = make_app(handoff=KapaHandoff(engine=shared))
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 503
    database = state_of(app).database
    with pytest.raises(SchemaError, match=r"9999.*newer"), database.read():
        pass
    with pytest.raises(SchemaError, match="9999"):
        database.upgrade()


@pytest.mark.only("sqlite")
def test_an_embedded_file_of_a_newer_package_is_refused(make_app: Callable[..., Flask]) -> None:
    """It only migrates forwards automatically."""
    first = make_app()
    send_ticket(first.test_client())
    drop_column(state_of(first).database.engine)
    set_version(state_of(first).database.engine, "9999")
    app = make_app()
    answer = app.test_client().get("/handoff/offer?pairs=1", headers=JSON)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (503, "unavailable")
    with pytest.raises(SchemaError, match="9999"), state_of(app).database.read():
        pass


@pytest.mark.only("sqlite")
def test_an_unsupported_database_is_named(make_app: Callable[..., Flask]) -> None:
    """MySQL is refused with what is supported, not with a puzzle from its driver."""

    class Foreign:
        pool, url = None, make_url("mysql://database.example.com/site")

        class dialect:
            name = "mysql"

    app = make_app()
    app.extensions["sqlalchemy"] = SimpleNamespace(engines={None: Foreign()})
    database = state_of(app).database
    with pytest.raises(SchemaError, match=r"mysql.*SQLite or PostgreSQL"), database.read():
        pass
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 503


def test_closing_leaves_a_shared_engine_open(make_app: Callable[..., Flask], shared: Engine) -> None:
    """It is the site's; the embedded one is opened again when it is needed."""
    for app in (make_app(handoff=KapaHandoff(engine=shared), name="shared"), make_app(name="own")):
        database = state_of(app).database
        database.upgrade()
        with shared.connect() as held:
            database.close()
            assert held.exec_driver_sql("SELECT 1").scalar_one() == 1
        assert send_ticket(app.test_client())


def test_a_site_that_begins_transactions_its_own_way_still_works(
    make_app: Callable[..., Flask], shared: Engine
) -> None:
    """SQLAlchemy's documented recipe for SQLite: the site's listeners send BEGIN themselves."""

    @event.listens_for(shared, "connect")
    def connected(driver: Any, record: object) -> None:
        driver.isolation_level = None

    @event.listens_for(shared, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    app = make_app(handoff=KapaHandoff(engine=shared))
    state_of(app).database.upgrade()
    fields = ticket_fields(app.test_client())
    first, second = (app.test_client().post("/handoff/tickets", data=fields, headers=JSON) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)


VIENNA = timezone(timedelta(hours=2))


def test_times_come_back_in_utc(app: Flask) -> None:
    """Stored in another zone, read as the same moment with a zone, down to the microsecond."""
    send_ticket(app.test_client())
    moment = datetime(2026, 7, 1, 1, 30, 15, 123456, tzinfo=VIENNA)
    database = state_of(app).database
    with database.write() as connection:
        connection.execute(update(ticket_table).values(created_at=moment))
    with database.read() as connection:
        found = latest_tickets(connection)[0].created_at
    assert found == moment
    assert found.utcoffset() == timedelta(0)
    assert found.isoformat() == "2026-06-30T23:30:15.123456+00:00"


def test_a_time_without_a_zone_cannot_be_stored(shared: Engine) -> None:
    """Nobody could say what it means."""
    times = Table("times", MetaData(), Column("at", UTCDateTime))
    times.create(shared)
    with shared.begin() as connection:
        connection.execute(insert(times).values(at=None))
        assert connection.execute(select(times.c.at)).scalar_one() is None
        with pytest.raises(Exception, match="time zone"):
            connection.execute(insert(times).values(at=datetime(2026, 7, 1)))  # noqa: DTZ001 - that is the point


def test_the_databases_clock_is_used_and_is_utc(app: Flask) -> None:
    """Aware, and within seconds of this machine's."""
    with state_of(app).database.write() as connection:
        moment = now(connection)
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - moment) < timedelta(seconds=5)
