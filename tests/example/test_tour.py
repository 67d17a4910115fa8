"""The tour's addresses, and that no page names what an admin can rename."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.ticket_handoff import handoff
from tests.example.site import ask


def test_only_the_printed_address_signs_in(app: Flask, client: FlaskClient) -> None:
    assert client.get("/tour/guessed").status_code == 404
    assert client.get("/handoff/admin/").status_code == 302
    assert client.get(f"/tour/{app.config['TOUR_KEY']}").status_code == 303
    assert client.get("/handoff/admin/").status_code == 200


def test_a_step_without_what_it_needs_begins_at_the_first(client: FlaskClient) -> None:
    """After a restart with other data, or by an old tab."""
    assert client.post("/tour/4").location == "/"
    assert "Step 1 of 6" in client.get("/").text
    client.post("/tour/2")
    assert client.post("/tour/7").status_code == 404
    client.post("/tour/end")
    assert "Step " not in client.get("/").text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"triggers": "always"}, "Under every answer, a"),
        (
            {"triggers": "downvote,conversation-length", "threshold": 5},
            "vote down, and each one from question number 5",
        ),
        ({"enabled": False}, "the button is off"),
    ],
)
def test_no_page_names_what_an_admin_can_rename(
    app: Flask, client: FlaskClient, changes: dict[str, Any], told: str
) -> None:
    """The button's text, its triggers and the address are what they are now."""
    with app.app_context():
        handoff.settings.save(changed_by="test", button_text="Ask us", email="desk@example.com", **changes)
    for path in ("/", "/ask/", "/inbox/"):
        text = client.get(path).text
        assert "Create ticket" not in text
        assert "support@" not in text
        if path != "/inbox/":
            assert told in " ".join(text.split())
    assert "desk@example.com" in client.get("/inbox/").text
    assert "Create ticket" not in ask(client, "Will it rain tomorrow?").text
