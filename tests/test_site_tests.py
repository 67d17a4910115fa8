"""The tests of a site that mounts us: its own database in memory, its own transactions, no threads."""

from __future__ import annotations

import gc
import os
import re
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_mail
import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import AssertionPool, NullPool, SingletonThreadPool, StaticPool

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.engines import threads
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.testing import deliver
from tests.helpers.commands import invoke, left
from tests.helpers.sites import close
from tests.helpers.tickets import send_ticket

TESTING_PAGE = Path(__file__).parent.parent / "docs" / "testing.md"


def file_of(app: Flask) -> Path:
    file = state_of(app).database.engine.url.database
    assert file is not None
    return Path(file)


def has_threads(app: Flask) -> bool:
    return state_of(app).delivery.running


@pytest.fixture
def site_in_memory(make_app: Callable[..., Flask]) -> Iterator[Callable[..., tuple[Flask, Any, Any]]]:
    """Builds sites on Flask-SQLAlchemy whose tests keep its database in memory; returns its database and a model."""
    engines: list[Engine] = []

    def build(**config: Any) -> tuple[Flask, Any, Any]:
        app = make_app(
            mount=False, **{"SQLALCHEMY_DATABASE_URI": "sqlite://", "KAPA_HANDOFF_DELIVERY": None, **config}
        )
        db = SQLAlchemy(app)

        class Bill(db.Model):  # type: ignore[name-defined, misc]
            id = db.Column(db.Integer, primary_key=True)

        KapaHandoff(app)
        with app.app_context():
            db.create_all()
            engines.append(db.engine)
        return app, db, Bill

    yield build
    # The site's own connection: Flask-SQLAlchemy leaves it open, of which Python 3.13 warns.
    for engine in engines:
        engine.dispose()


