"""The settings page: saved values apply at once, and errors are shown at their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Trigger
from flask_kapa_handoff.signals import settings_changed
from tests.helpers.admin import error_at, fields, offered, save, shown
from tests.helpers.offers import signed_offer
from tests.helpers.pages import json_of
from tests.helpers.tickets import PAIR

HTMX = {"HX-Request": "true"}


# Saving


def test_saving_without_htmx_leads_back_to_the_page(admin: FlaskClient) -> None:
    """A plain form's answer is 303 to the page, which says that it was saved."""
    answer = save(admin, button_text="Ask a human")
    assert answer.status_code == 303
    page = admin.get(answer.location)
    assert "Saved. Live now." in shown(page)
    assert 'value="Ask a human"' in page.text


def test_an_old_saved_notice_is_not_shown(admin: FlaskClient) -> None:
    """A link with an older version's notice shows nothing."""
    save(admin, button_text="One")
    save(admin, button_text="Two")
    assert "Saved as version" not in shown(admin.get("/handoff/admin/?saved=1"))


def test_saving_with_htmx_answers_with_the_page_in_place(admin: FlaskClient) -> None:
    """htmx gets 200, the fragment alone, and the toast."""
    answer = save(admin, htmx=True, button_text="Ask a human")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="kapa-handoff-admin-settings"')
    assert '<div id="kapa-handoff-admin-toast" hx-swap-oob="innerHTML">' in answer.text
    assert "Saved. Live now." in shown(answer)
    assert 'name="version" value="1"' in answer.text


def test_a_boosted_request_gets_a_whole_page(admin: FlaskClient) -> None:
    """A site's hx-boost asks for pages, not for fragments."""
    answer = admin.get("/handoff/admin/", headers={**HTMX, "HX-Boosted": "true"})
    assert "<html" in answer.text


def test_the_button_changes_right_after_a_save(admin: FlaskClient) -> None:
    """The next answer's button follows the saved settings."""
    assert offered(admin) == "Create ticket"
    save(admin, button_text="  Ask   a human ")
    assert offered(admin) == "Ask a human"
    save(admin, triggers="conversation-length, uncertainty", threshold="4")
    assert offered(admin) is None
    assert offered(admin, pairs=4) == "Ask a human"
    save(admin, enabled="false")
    assert offered(admin, pairs=4) is None


@pytest.mark.parametrize(
    "triggers", [["downvote", "uncertainty"], "uncertainty,downvote", ["", "downvote,uncertainty"]]
)
def test_triggers_come_repeated_or_comma_separated(admin: FlaskClient, triggers: Any) -> None:
    """Both spellings of several triggers are understood."""
    assert save(admin, triggers=triggers).status_code == 303
    assert offered(admin) is None
    assert offered(admin, uncertain="true")
    assert offered(admin, downvoted="true")


@pytest.mark.parametrize(
    ("sent", "is_shown"), [("on", True), ("1", True), ("true", True), ("off", False), ("0", False)]
)
def test_the_switch_understands_the_usual_words(admin: FlaskClient, sent: str, is_shown: bool) -> None:
    """enabled takes what programs send for on and off."""
    save(admin, enabled=sent)
    assert (offered(admin) is not None) is is_shown


def test_a_field_that_is_left_out_keeps_its_value(admin: FlaskClient) -> None:
    """A program may name only what it changes."""
    save(admin, email="help@example.com", triggers="conversation-length", threshold="7")
    known = fields(admin)
    changes = {"csrf_token": known["csrf_token"], "version": known["version"], "button_text": "Help me"}
    assert admin.post("/handoff/admin/settings", data=changes).status_code == 303
    found = fields(admin)
    assert found["button_text"] == "Help me"
    assert found["email"] == "help@example.com"
    assert found["threshold"] == "7"
    assert found["triggers"] == ["", "conversation-length"]
    assert found["enabled"] == ["false", "true"]


def test_saving_unchanged_values_changes_nothing(admin: FlaskClient) -> None:
    """An unchanged form makes no version and says so."""
    answer = save(admin)
    assert answer.status_code == 303
    assert "No changes to save" in shown(admin.get(answer.location))
    assert fields(admin)["version"] == "0"


def test_an_empty_address_hides_the_button_and_says_so(admin: FlaskClient) -> None:
    """Without an address no button is shown, which the page tells plainly."""
    answer = save(admin, htmx=True, email=" ")
    assert answer.status_code == 200
    assert "There is no address to send tickets to, so visitors don't see the button." in shown(answer)
    assert offered(admin) is None


def test_the_signal_comes_after_the_commit(admin_app: Callable[..., Flask]) -> None:
    """settings_changed tells before, after and who, and its receiver sees what is stored."""
    app = admin_app()
    client, heard = app.test_client(), []

    def hear(sender: Flask, **told: Any) -> None:
        heard.append((sender, told, offered(app.test_client())))

    with settings_changed.connected_to(hear, app):
        save(client, button_text="Ask a human")
        save(client)  # nothing changes, nothing is told
    [(sender, told, seen)] = heard
    assert sender is app
    assert seen == "Ask a human"
    assert told["desk"] == "default"
    assert told["before"].button_text == "Create ticket"
    assert told["after"].button_text == "Ask a human"
    assert told["changed_by"] == "unknown"


