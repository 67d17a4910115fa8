"""How the history names an admin: like a person, and without ever preventing a save."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, g

from flask_kapa_handoff import KapaHandoff, Visitor
from tests.helpers.admin import fields, let_pass, save, shown

MakeApp = Callable[..., Flask]

pytestmark = pytest.mark.only("sqlite")


def saved_by(app: Flask, **headers: str) -> str:
    """Who made a change, according to the history."""
    client = app.test_client()
    answer = client.post("/handoff/admin/settings", data=fields(client, button_text="Ask"), headers=headers)
    assert answer.status_code == 303, answer.text
    page = shown(client.get("/handoff/admin/"))
    # Without a name, the time comes at once.
    return page.split("Version 1 ")[1].partition("20")[0].rstrip(", ") or "unknown"


def user(**attributes: Any) -> Any:
    return SimpleNamespace(**attributes)


@pytest.mark.parametrize(
    ("signed_in", "name"),
    [
        (user(email="ada@example.com", username="ada", get_id=lambda: "1"), "ada@example.com"),
        (user(email="", username="ada", name="Ada L.", get_id=lambda: "1"), "ada"),
        (user(email=None, name="Ada L.", get_id=lambda: "1"), "Ada L."),
        (user(display_name="Ada\nLovelace\x00", get_id=lambda: "1"), "Ada Lovelace"),
        (user(name=lambda: "Ada", get_id=lambda: "1"), "Ada"),
        (user(username="4711", get_id=lambda: "carl"), "carl"),
        (user(get_id=lambda: "1"), "user 1"),
        (user(get_id=lambda: 17), "user 17"),
        (user(get_id=lambda: "8f14e45fceea467f9c2d8a33ab5e6f70"), "user 8f14e45f"),
        (user(get_id=lambda: "8f14e45f-ceea-467f-9c2d-8a33ab5e6f70"), "user 8f14e45f"),
        (user(id=5), "user 5"),
        ({"id": 5, "username": "ada"}, "ada"),
        ("ada", "ada"),
        (user(is_authenticated=False, name="Guest", get_id=lambda: None), "unknown"),
        (user(is_authenticated=lambda: False, name="Guest"), "unknown"),
        (user(), "unknown"),
        (None, "unknown"),
    ],
)
@pytest.mark.parametrize("where", ["template context", "g"])
def test_a_user_object_is_called_as_a_person(make_app: MakeApp, where: str, signed_in: Any, name: str) -> None:
    """Email, user name or name, before an id; a number or a random key is no name."""
    app = make_app(mount=False)
    if where == "g":
        app.before_request(lambda: setattr(g, "user", signed_in))
    else:
        app.context_processor(lambda: {"current_user": signed_in})
    KapaHandoff(app, admin_required=let_pass)
    assert saved_by(app) == name


def test_a_login_manager_that_is_not_flask_logins_is_no_obstacle(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calibre-Web brings its own: it sets app.login_manager and g._login_user, and Flask-Login is not installed."""
    monkeypatch.setitem(sys.modules, "flask_login", None)
    app = make_app(mount=False)
    app.login_manager = object()  # type: ignore[attr-defined]

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        def inner(**values: Any) -> Any:
            g._login_user = user(name="Ada", email="", get_id=lambda: "1")
            return view(**values)

        return inner

    KapaHandoff(app, admin_required=guard)
    assert saved_by(app) == "Ada"


def test_a_user_object_that_fails_prevents_no_save(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """Its row may be gone; the next source is used, and the log does not repeat the error's text."""

    class Gone:
        @property
        def email(self) -> str:
            raise RuntimeError("SECRET")

    app = make_app(mount=False)
    app.context_processor(lambda: {"current_user": Gone()})
    KapaHandoff(app, admin_required=let_pass)
    with caplog.at_level(logging.ERROR):
        assert saved_by(app, Authorization="Basic Y2FybDp4") == "carl"
    assert "RuntimeError in test_admin_identity.py" in caplog.text
    assert "SECRET" not in caplog.text


def test_admin_name_says_it_first(make_app: MakeApp) -> None:
    """Before the visitor_loader and the user object; the function stays what it was."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.visitor_loader(lambda: Visitor("maria@example.com"))

    @handoff.admin_name
    def name() -> str:
        return " Maria\r\n\x00of Support "

    assert name() == " Maria\r\n\x00of Support "
    assert saved_by(make_app(handoff=handoff)) == "Maria of Support"


@pytest.mark.parametrize("given", [5, ["Maria"], b"Maria", RuntimeError("SECRET")])
def test_a_wrong_admin_name_prevents_no_save(make_app: MakeApp, caplog: pytest.LogCaptureFixture, given: Any) -> None:
    """It raises, or returns no text: the log names the hook and the type, and the next source is used."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.visitor_loader(lambda: Visitor("maria@example.com"))

    @handoff.admin_name
    def name() -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    with caplog.at_level(logging.ERROR):
        assert saved_by(make_app(handoff=handoff)) == "maria@example.com"
    assert "admin_name" in caplog.text
    assert type(given).__name__ in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("given", ["", None, " \n", "\x00"])
def test_an_admin_name_that_is_empty_leaves_it_to_the_next_source(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    """Nobody is signed in there, and that is no error."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.admin_name(lambda: given)
    with caplog.at_level(logging.ERROR):
        assert saved_by(make_app(handoff=handoff), Authorization="Basic Y2FybDp4") == "carl"
    assert not caplog.records


def test_a_long_name_is_cut(make_app: MakeApp) -> None:
    """The history's column holds 320 characters."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.admin_name(lambda: "x" * 1000)
    assert saved_by(make_app(handoff=handoff)) == "x" * 320


@pytest.mark.only("postgresql")
def test_a_name_with_characters_that_a_database_refuses_is_cleaned(make_app: MakeApp) -> None:
    """PostgreSQL stores no NUL."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.admin_name(lambda: "Ada\x00 \ud800")
    assert saved_by(make_app(handoff=handoff)) == "Ada \N{REPLACEMENT CHARACTER}"


def test_saving_twice_needs_no_name(make_app: MakeApp) -> None:
    """Without any source the history says unknown."""
    client = make_app(handoff=KapaHandoff(admin_required=let_pass)).test_client()
    assert save(client, button_text="Ask").status_code == 303
