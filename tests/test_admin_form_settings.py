"""The settings page: what the form says. Folded, previewed, saved, undone, compared and pinned as everything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff.settings import current_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings
from tests.helpers.admin import error_at, fields, save, shown
from tests.helpers.pages import HTMX

pytestmark = pytest.mark.only("sqlite")

GERMAN: dict[str, Any] = {"form_languages": "de", "form_title--de": "Fragen Sie uns"}
TOO_LONG: dict[str, Any] = {**GERMAN, "form_title--de": "x" * 101}
EMPTIED: dict[str, Any] = {"form_title--de": " "}


def form_of(client: FlaskClient) -> dict[str, Any]:
    """What is stored about the form."""
    state = state_of(client.application)
    with state.database.read() as connection:
        return current_settings(connection, state.config).form.as_json()


def preview(client: FlaskClient, *, htmx: bool = True, **changes: Any) -> TestResponse:
    return client.post("/handoff/admin/preview", data=fields(client, **changes), headers=HTMX if htmx else {})


def inputs(answer: TestResponse) -> dict[str, str]:
    """The tag of each input of the settings form, by its name."""
    form = answer.text[answer.text.index('id="kapa-handoff-admin-form"') :]
    return {
        found[2]: unescape(found[1])
        for found in re.finditer(r'(<input[^>]*? name="([^"]*)"[^>]*>)', form[: form.index("</form>")])
    }


def is_open(answer: TestResponse) -> bool:
    return '<details class="handoff-more" id="kapa-handoff-admin-more-form" open>' in answer.text


def test_the_page_is_calm_until_an_admin_unfolds_it(admin: FlaskClient) -> None:
    """Everything about the form is in one folded section; empty inputs show what the form says anyway."""
    page = admin.get("/handoff/admin/")
    assert not is_open(page)
    assert 'placeholder="Someone at site will read this and reply by email."' in inputs(page)["form_lead"]
    assert 'placeholder="Create ticket"' in inputs(page)["form_title"]


def test_every_saved_value_is_on_the_page_again(admin: FlaskClient) -> None:
    """Every input, with htmx and without; the section stays open after a save that changed it."""
    answer = save(
        admin,
        htmx=True,
        form_title="Ask us",
        form_privacy_url="/privacy",
        form_reply_within="3",
        form_reply_unit="days",
        form_office_days=["", "0", "4"],
        form_time_zone="Europe/Berlin",
        form_attachments=["false", "true"],
        form_show_address=["false", "true"],
        form_accent="0B5FFF",
        form_radius="round",
        **GERMAN,
    )
    assert "Saved. Live now." in shown(answer)
    assert is_open(answer)
    stored = {
        "texts": {"": {"title": "Ask us", "privacy_url": "/privacy"}, "de": {"title": "Fragen Sie uns"}},
        "reply_within": 3,
        "reply_unit": "days",
        "office_days": [0, 4],
        "time_zone": "Europe/Berlin",
        "attachments": True,
        "show_address": True,
        "accent": "#0b5fff",
        "radius": "round",
    }
    assert form_of(admin) == stored
    assert "No changes to save." in shown(save(admin, htmx=True))
    assert form_of(admin) == stored
    assert save(admin, form_title="").status_code == 303
    assert form_of(admin)["texts"] == {"": {"privacy_url": "/privacy"}, "de": {"title": "Fragen Sie uns"}}


def test_a_program_may_send_only_what_it_changes(admin: FlaskClient) -> None:
    """What a request leaves out stays."""
    save(admin, form_title="Ask us", form_accent="#123456")
    only = {name: value for name, value in fields(admin).items() if not name.startswith("form_")}
    assert admin.post("/handoff/admin/settings", data={**only, "form_lead": "Hello."}).status_code == 303
    assert form_of(admin) == {"texts": {"": {"title": "Ask us", "lead": "Hello."}}, "accent": "#123456"}


@pytest.mark.parametrize("htmx", [False, True])
def test_an_admin_adds_a_language(admin: FlaskClient, htmx: bool) -> None:
    """Its inputs appear with what was typed still there, and nothing is saved; its texts are German by default."""
    answer = preview(admin, htmx=htmx, form_title="Ask us", form_added="de", form_add="true")
    found = inputs(answer)
    assert 'value="Ask us"' in found["form_title"]
    assert 'value="de"' in found["form_languages"]
    assert 'placeholder="Ticket erstellen"' in found["form_button_text--de"]
    assert [name for name, tag in found.items() if " autofocus" in tag] == ["form_button_text--de"]
    assert is_open(answer)
    assert form_of(admin) == {}


def test_a_language_without_texts_is_gone(admin: FlaskClient) -> None:
    """Emptying all of its texts removes it."""
    save(admin, **GERMAN)
    assert "form_title--de" in fields(admin)
    save(admin, **EMPTIED)
    assert form_of(admin) == {}
    assert "form_title--de" not in fields(admin)


def test_the_preview_shows_the_form_and_the_thanks(admin: FlaskClient) -> None:
    """As typed, with the colours; what is right shows although something else is wrong."""
    answer = preview(
        admin, form_title="Ask <us>", form_thanks="Got it!", form_accent="#ffd400", form_privacy_url="http://x"
    )
    assert "Ask &lt;us&gt;" in answer.text
    assert "Got it!" in shown(answer)
    assert answer.text.count('data-look="--kapa-handoff-accent:#ffd400;') == 3
    assert error_at(answer, "form_privacy_url").startswith("Use an address that begins with https://")
    assert error_at(answer, "form_title") == ""
    assert form_of(admin) == {}


def test_the_preview_speaks_the_chosen_language(admin: FlaskClient) -> None:
    """With the texts of that language, and the package's around them."""
    answer = preview(admin, form_preview_language="de", **GERMAN)
    for words in ("Fragen Sie uns", "Ihre E-Mail-Adresse", "Ihr Ticket", "The form"):
        assert words in shown(answer)