# Errors


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("email", "support@", "Check the address:"),
        ("email", "a@example.com, b", "Check the address b: the @ is missing."),
        ("email", "a@example.com\r\nBcc: x@example.com", "Check the address:"),
        ("button_text", "  ", "Use text of 1 to 60 characters."),
        ("button_text", "x" * 61, "Use text of 1 to 60 characters."),
        ("triggers", [""], "Choose at least one. To hide the button, switch it off."),
        ("triggers", "downvotes", "Unknown trigger 'downvotes'; use any of always,"),
        ("threshold", "0", "Use a whole number from 1 to 100."),
        ("threshold", "101", "Use a whole number from 1 to 100."),
        ("threshold", "x", "Use a whole number from 1 to 100."),
        ("threshold", "", "Use a whole number from 1 to 100."),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_a_wrong_field_is_reported_at_the_field(
    admin: FlaskClient, name: str, value: Any, message: str, htmx: bool
) -> None:
    """A wrong value is 422 with the message at its field; what was typed stays, and nothing is stored."""
    wrong = {"triggers": "conversation-length", "button_text": "Typed", name: value}
    answer = save(admin, htmx=htmx, **wrong)
    assert answer.status_code == 422
    assert error_at(answer, name).startswith(message)
    assert ("<html" in answer.text) is not htmx
    assert answer.text.count('aria-invalid="true"') == 1
    if name != "button_text":
        assert 'value="Typed"' in answer.text
    assert offered(admin) == "Create ticket"


def test_several_wrong_fields_are_reported_together(admin: FlaskClient) -> None:
    """Each wrong field has its message; the first one takes the focus."""
    answer = save(admin, email="support@", button_text="", triggers=[""])
    for name in ("email", "button_text", "triggers"):
        assert error_at(answer, name)
    assert answer.text.count(" autofocus") == 1


@pytest.mark.parametrize("value", ["0", "x", "", "1000"])
def test_a_hidden_threshold_does_not_prevent_a_save(admin: FlaskClient, value: str) -> None:
    """Where conversation-length is not chosen, a bad threshold is left as it was."""
    assert save(admin, triggers="downvote", threshold=value).status_code == 303
    assert fields(admin)["threshold"] == "3"


def test_an_unknown_desk_is_refused(admin: FlaskClient) -> None:
    """A desk that does not exist is 422, with a sentence that names it."""
    answer = save(admin, desk="sales")
    assert answer.status_code == 422
    assert "There is no desk 'sales'" in shown(answer)
    with_htmx = save(admin, desk="sales", htmx=True)
    assert with_htmx.status_code == 422
    assert with_htmx.headers["HX-Retarget"] == "#kapa-handoff-admin-failure"


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_a_save_needs_the_version_that_was_shown(admin: FlaskClient, version: str) -> None:
    """Without a version nobody can tell whether the admin has seen the present settings."""
    answer = save(admin, version=version, button_text="Typed")
    assert answer.status_code == 422
    assert "version: must be the number that the form came with." in shown(answer)
    assert offered(admin) == "Create ticket"


def test_pinned_settings_are_shown_and_not_changed(admin_app: Callable[..., Flask]) -> None:
    """A pinned setting is read-only, names its key, and another value for it is 422 at the field."""
    client = admin_app(KAPA_HANDOFF_PINNED="email,button_text,triggers,threshold").test_client()
    page = client.get("/handoff/admin/")
    for key in ("EMAIL", "BUTTON_TEXT", "TRIGGERS", "CONVERSATION_LENGTH_THRESHOLD"):
        assert f"Set in the site's configuration ( KAPA_HANDOFF_{key} )." in shown(page)
    assert page.text.count(" readonly") == 3
    assert page.text.count(" disabled>") == len(Trigger) + 1  # and "Only when …"
    other: dict[str, Any] = {
        "email": "x@example.com",
        "button_text": "Other",
        "triggers": "downvote",
        "threshold": "9",
    }
    for name, value in other.items():
        answer = save(client, **{"triggers": None, name: value})
        assert answer.status_code == 422
        assert "cannot be changed here" in error_at(answer, name)
    assert save(client, triggers="always", enabled="false").status_code == 303


def test_an_unreachable_database_is_reported_in_place(admin_app: Callable[..., Flask], tmp_path: Any) -> None:
    """If the database cannot be reached, htmx shows the page's line for failures; the form stays."""
    (tmp_path / "folder").mkdir()
    client = admin_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path / 'folder'}").test_client()
    assert client.get("/handoff/admin/").status_code == 503
    answer = client.post("/handoff/admin/settings", headers=HTMX)
    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#kapa-handoff-admin-failure"
    assert answer.headers["Retry-After"]


def test_a_ticket_sent_after_a_save_goes_to_the_new_address(admin: FlaskClient) -> None:
    """A ticket goes to the address that is current when it is sent."""
    offer = signed_offer(admin)
    save(admin, email="new@example.com")
    answer = admin.post(
        "/handoff/tickets",
        json={
            "offer": offer,
            "submission_id": "0198f6a0-0000-7000-8000-000000000000",
            "email": "v@example.com",
            "conversation": [PAIR],
        },
    )
    assert answer.status_code == 201
    assert "new@example.com" in shown(admin.get(f"/handoff/admin/tickets/{json_of(answer)['reference']}"))
