"""Storage: the embedded file, shared databases, versions of the tables, several processes, forks and times."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
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
from flask_kapa_handoff.errors import SchemaError, Unavailable
from flask_kapa_handoff.storage import PREFIX, VERSION_TABLE, schema
from flask_kapa_handoff.storage.engine import Database, now
from flask_kapa_handoff.storage.models import UTCDateTime, metadata
from flask_kapa_handoff.storage.models import ticket as ticket_table
from flask_kapa_handoff.storage.records import latest_tickets
from flask_kapa_handoff.storage.sqlite import create_file, open_engine
from tests.conftest import PAIR, send_ticket, signed_offer, ticket_fields
from tests.test_public_form import JSON

ROOT = Path(__file__).parent.parent


def file_of(app: Flask) -> Path:
    return Path(app.instance_path) / "kapa_handoff.sqlite3"


def pragma(path: Path, name: str) -> Any:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Engine]:
    """An engine of the site's own."""
    engine = create_engine(f"sqlite:///{tmp_path}/shared.sqlite3")
    yield engine
    engine.dispose()


# --- the embedded file -----------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_the_file_appears_at_first_use_in_the_instance_folder(app: Flask) -> None:
    """With its tables; nothing has to be run before."""
    assert not file_of(app).exists()
    send_ticket(app.test_client())
    assert file_of(app).exists()
    connection = sqlite3.connect(file_of(app))
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert names == {*metadata.tables, VERSION_TABLE}
    assert all(name.startswith("kapa_handoff_") for name in names)


