"""Erased data is gone: nothing of a visitor stays in any file, nor their name in the history."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from celery import Celery
from flask import Flask
from sqlalchemy import Engine, create_engine

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.cli import keeping
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.engines import threads
from flask_kapa_handoff.settings import settings_history
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import removal
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import delivery_attempt, ticket
from flask_kapa_handoff.testing import change_settings
from tests.helpers.commands import invoke, left, mailing
from tests.helpers.erased_site import CANARY, EMAIL, erase, site_of_a_visitor, traces
from tests.helpers.servers import MailServer
from tests.helpers.sites import close, file_of
from tests.helpers.tickets import PAIR, send_ticket

ROOT = Path(__file__).parent.parent
REPLIES = [f"450 {CANARY} must wait", f"550 {CANARY} is unknown", f"550 {CANARY} again"]


@pytest.fixture
def refusing(mail_server: MailServer) -> MailServer:
    """A mail server that repeats, in its refusals, what a visitor wrote: of every second ticket."""
    mail_server.replies["RCPT"] = [reply for own in REPLIES for reply in ("450 wait", own)]
    return mail_server


@pytest.fixture(params=["DELETE", "PERSIST", "TRUNCATE", "WAL"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An SQLite engine of the site's own, whose journal is the site's choice; it leaves deleted text in the file."""
    (tmp_path / "data").mkdir()
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'site.sqlite3'}")

    @sqlalchemy.event.listens_for(engine, "connect")
    def set_up(driver: Any, record: object) -> None:
        driver.execute(f"PRAGMA journal_mode={request.param}")
        driver.execute("PRAGMA secure_delete=FAST")

    yield engine
    engine.dispose()


@pytest.mark.only("sqlite")
def test_nothing_of_a_visitor_is_left_in_the_file_of_our_own(
    make_app: Callable[..., Flask], refusing: MailServer
) -> None:
    """Whatever the state of a ticket: note, email, name, page, ids, transcript, errors and attempts are gone."""
    app = site_of_a_visitor(lambda handoff: make_app(handoff=handoff), KapaHandoff(), refusing.port)
    invoke(app, "deliver")
    assert outbox.claim(state_of(app).database, 30, expected=True) is None
    send_ticket(app.test_client(), email=EMAIL, note=CANARY)
    assert outbox.claim(state_of(app).database, 30, expected=True)
    erase(app, Path(app.instance_path))


@pytest.mark.only("sqlite")
def test_nothing_is_left_in_the_files_of_an_engine_that_the_site_shares(
    make_app: Callable[..., Flask], refusing: MailServer, shared: Engine, tmp_path: Path
) -> None:
    """Whatever its journal; afterwards the site's connections work in the mode that the site has chosen."""

    def build(handoff: KapaHandoff) -> Flask:
        app = make_app(handoff=handoff)
        invoke(app, "db", "upgrade")
        return app

    app = site_of_a_visitor(build, KapaHandoff(engine=shared), refusing.port)
    invoke(app, "deliver")
    erase(app, tmp_path / "data")
    with shared.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_size_limit").scalar_one() == -1


