"""What a site passes to KapaHandoff: a mistake stops the start, with name, value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_mail
import pytest
from flask import Blueprint, Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from flask_kapa_handoff import ConfigurationError, KapaHandoff
from flask_kapa_handoff.delivery.mail.site_mail import SiteMail
from flask_kapa_handoff.doctor import examine
from tests.helpers.admin import let_pass

MakeApp = Callable[..., Flask]

pytestmark = pytest.mark.only("sqlite")


class Mailman:
    """Shaped as Flask-Mailman's ``Mail``: nearly Flask-Mail's, and another library's."""

    def __init__(self, app: Flask | None = None) -> None:
        self.app, self.state = app, None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name, None)


class AsyncEngine:
    """Named as SQLAlchemy's, which needs greenlet to be made."""

    sync_engine = None


def create_app(config: object = None) -> Flask:
    return Flask("made")


def no_arguments() -> bool:
    return True


async def async_guard(view: Callable[..., Any]) -> Callable[..., Any]:
    return view


def forgets_to_return(view: Callable[..., Any]) -> None:
    return None


def predicate(view: Callable[..., Any]) -> bool:
    return True


def engine_of(module: str = "sqlite://") -> Engine:
    return create_engine(module)


class Foreign(Engine):
    """An engine of a database that is not supported; made without its driver."""

    def __init__(self, name: str, *, is_async: bool = False) -> None:
        self.dialect = type("Dialect", (), {"name": name, "is_async": is_async, "driver": "asyncpg"})()

    def __repr__(self) -> str:
        return "Engine(foreign)"


WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("mail", object, "pass a flask_mail.Mail, or leave mail out"),
    ("mail", lambda: "smtp.example.com", "'smtp.example.com' is not allowed: pass a flask_mail.Mail"),
    ("mail", lambda: flask_mail.Mail, "Mail is not allowed: it is the class; pass an object of it"),
    ("mail", lambda: flask_mail.Mail(Flask("other")).state, "pass the flask_mail.Mail object itself"),
    ("mail", Mailman, "pass a flask_mail.Mail, or leave mail out"),
    ("engine", lambda: "sqlite:///x", "'sqlite:///x' is not allowed: set KAPA_HANDOFF_DATABASE_URI"),
    ("engine", lambda: "postgresql://ada:hunter2@db/site", "'postgresql:…' is not allowed: set KAPA_HANDOFF_DATABASE"),
    ("engine", lambda: URL.create("sqlite", database="x"), "set KAPA_HANDOFF_DATABASE_URI"),
    ("engine", SQLAlchemy, "leave engine out: the database of Flask-SQLAlchemy is found on the app"),
    ("engine", lambda: Session(engine_of()), "pass the engine that the session is bound to"),
    ("engine", lambda: scoped_session(sessionmaker(engine_of())), "pass the engine that the session is bound to"),
    ("engine", lambda: sessionmaker(engine_of()), "pass the engine that its sessions are bound to"),
    ("engine", AsyncEngine, "pass a synchronous engine"),
    ("engine", lambda: create_engine, "create_engine is not allowed: pass a sqlalchemy.Engine"),
    ("engine", lambda: Foreign("mysql"), "mysql is not supported; use SQLite or PostgreSQL"),
    ("engine", lambda: Foreign("postgresql", is_async=True), "its driver asyncpg is for asyncio; pass a synchronous"),
    ("admin_required", lambda: True, "True is not allowed: it is not callable; use a view decorator"),
    ("admin_required", lambda: False, "False is not allowed: it is not callable; use a view decorator"),
    ("admin_required", lambda: "login_required", "'login_required' is not allowed: it is not callable"),
    ("admin_required", lambda: no_arguments, "it cannot be called with 1 argument (view); its own are ()"),
    ("admin_required", lambda: async_guard, "it is an async function"),
]


@pytest.mark.parametrize(("name", "make", "words"), WRONG)
@pytest.mark.parametrize("place", ["class", "init_app"])
def test_a_wrong_argument_is_refused_at_once(
    make_app: MakeApp, place: str, name: str, make: Callable[[], Any], words: str
) -> None:
    """In the class, before there is an app, and in init_app, which leaves the app as it was."""
    app = make_app(mount=False)
    rules, given = list(app.url_map.iter_rules()), {name: make()}
    with pytest.raises(ConfigurationError) as caught:
        KapaHandoff(**given) if place == "class" else KapaHandoff().init_app(app, **given)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert words in message
    assert "hunter2" not in message
    assert "kapa_handoff" not in app.extensions
    assert list(app.url_map.iter_rules()) == rules