@pytest.mark.parametrize("htmx", [False, True])
def test_a_mistake_is_shown_at_its_input_and_nothing_is_saved(admin: FlaskClient, htmx: bool) -> None:
    """The section is open, the first wrong input has the focus, and what was typed stays."""
    answer = save(admin, htmx=htmx, form_lead="Hello.", form_accent="blue", **TOO_LONG)
    assert answer.status_code == 422
    assert is_open(answer)
    assert error_at(answer, "form_accent") == "Use a colour such as #3451d1."
    assert error_at(answer, "form_title--de") == "This is 101 characters long. The limit is 100."
    found = inputs(answer)
    assert 'value="blue"' in found["form_accent"]
    assert 'aria-invalid="true"' in found["form_accent"]
    assert [name for name, tag in found.items() if " autofocus" in tag] == ["form_title--de"]
    assert 'value="Hello."' in found["form_lead"]
    assert form_of(admin) == {}


def test_the_history_names_each_text_and_brings_it_back(admin: FlaskClient) -> None:
    """Undo and Restore send everything, also the languages that are gone."""
    save(admin, form_title="Ask us", **GERMAN)
    answer = save(admin, htmx=True, form_title="Ask", **EMPTIED, form_office_days=["", "0"], form_time_zone="UTC")
    page = shown(answer)
    assert "Title: Ask us → Ask" in page
    assert "Title (German): Fragen Sie uns → default" in page
    assert "Office hours: default → Mon 09:00–17:00 UTC" in page
    toast = answer.text[answer.text.index('class="handoff-toast"') :]
    undo = {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', toast)}
    undo["csrf_token"] = fields(admin)["csrf_token"]
    assert admin.post("/handoff/admin/settings", data=undo).status_code == 303
    assert form_of(admin) == {"texts": {"": {"title": "Ask us"}, "de": {"title": "Fragen Sie uns"}}}


def test_a_pinned_form_cannot_be_changed(admin_app: Callable[..., Flask]) -> None:
    """The page names the key; a request that changes it is refused, and other settings can be saved."""
    configured = {"texts": {"": {"title": "Ours"}}}
    client = admin_app(KAPA_HANDOFF_FORM=configured, KAPA_HANDOFF_PINNED="form").test_client()
    page = client.get("/handoff/admin/")
    assert "<fieldset disabled>" in page.text
    assert "Set in the site's configuration ( KAPA_HANDOFF_FORM )." in shown(page)
    answer = save(client, form_title="Mine")
    assert answer.status_code == 422
    assert "(KAPA_HANDOFF_FORM) and cannot be changed here." in error_at(answer, "form_languages")
    assert save(client, button_text="Ask").status_code == 303
    assert form_of(client) == configured


def test_a_stored_value_that_a_later_version_allows_prevents_no_save(admin: FlaskClient) -> None:
    """It stays as it is until it is changed."""
    change_settings(admin.application, form={"texts": {"": {"title": "Ask"}}})
    state = state_of(admin.application)
    with state.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE kapa_handoff_desk SET form = replace(form, 'Ask', printf('%.*c', 150, 'x'))"
        )
    assert save(admin, button_text="Help").status_code == 303
    assert form_of(admin) == {"texts": {"": {"title": "x" * 150}}}
