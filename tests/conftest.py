"""Fixtures: a fresh app for each test, on a real SQLite file and on a real PostgreSQL; real mail servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

pytest.register_assert_rewrite("tests.helpers")

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.template_environment import TemplateEnvironment, make_environment
from flask_kapa_handoff.translation import ENGLISH
from tests.helpers import made_once
from tests.helpers.admin import let_pass
from tests.helpers.mails import LETTERHEAD, a_ticket
from tests.helpers.postgres import Postgres, running
from tests.helpers.scripted_smtp import Reply, ScriptedServer
from tests.helpers.servers import MailServer, WebServer, free_port
from tests.helpers.sites import CHOICES, DATABASES, close, new_site
from tests.helpers.tickets import send_ticket


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice the number of processors: half of the time, a test waits for browsers and other processes."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    made_once.install()
    config.addinivalue_line(
        "markers", "only(*databases): the test is about these alone, or about what is the same on each"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the other database out of tests that are about one alone, or about what comes before any SQL or after it.

    A refused field, a mail's text, a reply of a mail server, a script in a browser: these run on SQLite, and the
    statements behind them on both.
    """

    def is_wanted(item: pytest.Item) -> bool:
        only = item.get_closest_marker("only")
        database = getattr(item, "callspec", None) and item.callspec.params.get("backend")  # type: ignore[attr-defined]
        return only is None or database is None or database in only.args

    unwanted = [item for item in items if not is_wanted(item)]
    items[:] = [item for item in items if is_wanted(item)]
    config.hook.pytest_deselected(items=unwanted)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL."""
    with running() as server:
        yield server


@pytest.fixture(params=DATABASES)
def backend(request: pytest.FixtureRequest) -> str:
    """The database of a test's apps; ``@pytest.mark.only("sqlite")`` leaves the other one out."""
    return str(request.param)


@pytest.fixture
def database_of_app(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Returns the configuration of an app's empty database, by the app's name; empty: the package's own file."""
    uris: dict[str, str] = {}

    def choose(name: str) -> dict[str, str]:
        if backend == "sqlite":
            return {}
        if name not in uris:
            uris[name] = request.getfixturevalue("postgres").borrow_database()
            (tmp_path / name).mkdir(exist_ok=True)  # the instance folder, which only a file would make
        return {"KAPA_HANDOFF_DATABASE_URI": uris[name]}

    yield choose
    for uri in uris.values():
        request.getfixturevalue("postgres").give_back(uri)


@pytest.fixture
def make_app(tmp_path: Path, database_of_app: Callable[[str], dict[str, str]]) -> Iterator[Callable[..., Flask]]:
    """Builds apps: ``make_app(KAPA_HANDOFF_TRIGGERS="downvote", handoff=KapaHandoff(...), name="site")``."""
    apps: list[Flask] = []

    def build(*, handoff: KapaHandoff | None = None, name: str = "site", mount: bool = True, **config: Any) -> Flask:
        app = new_site(tmp_path / name, name=name, KAPA_HANDOFF_SITE_NAME="site")
        if not any(key in config for key in CHOICES):
            app.config.update(database_of_app(name))
        app.config.update(config)
        apps.append(app)
        if mount:
            (handoff or KapaHandoff()).init_app(app)
        return app

    yield build
    for app in apps:
        close(app)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app with the defaults."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server that keeps what arrives."""
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves an app to browsers and other processes; returns its address."""
    servers: list[WebServer] = []

    def start(app: Any) -> str:
        servers.append(WebServer(app))
        return servers[-1].url

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(params=["page", "fragment", "json"])
def shape(request: pytest.FixtureRequest) -> str:
    """The requested kind of response."""
    return str(request.param)


@pytest.fixture
def admin_app(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps whose admin pages are open to everyone."""

    def build(*, admin_required: Callable[..., Any] = let_pass, **options: Any) -> Flask:
        return make_app(handoff=KapaHandoff(admin_required=admin_required), **options)

    return build


@pytest.fixture
def admin(admin_app: Callable[..., Flask]) -> FlaskClient:
    """An admin's client of an app with the defaults."""
    return admin_app().test_client()


@pytest.fixture
def environment(app: Flask) -> TemplateEnvironment:
    return make_environment(app, language=ENGLISH)


@pytest.fixture
def write(environment: TemplateEnvironment) -> Callable[..., bytes]:
    """Composes a mail: ``write(pairs=[...], letterhead=..., subject=...)``; other names are the ticket's fields."""

    def compose_one(
        pairs: list[QuestionAnswer] | None = None, letterhead: Letterhead = LETTERHEAD, **fields: Any
    ) -> bytes:
        ticket, conversation = a_ticket(**fields)
        if pairs is not None:
            conversation = Conversation(tuple(pairs))
        return compose(environment, letterhead, ticket, conversation).data

    return compose_one


@pytest.fixture
def smtp() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts scripted servers: ``smtp({"RCPT": ["450 later"]})``."""
    servers: list[ScriptedServer] = []

    def start(script: dict[str, list[Reply]] | None = None, **options: Any) -> ScriptedServer:
        servers.append(ScriptedServer(script, **options).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def smtp_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps that send to a server of the test, with a timeout of one second."""

    def build(server: ScriptedServer | MailServer, **config: Any) -> Flask:
        defaults = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": server.port, "KAPA_HANDOFF_SMTP_TIMEOUT": 1}
        return make_app(**{**defaults, **config})

    return build


@pytest.fixture
def delivering_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps that deliver in threads to a server of the test."""

    def build(server: ScriptedServer | MailServer | None = None, **config: Any) -> Flask:
        port = free_port() if server is None else server.port
        return make_app(**{"KAPA_HANDOFF_DELIVERY": "thread", "MAIL_PORT": port, **config})

    return build


@pytest.fixture
def database(app: Flask) -> Database:
    return state_of(app).database


@pytest.fixture
def queue(app: Flask) -> Callable[[], str]:
    """Stores a ticket; returns its reference."""
    return lambda: send_ticket(app.test_client())
