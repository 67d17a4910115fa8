"""The preview of the settings page: what is typed, before it is saved."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.helpers.admin import error_at, fields, offered, shown
from tests.helpers.pages import HTMX


def test_the_preview_shows_what_is_typed_and_changes_nothing(admin: FlaskClient) -> None:
    """The button and the form appear as typed; nothing is stored."""
    typed = fields(admin, button_text="Talk to <us>", triggers=["", "downvote"])
    answer = admin.post("/handoff/admin/preview", data=typed, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.count("Talk to &lt;us&gt;") == 2
    assert "Shown after a downvote." in shown(answer)
    assert offered(admin) == "Create ticket"
    assert fields(admin)["version"] == "0"


def test_the_preview_tells_errors_at_once(admin: FlaskClient) -> None:
    """A wrong field's message is included, and the preview keeps what is right."""
    typed = fields(admin, email="support@", button_text="Talk to us", triggers=[""])
    answer = admin.post("/handoff/admin/preview", data=typed, headers=HTMX)
    assert answer.status_code == 200
    assert "Check the address:" in error_at(answer, "email")
    assert error_at(answer, "triggers").startswith("Choose at least one.")
    assert error_at(answer, "button_text") == ""
    assert answer.text.count("Talk to us") == 2


def test_the_preview_without_htmx_is_the_whole_page(admin: FlaskClient) -> None:
    """Without script the page comes back with what was typed, unsaved."""
    answer = admin.post("/handoff/admin/preview", data=fields(admin, button_text="Talk to us"))
    assert "This is a preview. Nothing is saved yet." in shown(answer)
    assert re.search(r"data-unsaved-of=[^>]* hidden>", admin.get("/handoff/admin/").text)
    assert not re.search(r"data-unsaved-of=[^>]* hidden>", answer.text)
    assert 'name="button_text" value="Talk to us"' in answer.text
    assert offered(admin) == "Create ticket"


@pytest.mark.parametrize(
    ("triggers", "sentence"),
    [
        ("always,downvote", "Shown under every answer."),
        ("conversation-length", "Shown from question 3."),
        ("uncertainty,downvote", "Shown when the answer is uncertain or after a downvote."),
        (
            "conversation-length,uncertainty,downvote",
            "Shown from question 3, when the answer is uncertain or after a downvote.",
        ),
    ],
)
def test_the_preview_says_when_the_button_is_shown(admin: FlaskClient, triggers: str, sentence: str) -> None:
    """One sentence tells which answers get a button."""
    answer = admin.post("/handoff/admin/preview", data=fields(admin, triggers=triggers), headers=HTMX)
    assert sentence in shown(answer)