def test_the_uri_of_the_configuration_decides_where_it_is(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """Folders on the way are made."""
    path = tmp_path / "a" / "b c" / "tickets.db"
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    send_ticket(app.test_client())
    assert path.exists()
    assert not file_of(app).exists()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.only("sqlite")
def test_nobody_else_may_read_the_file(app: Flask, mask: int) -> None:
    """Mode 0600, the write-ahead log included, whatever the process's umask."""
    before = os.umask(mask)
    try:
        send_ticket(app.test_client())
    finally:
        os.umask(before)
    for path in file_of(app).parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


@pytest.mark.only("sqlite")
def test_the_file_survives_a_power_cut_and_readers_do_not_wait(app: Flask) -> None:
    """Write-ahead log, synchronous FULL, and foreign keys that are checked, on every connection."""
    send_ticket(app.test_client())
    assert pragma(file_of(app), "journal_mode") == "wal"
    database: Database = app.extensions["kapa_handoff"].database
    with database.read() as one, database.read() as two, database.write() as three:
        for connection in (one, two, three):
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() >= 5_000


@pytest.mark.only("sqlite")
def test_a_file_that_is_there_but_empty_gets_its_tables(app: Flask) -> None:
    """As a deploy script may have made it with touch."""
    file_of(app).parent.mkdir(parents=True)
    file_of(app).touch()
    assert send_ticket(app.test_client())


def test_the_tickets_are_there_after_a_restart(make_app: Callable[..., Flask]) -> None:
    """Another app on the same file reads what the first one stored."""
    reference = send_ticket(make_app().test_client())
    with make_app().extensions["kapa_handoff"].database.read() as connection:
        assert [ticket.reference for ticket in latest_tickets(connection)] == [reference]


def test_a_write_that_fails_leaves_nothing_behind(app: Flask) -> None:
    """The transaction is rolled back, and the next one is not hindered."""
    database: Database = app.extensions["kapa_handoff"].database
    send_ticket(app.test_client())

    def fail_in_the_middle() -> None:
        with database.write() as connection:
            connection.execute(update(ticket_table).values(note="half"))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle()
    with database.read() as connection:
        assert latest_tickets(connection)[0].note != "half"
    assert send_ticket(app.test_client())


def test_a_writer_is_alone_from_its_first_statement_on(app: Flask) -> None:
    """What it has read cannot change before it commits: 200 counts of 8 threads come out exactly."""
    database: Database = app.extensions["kapa_handoff"].database
    send_ticket(app.test_client())

    def count_up(_: int) -> None:
        with database.write() as connection:
            attempts = connection.execute(select(ticket_table.c.attempts)).scalar_one()
            connection.execute(update(ticket_table).values(attempts=attempts + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(200)))
    with database.read() as connection:
        assert latest_tickets(connection)[0].attempts == 200


def test_readers_go_on_while_somebody_writes(app: Flask) -> None:
    """They see the state before, and do not wait."""
    database: Database = app.extensions["kapa_handoff"].database
    send_ticket(app.test_client())
    with database.write() as writing:
        writing.execute(update(ticket_table).values(note="not yet"))
        with database.read() as reading:
            assert latest_tickets(reading)[0].note == "It does not work on Tuesdays."
    with database.read() as reading:
        assert latest_tickets(reading)[0].note == "not yet"


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN EXCLUSIVE")
except sqlite3.OperationalError as error:
    print(error)
"""


@pytest.mark.only("sqlite")
def test_making_a_file_that_is_there_already_drops_no_lock(tmp_path: Path) -> None:
    """Of two threads or apps that find no file, the second one comes when the first one has it open."""
    path = tmp_path / "tickets.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        engine = open_engine(f"sqlite:///{path}")
        create_file(engine)
        other = subprocess.run([sys.executable, "-c", LOCK, str(path)], capture_output=True, text=True, check=True)
        assert other.stdout == "database is locked\n"
        engine.dispose()


@pytest.mark.only("sqlite")
def test_a_link_to_a_file_that_is_not_there_yet_is_followed(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """As of an instance folder whose data lie on another disk; nobody else may read the file there either."""
    link, place = tmp_path / "tickets.sqlite3", tmp_path / "disk" / "data.sqlite3"
    link.symlink_to(place)
    assert send_ticket(make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{link}").test_client())
    assert link.is_symlink()
    assert place.stat().st_mode & 0o777 == 0o600


@pytest.mark.only("sqlite")
def test_an_upgraded_file_is_not_taken_for_another_one(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """``db upgrade`` in the same process comes before the first use."""
    app.extensions["kapa_handoff"].database.upgrade()
    send_ticket(app.test_client())
    assert "moved, replaced or deleted" not in caplog.text


# --- several processes -----------------------------------------------------------------------------------------------

WORKER = f"""
import json, sys, uuid
from flask import Flask
from flask_kapa_handoff import KapaHandoff
app = Flask("site", instance_path=sys.argv[1])
app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", KAPA_HANDOFF_DELIVERY="external",
                  KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=7)
KapaHandoff(app)
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.triggers import Facts, Trigger
signer = app.extensions["kapa_handoff"].offer_signer()
print("ready", flush=True)
sys.stdin.readline()
for number in range(4):
    answer = app.test_client().post("/handoff/tickets", headers={{"Accept": "application/json"}}, data=dict(
        offer=signer.sign(Offer((Trigger.ALWAYS,), Facts(1))), submission_id=str(uuid.uuid4()),
        email=f"v{{uuid.uuid4().hex}}@example.com",
        conversation=json.dumps([{PAIR!r}])))
    print(answer.status_code, answer.text.replace("\\n", " "), flush=True)
"""


def test_processes_that_start_at_once_make_the_file_together_and_share_the_limits(tmp_path: Path) -> None:
    """Four workers on a missing file send 16 tickets: none meets an error, and 7 pass the limit of 7."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, str(tmp_path / "instance")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    lines: list[str] = []
    for worker in workers:
        output, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
        assert "Traceback" not in errors
        assert "locked" not in errors
        lines += output.splitlines()
    assert sorted(line[:3] for line in lines) == ["201"] * 7 + ["429"] * 9, lines
    assert pragma(tmp_path / "instance" / "kapa_handoff.sqlite3", "journal_mode") == "wal"


