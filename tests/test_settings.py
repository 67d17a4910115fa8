"""A desk's settings: the configuration's defaults, an admin's overrides, versions and history."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import Trigger
from flask_kapa_handoff.errors import Invalid
from flask_kapa_handoff.form_parsing import parse_form
from flask_kapa_handoff.settings import (
    DeskSettings,
    SettingsConflict,
    current_settings,
    save_settings,
    settings_history,
)
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import PAIR, ticket_fields

CHANGES = [
    ("email", "sales@example.com"),
    ("email", None),
    ("button_text", "Talk to us"),
    ("triggers", (Trigger.UNCERTAINTY, Trigger.DOWNVOTE)),
    ("threshold", 7),
    ("enabled", False),
    ("form", parse_form({"texts": {"": {"title": "Ask"}, "ar": {"title": "اسأل"}}, "accent": "#0b5fff"})),
]


def current(app: Flask) -> DeskSettings:
    state = state_of(app)
    with state.database.read() as connection:
        return current_settings(connection, state.config)


def save(app: Flask, by: str = "ada", version: int | None = None, **changes: Any) -> DeskSettings:
    state = state_of(app)
    now = current(app)
    wanted = replace(now, version=now.version if version is None else version, **changes)
    with state.database.write() as connection:
        return save_settings(connection, state.config, wanted, changed_by=by)[1]


def test_without_an_admin_the_configuration_holds(make_app: Callable[..., Flask]) -> None:
    """The first four keys are the default desk's defaults."""
    app = make_app(
        KAPA_HANDOFF_EMAIL="a@example.com",
        KAPA_HANDOFF_BUTTON_TEXT="Ask",
        KAPA_HANDOFF_TRIGGERS="downvote",
        KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD=9,
    )
    assert current(app) == DeskSettings("default", True, "a@example.com", "Ask", (Trigger.DOWNVOTE,), 9, version=0)


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_what_an_admin_saves_holds_at_once(app: Flask, name: str, value: Any) -> None:
    """Each setting on its own; the others stay, and the version is one more."""
    before = current(app)
    after = save(app, **{name: value})
    assert current(app) == after == replace(before, version=1, **{name: value})
    assert before.differences(after) == (name,)


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_what_an_admin_saves_outlives_a_restart(make_app: Callable[..., Flask], name: str, value: Any) -> None:
    """It is in the database, not in the process."""
    after = save(make_app(), **{name: value})
    assert current(make_app()) == after


@pytest.mark.parametrize(
    ("name", "key", "value", "read"),
    [
        ("email", "EMAIL", "new@example.com", "new@example.com"),
        ("button_text", "BUTTON_TEXT", "New", "New"),
        ("triggers", "TRIGGERS", "downvote", (Trigger.DOWNVOTE,)),
        ("threshold", "CONVERSATION_LENGTH_THRESHOLD", 9, 9),
    ],
)
def test_a_value_that_equals_the_configured_one_goes_on_following_it(
    make_app: Callable[..., Flask], name: str, key: str, value: Any, read: Any
) -> None:
    """An admin who saves the page unchanged, or back to the default, does not freeze it."""
    app = make_app()
    default = getattr(current(app), name)
    changed: dict[str, Any] = {
        "email": "x@example.com",
        "button_text": "X",
        "triggers": (Trigger.UNCERTAINTY,),
        "threshold": 5,
    }
    save(app, **{name: changed[name]})
    save(app, **{name: default})
    later = make_app(**{f"KAPA_HANDOFF_{key}": value})
    assert getattr(current(later), name) == read


@pytest.mark.parametrize("name", ["email", "button_text", "triggers", "threshold"])
def test_a_pinned_setting_is_the_configured_one(make_app: Callable[..., Flask], name: str) -> None:
    """Whatever was saved before it was pinned, and whatever is saved after."""
    changed: dict[str, Any] = {
        "email": "x@example.com",
        "button_text": "X",
        "triggers": (Trigger.UNCERTAINTY,),
        "threshold": 5,
    }
    configured = getattr(current(make_app()), name)
    save(make_app(), **{name: changed[name]})
    pinned = make_app(KAPA_HANDOFF_PINNED=name)
    assert getattr(current(pinned), name) == configured
    after = save(pinned, enabled=False, **{name: changed[name]})
    assert getattr(after, name) == getattr(current(pinned), name) == configured
    assert after.enabled is False


