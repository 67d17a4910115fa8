"""Two admins at once: what only one of them changed is merged, and what both changed is picked, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff.admin.differences import names_of_both, value_of, with_value
from flask_kapa_handoff.desk_settings import SETTINGS as NAMES
from flask_kapa_handoff.desk_settings import DeskSettings
from flask_kapa_handoff.settings_api import Settings
from tests.helpers.admin import fields, offered, save, shown, with_password
from tests.helpers.desks import save_desk
from tests.helpers.history import form_with, picked
from tests.helpers.pages import HTMX

EVERYTHING: dict[str, Any] = {
    "enabled": False,
    "email": "a@example.com, b@example.com",
    "button_text": "Ask us",
    "triggers": "downvote,uncertainty",
    "threshold": 9,
    "label": "Sales",
    "internal": True,
    "channel": "mail",
    "mail_content": "link",
    "tickets_per_hour": 7,
    "take_link": True,
    "reminder_email": "boss@example.com",
    "reminder_hours": 9,
    "form": {
        "texts": {
            "": {"title": "Ask", "thanks": "Thanks"},
            "de": {"title": "Fragen", "button_text": "Fragen Sie uns"},
        },
        "reply_within": 2,
        "reply_unit": "days",
        "office_days": [0, 4],
        "opens": "08:00",
        "closes": "12:00",
        "time_zone": "Europe/Berlin",
        "open_directly": True,
        "attachments": True,
        "show_address": True,
        "unasked": ["order"],
        "accent": "#0b5fff",
        "radius": "pill",
    },
}
"""Settings that differ from the defaults in all that they can, but the channel: the site has one."""

MARIA = {"Authorization": "Basic bWFyaWE6eA=="}
SETTINGS = "/handoff/admin/settings"


@pytest.fixture
def carl(admin_app: Callable[..., Flask]) -> FlaskClient:
    """The client of an admin; another one is called maria."""
    client = admin_app(admin_required=with_password).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Basic Y2FybDp4"
    return client


def maria_saves(client: FlaskClient, **changes: Any) -> None:
    assert client.post(SETTINGS, data=fields(client, **changes), headers=MARIA).status_code == 303


def settings(client: FlaskClient, desk: str = "default") -> DeskSettings:
    with client.application.app_context():
        return Settings().get(desk)


def refused(answer: TestResponse) -> TestResponse:
    assert answer.status_code == 409
    return answer


@pytest.mark.parametrize("htmx", [False, True])
def test_only_what_differs_is_shown_and_each_is_picked(carl: FlaskClient, htmx: bool) -> None:
    """Both values, with who saved theirs and when; what one side alone changed is merged and said."""
    headers = HTMX if htmx else {}
    mine = fields(carl, button_text="Mine", threshold="7", triggers="conversation-length", form_title="My title")
    maria_saves(carl, button_text="Theirs", form_title="Their title", email="maria@example.com")
    answer = refused(carl.post(SETTINGS, data=mine, headers=headers))
    page = shown(answer)
    assert "You both changed these settings. Pick one of each. Nothing is saved yet." in page
    for label, own, other in (("Button text", "Mine", "Theirs"), ("Title", "My title", "Their title")):
        assert f"{label} Yours {own} Saved maria, 20" in page
        assert f"(just now) {other}" in page
    assert "Saved by others, and kept Address: support@example.com → maria@example.com maria, 20" in page
    assert (
        "Changed by you only When to show it: Every answer → Long conversations Show from question number: 3 → 7"
        in page
    )
    assert "Accent colour" not in page
    assert offered(carl) == "Theirs"

    chosen = picked(answer.text, form_title="theirs")
    done = carl.post(SETTINGS, data=chosen, headers=headers)
    assert done.status_code == (200 if htmx else 303)
    found = settings(carl)
    assert (found.button_text, found.form.texts[""]["title"]) == ("Mine", "Their title")
    assert (found.email, found.threshold, found.version) == ("maria@example.com", 7, 2)


def test_different_settings_are_both_kept(carl: FlaskClient) -> None:
    """There is nothing to pick, and still the admin decides."""
    mine = fields(carl, triggers="downvote")
    maria_saves(carl, button_text="Theirs", form_accent="#000000")
    page = refused(carl.post(SETTINGS, data=mine)).text
    assert "You changed different settings, so both can be kept." in page
    assert 'type="radio"' not in page
    assert carl.post(SETTINGS, data=picked(page)).status_code == 303
    assert offered(carl, downvoted="true") == "Theirs"
    assert settings(carl).form.accent == "#000000"


def test_a_third_admin_gets_the_same_page_again(carl: FlaskClient) -> None:
    """What was picked is kept, and what the third one changed alone is merged."""
    mine = fields(carl, button_text="Mine", form_title="My title", form_lead="My introduction")
    maria_saves(carl, button_text="Theirs", form_title="Their title")
    first = refused(carl.post(SETTINGS, data=mine)).text
    maria_saves(carl, form_title="Third title", form_radius="pill")
    again = refused(carl.post(SETTINGS, data=picked(first, form_title="theirs")))
    page = shown(again)
    # The title was theirs already, so only the third admin has changed it since.
    assert "Title: Their title → Third title" in page
    assert "Corners: default → Very round" in page
    assert "Changed by you only Button text: Theirs → Mine Introduction: default → My introduction" in page
    assert carl.post(SETTINGS, data=picked(again.text)).status_code == 303
    found = settings(carl)
    assert found.button_text == "Mine"
    assert found.form.texts[""] == {"title": "Third title", "lead": "My introduction"}
    assert (found.form.radius, found.version) == ("pill", 3)


def test_the_third_admin_changes_what_is_being_picked(carl: FlaskClient) -> None:
    """Then it is asked about again, with the newest value and its name."""
    mine = fields(carl, button_text="Mine")
    maria_saves(carl, button_text="Theirs")
    first = refused(carl.post(SETTINGS, data=mine)).text
    carl.post(SETTINGS, data=fields(carl, button_text="Third"), headers={"Authorization": "Basic YWRhOng="})
    again = shown(refused(carl.post(SETTINGS, data=picked(first, button_text="mine"))))
    assert "Button text Yours Mine Saved ada, 20" in again
    assert offered(carl) == "Third"


def test_lists_hours_and_languages_are_picked_as_a_whole(carl: FlaskClient) -> None:
    """Office hours with their days and zone; a text of one language alone."""
    german: dict[str, Any] = {"form_languages": "de", "form_title--de": "Fragen"}
    hours: dict[str, Any] = {"form_office_days": ["", "0", "1"], "form_time_zone": "UTC", "form_opens": "08:00"}
    save(carl, triggers="uncertainty")
    mine = fields(carl, **german, **hours, triggers=["downvote", "uncertainty"])
    theirs = {**german, "form_title--de": "Bitte fragen", "form_lead--de": "Wir lesen mit."}
    maria_saves(carl, **theirs, form_office_days=["", "4"], form_time_zone="Europe/Berlin", triggers="always")
    answer = refused(carl.post(SETTINGS, data=mine))
    page = shown(answer)
    assert "Office hours Yours Mon, Tue 08:00–17:00 UTC Saved maria" in page
    assert "Introduction (German): default → Wir lesen mit." in page
    chosen = {"triggers": "theirs", "form_office_days": "theirs", "form_title--de": "mine"}
    assert carl.post(SETTINGS, data=picked(answer.text, **chosen)).status_code == 303
    found = settings(carl)
    assert found.triggers == ("always",)
    assert (found.form.office_days, found.form.time_zone, found.form.opens) == ((4,), "Europe/Berlin", "09:00")
    assert found.form.texts == {"de": {"title": "Fragen", "lead": "Wir lesen mit."}}


def test_the_same_change_by_both_is_not_picked(carl: FlaskClient) -> None:
    """It is said; saving again changes nothing."""
    mine = fields(carl, button_text="Ask us")
    maria_saves(carl, button_text="Ask us")
    page = refused(carl.post(SETTINGS, data=mine))
    assert "Saved by others, and kept Button text: Create ticket → Ask us maria" in shown(page)
    assert "unchanged=1" in carl.post(SETTINGS, data=picked(page.text)).location


def test_a_desk_that_was_removed_meanwhile(carl: FlaskClient) -> None:
    """The other admin's removal is merged like any other change, and said."""
    save_desk(carl.application)
    mine = fields(carl, "sales", button_text="Ask Sales")
    with carl.application.app_context():
        Settings().remove("sales", changed_by="maria")
    answer = refused(carl.post(SETTINGS, data=mine))
    assert "Desk: in use → not in use maria, 20" in shown(answer)
    assert carl.post(SETTINGS, data=picked(answer.text)).status_code == 303
    with pytest.raises(LookupError):
        settings(carl, "sales")