def test_threads_that_start_at_once_make_the_file_together(app: Flask) -> None:
    """The first requests of a process may come all at the same moment."""
    barrier = threading.Barrier(12)

    def first(_: int) -> int:
        barrier.wait()
        return app.test_client().get("/handoff/offer?pairs=1").status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(first, range(12))) == {200}


def test_a_forked_process_has_connections_of_its_own(make_app: Callable[..., Flask]) -> None:
    """A server that forks after the first use: parent and children store tickets, and nothing is damaged."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=100, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=100)
    client = app.test_client()
    offer = signed_offer(client)
    send_ticket(client, offer=offer)
    database: Database = app.extensions["kapa_handoff"].database
    children = []
    with database.read() as connection:  # a connection that is in use while the fork happens
        latest_tickets(connection)
        for _ in range(3):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    for _ in range(5):
                        send_ticket(app.test_client(), offer=offer)
                    with database.read() as own:
                        status = 0 if len(latest_tickets(own)) >= 6 else 2
                finally:
                    os._exit(status)
            children.append(child)
    for _ in range(5):
        send_ticket(client, offer=offer)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    with database.read() as connection:
        assert len(latest_tickets(connection)) == 21
    if file_of(app).exists():
        assert pragma(file_of(app), "integrity_check") == "ok"


def test_a_forked_process_leaves_the_parents_connections_of_a_shared_engine_alone(tmp_path: Path) -> None:
    """A Celery worker that has read tickets before it forks: no child speaks over the connection that it copied."""
    engine = create_engine(f"sqlite:///{tmp_path / 'site.sqlite3'}")
    database = Database(lambda: engine)
    database.upgrade()

    def driver_connection() -> Any:
        with database.read() as connection:
            return connection.connection.dbapi_connection

    of_parent = driver_connection()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if driver_connection() is not of_parent else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert driver_connection() is of_parent
    engine.dispose()


def test_a_fork_while_another_thread_writes_does_not_hang_the_child(app: Flask) -> None:
    """SQLite notes its locks per process, and a fork copies the notes: the child must not take them for its own."""
    client = app.test_client()
    offer = signed_offer(client)
    database: Database = app.extensions["kapa_handoff"].database
    writing, forked = threading.Event(), threading.Event()

    def write() -> None:
        with database.write():
            writing.set()
            forked.wait(0.5)  # not for ever: the fork may well wait until nobody writes

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(30)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(5)  # a child that hangs ends with SIGALRM
            send_ticket(app.test_client(), offer=offer)
            status = 0
        finally:
            os._exit(status)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- versions of the tables ------------------------------------------------------------------------------------------


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
        "include_name": lambda name, kind, parents: kind != "table" or name.startswith(PREFIX),
    }
    with shared.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    assert set(inspect(shared).get_table_names()) == {*metadata.tables, VERSION_TABLE}


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
    database: Database = app.extensions["kapa_handoff"].database
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


def test_a_shared_database_is_not_migrated_by_itself(make_app: Callable[..., Flask], shared: Engine) -> None:
    """It belongs to the site."""
    client = make_app(handoff=KapaHandoff(engine=shared)).test_client()
    client.get("/handoff/offer?pairs=1")
    assert inspect(shared).get_table_names() == []


def set_version(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(table(VERSION_TABLE, column("version_num"))).values(version_num=version))


def test_tables_of_a_newer_package_are_refused(make_app: Callable[..., Flask], shared: Engine) -> None:
    """After a downgrade of the package nothing is written into tables that it does not know."""
    Database(lambda: shared).upgrade()
    set_version(shared, "9999")
    app = make_app(handoff=KapaHandoff(engine=shared))
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 503
    database: Database = app.extensions["kapa_handoff"].database
    with pytest.raises(SchemaError, match=r"9999.*newer"), database.read():
        pass
    with pytest.raises(SchemaError, match="9999"):
        database.upgrade()


@pytest.mark.only("sqlite")
def test_an_embedded_file_of_a_newer_package_is_refused(make_app: Callable[..., Flask]) -> None:
    """It migrates by itself only forwards."""
    first = make_app()
    send_ticket(first.test_client())
    set_version(first.extensions["kapa_handoff"].database.engine, "9999")
    app = make_app()
    answer = app.test_client().get("/handoff/offer?pairs=1", headers=JSON)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
    with pytest.raises(SchemaError, match="9999"), app.extensions["kapa_handoff"].database.read():
        pass


def test_an_unsupported_database_is_named(make_app: Callable[..., Flask]) -> None:
    """MySQL is refused with what is supported, not with a puzzle from its driver."""

    class Foreign:
        pool, url = None, make_url("mysql://database.example.com/site")

        class dialect:
            name = "mysql"

    app = make_app(handoff=KapaHandoff(engine=Foreign()))  # type: ignore[arg-type]
    database: Database = app.extensions["kapa_handoff"].database
    with pytest.raises(SchemaError, match=r"mysql.*SQLite or PostgreSQL"), database.read():
        pass
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 503


def test_closing_leaves_a_shared_engine_open(make_app: Callable[..., Flask], shared: Engine) -> None:
    """It is the site's; the embedded one is opened again when it is needed."""
    for app in (make_app(handoff=KapaHandoff(engine=shared), name="shared"), make_app(name="own")):
        database: Database = app.extensions["kapa_handoff"].database
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
    app.extensions["kapa_handoff"].database.upgrade()
    fields = ticket_fields(app.test_client())
    first, second = (app.test_client().post("/handoff/tickets", data=fields, headers=JSON) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)


