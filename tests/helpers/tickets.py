"""Tickets: how they are sent, what is stored of them, what a refusal looks like."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import Client, TestResponse

from flask_kapa_handoff import testing
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from tests.helpers.offers import own_offer, signed_offer
from tests.helpers.pages import FRAGMENT, HTMX, JSON, Page, json_of

PAIR = {"id": "a1", "question": "How do I rotate a key?", "answer": "Run `keys rotate`."}

NOTE = "It does not work on Tuesdays."
EMAIL = "visitor@example.com"
SHAPES = {"page": {}, "fragment": FRAGMENT, "htmx": HTMX, "json": JSON}

SECRET = "ghp_" + "a1B2" * 9


def ticket_fields(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    """The fields of a valid ticket; ``fields`` replaces single ones, None leaves one out."""
    values: dict[str, Any] = {
        "offer": fields.pop("offer", None) or signed_offer(client),
        "submission_id": str(uuid.uuid4()),
        "email": "visitor@example.com",
        "note": "It does not work on Tuesdays.",
        "conversation": json.dumps([PAIR]),
        "website": "",
        **fields,
    }
    return {name: value for name, value in values.items() if value is not None}


def send_ticket(client: FlaskClient, **fields: Any) -> str:
    """Send a ticket; returns its reference. One ``offer`` serves for as many as are sent."""
    offer = own_offer(client, fields.pop("offer")) if "offer" in fields else signed_offer(client)
    return testing.send_ticket(client, offer=offer, **{"note": NOTE, **fields}).reference


def post(client: FlaskClient, shape: str, fields: dict[str, Any], **headers: str) -> TestResponse:
    sent = {**SHAPES[shape], **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post("/handoff/tickets", data=fields, headers=sent)


def post_json(client: FlaskClient, body: Any, **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/handoff/tickets", json=body, headers=sent)


def age_tickets(app: Flask, by: timedelta) -> None:
    """Move the creation of every ticket back in time."""
    stored = testing.tickets(app)
    with state_of(app).database.write() as connection:
        for ticket in stored:
            earlier = ticket.created_at - by
            connection.execute(update(ticket_table).where(ticket_table.c.id == ticket.id).values(created_at=earlier))


def refused(answer: TestResponse, shape: str, status: int, code: str, *, note: str = NOTE, email: str = EMAIL) -> Page:
    """Holds an answer against the table's row; returns the page or fragment, with what was typed still in it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    if shape == "json":
        assert answer.mimetype == "application/json"
        assert set(json_of(answer)) == {"error"}
        assert json_of(answer)["error"]["code"] == code
        assert isinstance(json_of(answer)["error"]["message"], str)
        assert json_of(answer)["error"]["message"]
        return Page("")
    page = Page(answer.text)
    assert page.elements[0][0] == ("html" if shape == "page" else "dialog")
    assert page.fields["note"] == note
    assert page.fields["email"] == email
    assert page.one("form")["action"] == "/handoff/tickets"
    return page


def whole_way(client: Client, prefix: str = "/handoff") -> list[TestResponse]:
    """Everything that a visitor meets, without script: button, form, an error, the ticket, and a cancel."""
    button = client.get(f"{prefix}/offer?pairs=1&thread_id=t&answer_id=a1")
    assert button.status_code == 200, button.text
    shown = Page(button.text)
    form = client.get(shown.one("form")["action"], query_string=shown.fields)
    assert form.status_code == 200, form.text
    opened = Page(form.text)
    action = opened.one("form")["action"]
    fields = {**opened.fields, "conversation": json.dumps([PAIR])}
    wrong = client.post(action, data=fields)
    assert wrong.status_code == 422, wrong.text
    assert Page(wrong.text).said_at("email")
    stored = client.post(action, data={**fields, "email": "visitor@example.com"})
    assert stored.status_code == 201, stored.text
    assert "T-" in stored.text
    event = client.post(f"{prefix}/events", json={"offer": shown.fields["offer"], "event": "cancel"})
    assert event.status_code == 204, event.text
    return [button, form, wrong, stored, event]