def test_a_connection_is_named_with_its_engine() -> None:
    """It would be used by every thread at once."""
    engine = engine_of()
    with engine.connect() as connection, pytest.raises(ConfigurationError, match=r"engine: .*connection\.engine"):
        KapaHandoff(engine=connection)  # type: ignore[arg-type]
    engine.dispose()


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (create_app, "app: create_app is not allowed: it is a function: call it if it makes the app"),
        ("site", "app: 'site' is not allowed: pass the Flask app"),
        (let_pass, "app: let_pass is not allowed: pass the Flask app"),
        (Flask, "app: Flask is not allowed: pass the Flask app"),
        (Blueprint("b", "b"), "the handoff is mounted on the app itself, not on a blueprint"),
        (object(), "pass the Flask app, or leave it out and call init_app(app) later"),
    ],
)
@pytest.mark.parametrize("mount", [KapaHandoff, lambda app: KapaHandoff().init_app(app)], ids=["class", "init_app"])
def test_a_wrong_app_is_refused(mount: Callable[[Any], Any], app: Any, words: str) -> None:
    """The usual mistake is to pass the function that creates it."""
    with pytest.raises(ConfigurationError) as caught:
        mount(app)
    assert words in str(caught.value)


def test_init_app_needs_an_app() -> None:
    """None is for the class alone."""
    with pytest.raises(ConfigurationError, match="app: None is not allowed"):
        KapaHandoff().init_app(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("decorator", "kind"), [(forgets_to_return, "NoneType"), (predicate, "bool")])
def test_a_decorator_that_gives_no_view_is_refused(
    make_app: MakeApp, decorator: Callable[..., Any], kind: str
) -> None:
    """It would be a 500 at each admin page."""
    app = make_app(mount=False)
    with pytest.raises(ConfigurationError, match=rf"admin_required: {decorator.__name__} .* returns {kind}; use"):
        KapaHandoff(app, admin_required=decorator)
    assert "kapa_handoff" not in app.extensions


def test_arguments_have_names() -> None:
    """A decorator in the wrong place is no app's business."""
    with pytest.raises(TypeError, match="positional"):
        KapaHandoff(Flask("site"), let_pass)  # type: ignore[call-arg]


class OwnMail(flask_mail.Mail):
    """A site's kind of it."""


class Guard:
    """A decorator that is a class: its instances are the views."""

    def __init__(self, view: Callable[..., Any]) -> None:
        self.view, self.__name__ = view, view.__name__

    def __call__(self, **values: Any) -> Any:
        return self.view(**values)


def test_good_arguments_are_taken(make_app: MakeApp, tmp_path: Path) -> None:
    """A subclass of Mail; an engine with options; a class as a decorator."""
    app = make_app(mount=False)
    engine = engine_of(f"sqlite:///{tmp_path / 'file.sqlite3'}").execution_options(isolation_level="SERIALIZABLE")
    mail = OwnMail(app)
    KapaHandoff(mail=mail, engine=engine).init_app(app, admin_required=Guard)
    state = app.extensions["kapa_handoff"]
    assert state.mail is mail
    assert state.location.engine is engine
    assert app.test_client().get("/handoff/admin/health").status_code in (200, 503)
    engine.dispose()


def test_arguments_of_init_app_override_those_of_the_class(make_app: MakeApp) -> None:
    """Each argument on its own."""
    app = make_app(mount=False)
    first, second = flask_mail.Mail(), flask_mail.Mail()
    KapaHandoff(mail=first, admin_required=let_pass).init_app(app, mail=second)
    assert app.extensions["kapa_handoff"].mail is second
    assert app.extensions["kapa_handoff"].has_admin


def test_another_librarys_mail_on_the_app_is_left_alone(make_app: MakeApp) -> None:
    """It is stored where Flask-Mail's would be: MAIL_* is read as if there were none, and the check-up works."""
    app = make_app(MAIL_SERVER="mail.example.com", MAIL_SUPPRESS_SEND=True)
    app.extensions["mail"] = SimpleNamespace(server="elsewhere.example.com")
    state = app.extensions["kapa_handoff"]
    assert SiteMail(state).state.server == "mail.example.com"
    assert any("MAIL_SUPPRESS_SEND" in str(finding.what) for finding in examine(app, state))