def test_saving_only_a_pinned_setting_changes_nothing(make_app: Callable[..., Flask]) -> None:
    """No version, no line of history."""
    app = make_app(KAPA_HANDOFF_PINNED="email")
    assert save(app, email="x@example.com").version == 0
    with state_of(app).database.read() as connection:
        assert settings_history(connection) == []


def test_saving_nothing_new_changes_nothing(app: Flask) -> None:
    """The version counts changes, not clicks."""
    save(app, threshold=7)
    assert save(app, threshold=7).version == 1
    with state_of(app).database.read() as connection:
        assert len(settings_history(connection)) == 1


def test_an_older_version_is_a_conflict_that_shows_the_present_one(app: Flask) -> None:
    """The second of two admins is told what the first one saved; nothing is lost silently."""
    first = save(app, button_text="First")
    with pytest.raises(SettingsConflict) as caught:
        save(app, version=0, button_text="Second")
    assert caught.value.current == first == current(app)


@pytest.mark.parametrize("version", [-1, 1, 99])
def test_a_version_that_was_never_shown_is_a_conflict(app: Flask, version: int) -> None:
    """Also a higher one."""
    with pytest.raises(SettingsConflict):
        save(app, version=version, button_text="X")


def test_of_many_admins_at_once_one_saves(app: Flask) -> None:
    """Each of twelve saw version 0: one wins, eleven are refused, and there is one line of history."""
    current(app)

    def try_to_save(number: int) -> bool:
        try:
            save(app, by=f"admin {number}", version=0, button_text=f"Text {number}")
        except SettingsConflict:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(try_to_save, range(12))) == 1
    assert current(app).version == 1
    with state_of(app).database.read() as connection:
        assert len(settings_history(connection)) == 1


def test_the_history_has_who_when_and_what(app: Flask) -> None:
    """Newest first; each line has the settings before and after."""
    start = current(app)
    one = save(app, by="ada", button_text="One")
    two = save(app, by="bob", email=None, triggers=(Trigger.DOWNVOTE,))
    with state_of(app).database.read() as connection:
        second, first = settings_history(connection)
        assert settings_history(connection, limit=1) == [second]
    assert (first.version, first.changed_by, first.before, first.after) == (1, "ada", start, one)
    assert (second.version, second.changed_by, second.before, second.after) == (2, "bob", one, two)
    assert abs(datetime.now(timezone.utc) - second.changed_at) < timedelta(minutes=1)


def test_settings_survive_their_json_form() -> None:
    """The history keeps them as JSON."""
    settings = DeskSettings("default", False, None, "Ü & <b>", (Trigger.ALWAYS, Trigger.DOWNVOTE), 4, 8)
    assert DeskSettings.from_json(settings.as_json()) == settings


def test_an_unknown_desk_is_refused_by_name(app: Flask) -> None:
    """By its name."""
    state = state_of(app)
    with pytest.raises(Invalid) as caught, state.database.read() as connection:
        current_settings(connection, state.config, "nowhere")
    assert "nowhere" in str(caught.value.fields)


def test_saved_settings_decide_what_visitors_see(app: Flask) -> None:
    """Triggers, threshold, text and address take effect with the next request, for other workers as well."""
    client = app.test_client()
    save(app, triggers=(Trigger.CONVERSATION_LENGTH,), threshold=2, button_text="Saved", email="saved@example.com")
    assert client.get("/handoff/offer?pairs=1").status_code == 204
    assert "Saved" in client.get("/handoff/offer?pairs=2").text
    fields = ticket_fields(client, offer=signed_offer(client, pairs=2), conversation=json.dumps([PAIR, PAIR]))
    answer = client.post("/handoff/tickets", data=fields)
    assert answer.status_code == 201
    assert tickets(app)[0].recipient == "saved@example.com"


def test_an_admin_who_gives_an_address_opens_a_desk_that_had_none(make_app: Callable[..., Flask]) -> None:
    """A site may start without KAPA_HANDOFF_EMAIL and leave it to its admins."""
    app = make_app(KAPA_HANDOFF_EMAIL=None)
    assert not current(app).takes_tickets
    assert save(app, email="a@example.com").takes_tickets
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 200