# --- times -----------------------------------------------------------------------------------------------------------

VIENNA = timezone(timedelta(hours=2))


def test_times_come_back_in_utc(app: Flask) -> None:
    """Stored in another zone, read as the same moment with a zone, down to the microsecond."""
    send_ticket(app.test_client())
    moment = datetime(2026, 7, 1, 1, 30, 15, 123456, tzinfo=VIENNA)
    database: Database = app.extensions["kapa_handoff"].database
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
    with app.extensions["kapa_handoff"].database.write() as connection:
        moment = now(connection)
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - moment) < timedelta(seconds=5)


def test_what_is_no_trouble_of_the_database_is_not_called_so(app: Flask) -> None:
    """A mistake in our own SQL is an error to be seen, not a 503 that invites to try again."""
    database: Database = app.extensions["kapa_handoff"].database
    with pytest.raises(Exception) as caught, database.write() as connection:
        connection.execute(insert(ticket_table).values(reference=None))
    assert not isinstance(caught.value, Unavailable)


def test_an_address_with_a_percent_sign_or_a_question_mark_is_taken_as_it_is(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Paths are not templates."""
    folder = tmp_path / "100%25 sure"
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{folder}/k.sqlite3")
    assert send_ticket(app.test_client())
    path = make_url(app.config["KAPA_HANDOFF_DATABASE_URI"]).database
    assert path is not None
    assert Path(path).exists()


def test_a_writer_does_not_wait_for_its_turn_without_end(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another thread of the process has been writing for too long the visitor is told, not kept waiting."""
    monkeypatch.setattr("flask_kapa_handoff.storage.engine.BUSY_TIMEOUT", 0.2)
    database: Database = make_app().extensions["kapa_handoff"].database
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            inside.set()
            leave.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(20)
    with pytest.raises(Unavailable), database.write():
        pass
    leave.set()
    holder.join()


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("fate", ["deleted", "moved", "replaced"])
def test_a_file_that_went_away_is_not_written_into(app: Flask, fate: str, caplog: pytest.LogCaptureFixture) -> None:
    """Connections would go on writing into a file that nobody finds: the next ticket is in the file of that place."""
    client = app.test_client()
    offer = signed_offer(client)
    send_ticket(client, offer=offer)
    path = file_of(app)
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        if fate == "moved":
            name.rename(name.with_name("old-" + name.name))
        else:
            name.unlink()
    if fate == "replaced":
        path.touch()
    reference = send_ticket(client, offer=offer)
    app.extensions["kapa_handoff"].database.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT reference FROM kapa_handoff_ticket").fetchall() == [(reference,)]
    connection.close()
    assert "moved, replaced or deleted" in caplog.text


@pytest.mark.only("sqlite")
def test_nobody_writes_while_the_log_is_copied(app: Flask) -> None:
    """Two checkpoints, and a log that begins anew between them, can lose a commit in older versions of SQLite."""
    database: Database = app.extensions["kapa_handoff"].database
    send_ticket(app.test_client())
    other = sqlite3.connect(file_of(app), timeout=0, isolation_level=None)
    refused: list[str] = []

    def write(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "wal_checkpoint" in statement:
            with pytest.raises(sqlite3.OperationalError) as caught:
                other.execute("BEGIN IMMEDIATE")
            refused.append(str(caught.value))

    event.listen(database.engine, "before_cursor_execute", write)
    database.checkpoint()
    assert refused == ["database is locked"]
    other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.only("sqlite")
def test_the_log_begins_anew_after_each_checkpoint(app: Flask) -> None:
    """However many tickets there are: it is as long as what was written since."""
    database: Database = app.extensions["kapa_handoff"].database
    client = app.test_client()
    offer = signed_offer(client)
    log = file_of(app).with_name("kapa_handoff.sqlite3-wal")
    sizes = []
    for _ in range(9):
        send_ticket(client, offer=offer)
        database.checkpoint()
        sizes.append(log.stat().st_size)
    assert sizes[-1] == sizes[1]


@pytest.mark.only("sqlite")
def test_a_reader_neither_waits_for_a_checkpoint_nor_holds_one_up(app: Flask) -> None:
    """A backup reads for long: what it still needs stays in the log, and tickets are taken."""
    database: Database = app.extensions["kapa_handoff"].database
    client = app.test_client()
    offer = signed_offer(client)
    send_ticket(client, offer=offer)
    reader = sqlite3.connect(file_of(app), timeout=0, isolation_level=None)
    reader.execute("BEGIN")
    count = "SELECT count(*) FROM kapa_handoff_ticket"
    assert reader.execute(count).fetchone() == (1,)
    send_ticket(client, offer=offer)
    database.checkpoint()
    send_ticket(client, offer=offer)
    assert reader.execute(count).fetchone() == (1,)
    reader.execute("COMMIT")
    assert reader.execute(count).fetchone() == (3,)
    reader.close()


@pytest.mark.only("sqlite")
def test_a_file_that_was_replaced_during_a_failure_is_not_written_into(app: Flask) -> None:
    """Another process has made the file anew before this one has a second look at it."""
    client, database, path = app.test_client(), app.extensions["kapa_handoff"].database, file_of(app)
    offer = signed_offer(client)
    send_ticket(client, offer=offer)

    def fail() -> None:
        with database.read():
            for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
                name.unlink()
            other = Database(lambda: f"sqlite:///{path}")
            other.upgrade()
            other.close()
            raise OSError("disk I/O error")

    with pytest.raises(Unavailable):
        fail()
    reference = send_ticket(client, offer=offer)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT reference FROM kapa_handoff_ticket").fetchall() == [(reference,)]


def test_apps_of_one_process_make_their_files_at_the_same_moment(make_app: Callable[..., Flask]) -> None:
    """Alembic keeps what it works on in globals of the process."""
    apps = [make_app(name=f"site{number}") for number in range(6)]
    barrier = threading.Barrier(len(apps))

    def visit(app: Flask) -> str:
        barrier.wait()
        return send_ticket(app.test_client())

    with ThreadPoolExecutor(len(apps)) as pool:
        assert all(reference.startswith("T-") for reference in pool.map(visit, apps))
