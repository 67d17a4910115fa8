"""The embedded file: where it is, who may read it, who waits for whom, and what happens when it goes away."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update
from sqlalchemy.engine import make_url

from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import VERSION_TABLE
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.sqlite import create_file, open_engine
from flask_kapa_handoff.storage.tables import metadata
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import latest_tickets
from tests.helpers.offers import signed_offer
from tests.helpers.sites import file_of, is_made_by_us, pragma
from tests.helpers.tickets import send_ticket


@pytest.mark.only("sqlite")
def test_the_file_appears_at_first_use_in_the_instance_folder(app: Flask) -> None:
    """With its tables; nothing has to be run before."""
    assert not file_of(app).exists()
    send_ticket(app.test_client())
    assert file_of(app).exists()
    connection = sqlite3.connect(file_of(app))
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert set(filter(is_made_by_us, names)) == {*metadata.tables, VERSION_TABLE}
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
    database = state_of(app).database
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
    with state_of(make_app()).database.read() as connection:
        assert [ticket.reference for ticket in latest_tickets(connection)] == [reference]


def test_a_write_that_fails_leaves_nothing_behind(app: Flask) -> None:
    """The transaction is rolled back, and the next one is not hindered."""
    database = state_of(app).database
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
    database = state_of(app).database
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
    database = state_of(app).database
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
    state_of(app).database.upgrade()
    send_ticket(app.test_client())
    assert "moved, replaced or deleted" not in caplog.text


def test_other_errors_are_not_reported_as_the_databases(app: Flask) -> None:
    """A mistake in our own SQL is an error, not a 503 that invites visitors to try again."""
    database = state_of(app).database
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


@pytest.mark.only("sqlite")  # PostgreSQL's own wait has a test in test_postgresql.py
def test_a_writer_does_not_wait_forever_for_its_turn(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another thread of the process writes for too long, the visitor gets a message instead of waiting."""
    monkeypatch.setattr("flask_kapa_handoff.storage.locks.BUSY_TIMEOUT", 0.2)
    database = state_of(make_app()).database
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
    state_of(app).database.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT reference FROM kapa_handoff_ticket").fetchall() == [(reference,)]
    connection.close()
    assert "moved, replaced or deleted" in caplog.text


@pytest.mark.only("sqlite")
def test_nobody_writes_while_the_log_is_copied(app: Flask) -> None:
    """If the log starts over between two checkpoints, older versions of SQLite can lose a commit."""
    database = state_of(app).database
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
def test_the_log_starts_over_after_each_checkpoint(app: Flask) -> None:
    """However many tickets there are: it is as long as what was written since."""
    database = state_of(app).database
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
def test_a_reader_neither_waits_for_a_checkpoint_nor_delays_one(app: Flask) -> None:
    """A backup reads for long: what it needs stays in the log, and tickets are still accepted."""
    database = state_of(app).database
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
    """Another process has created the file again before this one checks it a second time."""
    client, database, path = app.test_client(), state_of(app).database, file_of(app)
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