@pytest.mark.only("sqlite")
def test_a_sites_uncommitted_rows_stay_while_threads_deliver(
    site_in_memory: Callable[..., tuple[Flask, Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a thread looks for tickets, it does not end the site's transaction in its one connection."""
    monkeypatch.setattr(threads, "POLL_SECONDS", 0.001)
    look, looked = outbox.seconds_until_due, threading.Event()

    def note_look(database: Database, **options: Any) -> float | None:
        found = look(database, **options)
        looked.set()
        return found

    monkeypatch.setattr(outbox, "seconds_until_due", note_look)
    app, db, bill = site_in_memory(TESTING=True, KAPA_HANDOFF_DELIVERY="thread", MAIL_SUPPRESS_SEND=True)
    assert send_ticket(app.test_client())
    assert has_threads(app)
    with app.app_context():
        for number in range(1, 11):
            db.session.add(bill(id=number))
            db.session.flush()
            looked.clear()
            assert looked.wait(20)
            assert db.session.query(bill).count() == number
        db.session.rollback()
        assert db.session.query(bill).count() == 0
    close(app)


@pytest.mark.only("sqlite")
def test_a_ticket_neither_commits_nor_rolls_back_what_the_site_has_begun(
    site_in_memory: Callable[..., tuple[Flask, Any, Any]],
) -> None:
    """Not in the request either: the ticket has a connection, and a file, of its own."""
    app, db, bill = site_in_memory(TESTING=True, KAPA_HANDOFF_DELIVERY="inline")
    with app.app_context():
        db.session.add(bill(id=1))
        db.session.flush()
        with flask_mail.Mail(app).record_messages() as sent:
            reference = send_ticket(app.test_client())
        assert reference in sent[0].subject
        assert db.session.query(bill).count() == 1
        db.session.rollback()
        assert db.session.query(bill).count() == 0
    assert left(app)[0] == [reference]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("when", ["before", "app.testing", "app.config"])
def test_no_thread_delivers_while_a_site_is_tested(make_app: Callable[..., Flask], when: str) -> None:
    """Whenever the test-suite says so; tickets wait until they are asked for."""
    app = make_app(KAPA_HANDOFF_DELIVERY=None, TESTING=when == "before")
    if when == "app.testing":
        app.testing = True
    elif when == "app.config":
        app.config.update(TESTING=True)
    app.test_client().get("/")
    send_ticket(app.test_client())
    assert not has_threads(app)
    assert [str(ticket.status) for ticket in deliver(app)] == ["delivered"]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("config", [{"TESTING": True, "KAPA_HANDOFF_DELIVERY": "thread"}, {}])
def test_threads_deliver_where_they_are_asked_for_by_name_and_outside_of_tests(
    make_app: Callable[..., Flask], config: dict[str, Any]
) -> None:
    """From the first request on."""
    app = make_app(**{"KAPA_HANDOFF_DELIVERY": None, "MAIL_SUPPRESS_SEND": True, **config})
    app.test_client().get("/")
    assert has_threads(app)


ENGINES: dict[str, Callable[[], Engine]] = {
    "sqlite://": lambda: create_engine("sqlite://"),
    ":memory:": lambda: create_engine("sqlite:///:memory:"),
    "shared cache": lambda: create_engine("sqlite:///file::memory:?cache=shared&uri=true"),
    "named": lambda: create_engine("sqlite:///file:site?mode=memory&cache=shared&uri=true", poolclass=NullPool),
    "StaticPool": lambda: create_engine("sqlite:///site.sqlite3", poolclass=StaticPool),
    "SingletonThreadPool": lambda: create_engine("sqlite:///site.sqlite3", poolclass=SingletonThreadPool),
    "AssertionPool": lambda: create_engine("sqlite:///site.sqlite3", poolclass=AssertionPool),
    "PostgreSQL": lambda: create_engine("postgresql+psycopg://nobody@127.0.0.1:1/site", poolclass=StaticPool),
}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("kind", ENGINES)
def test_an_engine_without_a_connection_for_us_alone_is_never_used(
    make_app: Callable[..., Flask], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Outside of tests it is refused with what to do; in tests, tickets are kept in a file of their own."""
    engine, connections = ENGINES[kind](), []
    event.listen(engine, "do_connect", lambda *arguments: connections.append(arguments))
    app = make_app(handoff=KapaHandoff(engine=engine))
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 503
    assert "or has one connection for everybody" in caplog.text
    assert "set KAPA_HANDOFF_DATABASE_URI" in invoke(app, "doctor").output
    app.testing = True
    assert send_ticket(app.test_client())
    assert file_of(app).exists()
    assert connections == []


@pytest.mark.only("sqlite")
def test_a_file_that_the_configuration_names_is_used_beside_a_database_in_memory(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Whether the site is tested or not."""
    uri = f"sqlite:///{tmp_path / 'tickets.sqlite3'}"
    app = make_app(handoff=KapaHandoff(engine=create_engine("sqlite://")), KAPA_HANDOFF_DATABASE_URI=uri)
    assert send_ticket(app.test_client())
    assert file_of(app) == tmp_path / "tickets.sqlite3"


@pytest.mark.only("sqlite")
def test_the_temporary_file_belongs_to_one_app_and_goes_with_it() -> None:
    """Two apps of a test-suite share no tickets, and nothing is left on the disk."""

    def visit() -> Path:
        app = Flask("site")
        app.config.update(TESTING=True, SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com")
        KapaHandoff(app, engine=create_engine("sqlite://"))
        assert send_ticket(app.test_client())
        assert len(left(app)[0]) == 1
        return file_of(app)

    files = [visit(), visit()]
    gc.collect()
    assert files[0] != files[1]
    assert not any(os.path.lexists(file.parent) for file in files)


SITE = """
from flask import Flask
from flask_mail import Mail
from flask_sqlalchemy import SQLAlchemy
from flask_kapa_handoff import KapaHandoff

def create_app(**config):
    app = Flask("website")
    app.config.update(SECRET_KEY="s", SQLALCHEMY_DATABASE_URI="sqlite://", KAPA_HANDOFF_EMAIL="support@example.com")
    app.config.update(MAIL_DEFAULT_SENDER="site@example.com", **config)
    SQLAlchemy(app)
    Mail(app)
    KapaHandoff(app, admin_required=lambda view: view)
    return app
"""


def run_the_suite_in_the_docs(tmp_path: Path, site: str) -> str:
    """The last line of pytest's output, and all of it if the last line is not enough."""
    (suite,) = re.findall(r"```python\n(.*?)```", TESTING_PAGE.read_text(), re.DOTALL)
    (tmp_path / "website.py").write_text(site)
    (tmp_path / "test_website.py").write_text(suite)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\npythonpath = .\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    return run.stdout


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("address", "summary"), [("support@example.com", "3 passed in"), ("", "3 failed in")])
def test_the_suite_in_the_docs_is_one_that_a_site_can_have(tmp_path: Path, address: str, summary: str) -> None:
    """In a folder of its own, with nothing of ours but the package; it fails where the site is at fault."""
    output = run_the_suite_in_the_docs(tmp_path, SITE.replace("support@example.com", address))
    assert output.splitlines()[-1].startswith(summary), output


@pytest.mark.only("sqlite")
def test_the_suite_in_the_docs_leaves_the_tickets_of_the_site_alone(tmp_path: Path) -> None:
    """Of a site on the default file: what waits there still waits, and the suite passes a second time."""
    own = "\n".join(line for line in SITE.splitlines() if "SQLAlchemy(" not in line)
    own = own.replace('Flask("website")', f'Flask("website", instance_path={str(tmp_path / "instance")!r})')
    (tmp_path / "website.py").write_text(own)
    app = runpy.run_path(str(tmp_path / "website.py"))["create_app"]()
    reference = send_ticket(app.test_client())
    for _ in range(2):
        output = run_the_suite_in_the_docs(tmp_path, own)
        assert output.splitlines()[-1].startswith("3 passed in"), output
    assert left(app)[0] == [reference]
    close(app)