def test_nothing_is_left_by_an_sqlite_without_secure_delete(tmp_path: Path) -> None:
    """Debian's does; many others, such as those of Python's installers, must be told to."""
    program = (
        "import sys, runpy, pysqlite3\n"
        "sys.modules['sqlite3'] = pysqlite3; sys.modules['sqlite3.dbapi2'] = pysqlite3.dbapi2\n"
        f"sys.argv[1:] = [{str(tmp_path)!r}]\n"
        "runpy.run_module('tests.helpers.erased_site', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert traces(tmp_path) == []


READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM kapa_handoff_ticket").fetchone()
print("reading", flush=True)
sys.stdin.readline()
"""


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("delivery", ["external", "inline"])
def test_erase_says_so_while_a_reader_keeps_the_log_and_the_next_one_empties_it(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, delivery: str
) -> None:
    """A backup of another process, for one; visitors go on sending tickets meanwhile."""
    monkeypatch.setattr(keeping, "LOG_PATIENCE", 0.3)
    app = make_app(KAPA_HANDOFF_DELIVERY=delivery, MAIL_SUPPRESS_SEND=True)
    folder = Path(app.instance_path)
    send_ticket(app.test_client(), email=EMAIL, note=CANARY)
    command = [sys.executable, "-c", READER, str(folder / "kapa_handoff.sqlite3")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        result = invoke(app, "erase", EMAIL, "--yes")
        assert left(app)[0] == []
        send_ticket(app.test_client(), email="another@example.com")
        reader.stdin.close()
    assert result.exit_code == 1
    assert "still in the log beside it" in result.output
    assert ("within an hour" in result.output) is (delivery == "external")
    assert traces(folder) == ["kapa_handoff.sqlite3-wal"]
    if delivery == "external":  # a process that delivers does it within the hour
        housekeeping = state_of(app).housekeeping
        housekeeping.is_due_now()
        housekeeping.do_all(10)
        assert traces(folder) == []
    again = invoke(app, "erase", EMAIL, "--yes")
    assert again.output == f"There are no tickets from {EMAIL}.\n"
    assert again.exit_code == 0
    assert traces(folder) == []


@pytest.mark.only("sqlite")
def test_visitors_send_tickets_while_the_log_is_emptied(app: Flask) -> None:
    """Again and again, against a writer that never rests: nothing is lost, and the log is emptied in the end."""
    database = state_of(app).database
    send_ticket(app.test_client())
    stopped, counted = threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(file_of(app), timeout=15, isolation_level=None)) as other:
            while not stopped.is_set():
                other.execute("UPDATE kapa_handoff_ticket SET attempts = attempts + 1")
                counted.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert [database.empty_log(60) for _ in range(5)] == [True] * 5
    finally:
        stopped.set()
        thread.join()
    with database.read() as connection:
        assert connection.execute(sqlalchemy.select(ticket.c.attempts)).scalar_one() == len(counted)


# --- the settings' history -------------------------------------------------------------------------------------------


def history(app: Flask) -> list[tuple[str, str | None, str | None]]:
    with state_of(app).database.read() as connection:
        return [(one.changed_by, one.before.email, one.after.email) for one in settings_history(connection)]


def test_an_admin_is_erased_from_the_history(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """What was changed, and when, stays; who else made changes stays as well."""
    app = site_of_a_visitor(lambda handoff: make_app(handoff=handoff), KapaHandoff(), mail_server.port)
    output = invoke(app, "erase", EMAIL, "--yes").output
    assert "The address was removed from 3 changes of the settings." in output
    assert history(app) == [
        ("boss@example.com", None, "support@example.com"),
        ("erased", None, None),
        ("erased", "support@example.com", None),
    ]


def test_the_address_that_tickets_go_to_stays_the_destination(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """It is the site's configuration, and the person is told; as the one who changed settings it is erased."""
    app = site_of_a_visitor(lambda handoff: make_app(handoff=handoff), KapaHandoff(), mail_server.port)
    change_settings(app, email=EMAIL)
    output = invoke(app, "erase", EMAIL, "--yes").output
    assert f"Tickets go to {EMAIL}, so it stays in the settings and their history as the destination." in output
    assert history(app)[:2] == [
        ("a test", "support@example.com", EMAIL),
        ("boss@example.com", EMAIL, "support@example.com"),
    ]
    assert {changed_by for changed_by, *_ in history(app)[2:]} == {"erased"}


def test_an_admin_without_tickets_is_erased_after_a_question(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """The question names the changes."""
    app = site_of_a_visitor(lambda handoff: make_app(handoff=handoff), KapaHandoff(), mail_server.port)
    result = app.test_cli_runner().invoke(args=["kapa-handoff", "erase", "Boss@example.com"], input="y\n")
    assert "Delete the address in 1 change of the settings?" in result.output
    assert "The address was removed from 1 change of the settings." in result.output
    assert history(app)[0] == ("erased", EMAIL, "support@example.com")


def test_a_longer_address_belongs_to_somebody_else(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A longer address that ends in the given one is neither erased nor exported."""
    app = site_of_a_visitor(lambda handoff: make_app(handoff=handoff), KapaHandoff(), mail_server.port)
    before = history(app)
    invoke(app, "erase", EMAIL[1:], "--yes")
    assert history(app) == before
    assert invoke(app, "export", "--email", EMAIL[1:]).output == ""


# --- what is kept about one person -----------------------------------------------------------------------------------


def test_export_of_one_person(make_app: Callable[..., Flask], refusing: MailServer) -> None:
    """Their tickets with transcripts and attempts, and their changes of the settings; of nobody else anything."""
    app = site_of_a_visitor(lambda handoff: make_app(handoff=handoff), KapaHandoff(), refusing.port)
    invoke(app, "deliver")
    lines = [json.loads(line) for line in invoke(app, "export", "--email", EMAIL.upper()).output.splitlines()]
    tickets = [line for line in lines if "reference" in line]
    changes = [line["settings_change"] for line in lines if "settings_change" in line]
    assert len(tickets) == 4
    assert {found["visitor_email"] for found in tickets} == {EMAIL}
    assert tickets[0]["conversation"][0]["question"] == f"{CANARY} 0?"
    assert any(found["delivery_attempts"] for found in tickets)
    assert tickets[0]["client_key"]
    assert [(change["changed_by"], change["after"]["button_text"]) for change in changes] == [
        (EMAIL.upper(), "Help"),
        (EMAIL.upper(), "Ask"),
        ("boss@example.com", "Ask"),
    ]


def test_export_of_one_person_requires_an_address(app: Flask) -> None:
    """Anything else is an error with a message."""
    assert invoke(app, "export", "--email", "everybody").exit_code == 2


# --- retention -------------------------------------------------------------------------------------------------------


def outdated(make_app: Callable[..., Flask], server: MailServer, **config: object) -> tuple[Flask, list[str]]:
    """A site whose first two tickets were delivered, or failed, 31 days ago, and two that are not outdated."""
    app = mailing(make_app, server, KAPA_HANDOFF_RETENTION_DAYS=30, **config)
    server.replies["RCPT"] = ["250 yes", "550 no", "550 no"]
    references = [send_ticket(app.test_client()) for _ in range(3)]
    invoke(app, "deliver")
    references.append(send_ticket(app.test_client()))
    with state_of(app).database.write() as connection:
        moment = now(connection)
        for table, columns in (
            (ticket, ("created_at", "queued_at", "delivered_at")),
            (delivery_attempt, ("started_at", "finished_at")),
        ):
            for row in connection.execute(sqlalchemy.select(table)).all():
                values = {name: moment - timedelta(days=31) for name in columns if getattr(row, name) is not None}
                connection.execute(table.update().where(table.c.id == row.id).values(values))
        # The third one was sent again by hand since then, and failed today.
        third = sqlalchemy.select(ticket.c.id).where(ticket.c.reference == references[2]).scalar_subquery()
        connection.execute(
            delivery_attempt.update().where(delivery_attempt.c.ticket_id == third).values(finished_at=moment)
        )
    return app, references


def test_purge_deletes_what_failed_and_was_not_sent_again(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """After as many days as a delivered one; not one that failed lately or still waits, however old it is."""
    app, (_, _, failed_lately, waiting) = outdated(make_app, mail_server)
    assert invoke(app, "purge").output == "2 tickets older than 30 days were deleted.\n"
    assert left(app)[0] == [failed_lately, waiting]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


@pytest.mark.parametrize("beside_visitors", [True, False], ids=["thread", "worker"])
def test_threads_delete_old_tickets(
    make_app: Callable[..., Flask],
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    beside_visitors: bool,
) -> None:
    """In a web process and in a worker, a few at a time, and what is erased leaves the log."""
    monkeypatch.setattr(removal, "BATCH", 1)
    monkeypatch.setattr(threads, "POLL_SECONDS", 0.05)
    app, references = outdated(make_app, mail_server)
    state_of(app).housekeeping.is_due_now()
    couriers = threads.DeliveryThreads(state_of(app))
    couriers.start(beside_visitors=beside_visitors)
    wait_until(lambda: left(app)[0] == references[2:])
    couriers.stop()
    close(app)


def test_deliver_from_cron_deletes_old_tickets(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """There is no other process that could."""
    app, references = outdated(make_app, mail_server)
    assert invoke(app, "deliver").exit_code == 0
    assert left(app)[0] == references[2:]


def test_the_sweep_of_celery_deletes_old_tickets(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The task of a single ticket does not."""
    app, references = outdated(make_app, mail_server)
    site = make_app(mount=False, KAPA_HANDOFF_DELIVERY="celery", KAPA_HANDOFF_RETENTION_DAYS=30, MAIL_PORT=1)
    site.extensions["celery"] = Celery("site", broker="memory://", set_as_current=False)
    KapaHandoff(site)
    tasks = site.extensions["celery"].tasks
    state_of(site).housekeeping.is_due_now()
    tasks["kapa_handoff.deliver"].apply((references[3],), throw=True)
    assert len(left(app)[0]) == 4
    tasks["kapa_handoff.sweep"].apply(throw=True)
    assert left(app)[0] == references[2:]


def test_old_tickets_are_looked_for_once_an_hour(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """And again at once while there are more of them; a process that has just started has other work first."""
    app, references = outdated(make_app, mail_server)
    keeper = state_of(app).housekeeping
    assert not keeper.do_some()
    assert len(left(app)[0]) == 4
    keeper.is_due_now()
    assert keeper.do_some()
    keeper.do_all(10)
    assert left(app)[0] == references[2:]
    with state_of(app).database.write() as connection:
        connection.execute(ticket.update().values(delivered_at=now(connection) - timedelta(days=31)))
    keeper.do_all(10)
    assert len(left(app)[0]) == 2


def test_no_request_deletes_old_tickets(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Where a ticket is sent in the request, visitors do not wait for it: there `purge` does it."""
    app, references = outdated(make_app, mail_server, KAPA_HANDOFF_DELIVERY="inline")
    state_of(app).housekeeping.is_due_now()
    send_ticket(app.test_client(), conversation=json.dumps([PAIR]))
    assert set(references) <= set(left(app)[0])