def test_an_expired_session_keeps_what_was_picked(carl: FlaskClient) -> None:
    """Nothing is saved, and everything typed is in the form."""
    mine = fields(carl, button_text="Mine")
    maria_saves(carl, button_text="Theirs")
    page = refused(carl.post(SETTINGS, data=mine)).text
    answer = carl.post(SETTINGS, data={**picked(page), "csrf_token": "x"})
    assert answer.status_code == 400
    assert 'name="button_text" value="Mine"' in answer.text


def test_without_the_version_that_was_seen_all_that_differs_is_picked(carl: FlaskClient) -> None:
    """As when the history does not reach back so far."""
    mine = {**fields(carl, button_text="Mine"), "version": "7"}
    maria_saves(carl, form_title="Theirs")
    answer = refused(carl.post(SETTINGS, data=mine))
    assert form_with(answer.text, "kapa-handoff-admin-conflict")["pick_button_text"] == "mine"
    assert "Button text Yours Mine" in shown(answer)
    assert "Title Yours default" in shown(answer)


def test_saving_again_with_an_old_version_never_loses_anything(carl: FlaskClient) -> None:
    """The contract: an older version is a conflict, whatever else is sent."""
    save(carl, button_text="First")
    stale = {**fields(carl, button_text="Stale"), "version": "0", "pick_button_text": "mine", "pick_nothing": "theirs"}
    refused(carl.post(SETTINGS, data=stale))
    assert offered(carl) == "First"


@pytest.mark.only("sqlite")
def test_every_setting_can_be_picked_alone(app: Flask) -> None:
    """Picked one after another, all of them make the one version from the other; each changes nothing else."""
    with app.app_context():
        one = Settings().get()
        other = Settings().save("sales", changed_by="ada", **EVERYTHING)
    assert set(other.differences(one)) == set(NAMES) - {"removed", "channel"}
    names = names_of_both(one, other)
    found = one
    for name in names:
        picked_one = with_value(one, name, other)
        changed = [each for each in names if value_of(picked_one, each) != value_of(one, each)]
        assert changed == ([name] if value_of(one, name) != value_of(other, name) else [])
        found = with_value(found, name, other)
    assert found.differences(other) == ()
    back = found
    for name in names:
        back = with_value(back, name, one)
    assert back.differences(one) == ()
