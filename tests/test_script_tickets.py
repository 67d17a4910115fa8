"""POST /tickets as handoff.js sends it: the form in JSON, for a fragment of the page in return."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, Request, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff, Submission
from flask_kapa_handoff.testing import conversation_of, tickets
from tests.helpers.pages import FRAGMENT, Page, json_of
from tests.helpers.tickets import NOTE, PAIR, post_json, refused, send_ticket, ticket_fields

pytestmark = pytest.mark.only("sqlite")


def post(client: FlaskClient, body: Any) -> TestResponse:
    return client.post("/handoff/tickets", json=body, headers=FRAGMENT)


def script_fields(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    return ticket_fields(client, **{"conversation": [PAIR], **fields})


def test_json_is_answered_with_a_fragment_for_the_script_and_with_json_for_programs(
    app: Flask, client: FlaskClient
) -> None:
    """The header decides, and both are the same submission."""
    fields = script_fields(client)
    answer = post(client, fields)
    assert (answer.status_code, answer.mimetype) == (201, "text/html")
    (ticket,) = tickets(app)
    page = Page(answer.text)
    assert page.elements[0][0] == "dialog"
    assert ticket.reference in page.text
    assert (ticket.note, conversation_of(app, ticket).pairs[0].question) == (NOTE, PAIR["question"])
    again = post_json(client, fields)
    assert (again.status_code, again.json) == (200, {"reference": ticket.reference, "status": "queued"})


def test_a_wrong_field_gives_the_form_back(client: FlaskClient) -> None:
    """With its error, and with what was typed."""
    page = refused(post(client, script_fields(client, email="nobody")), "fragment", 422, "invalid", email="nobody")
    assert "the @ is missing" in page.said_at("email")


def test_the_sites_own_inputs_are_in_the_requests_form(make_app: Callable[..., Flask]) -> None:
    """As if the form had been sent; an input that has to be declared is named."""
    seen: list[Any] = []
    handoff = KapaHandoff()

    @handoff.ticket_filter
    def look(submission: Submission) -> None:
        seen.append({name: request.form.getlist(name) for name in request.form})

    client = make_app(handoff=handoff).test_client()
    assert post(client, script_fields(client, _proof="42", _tag=["one", "two"])).status_code == 201
    assert seen[0]["_proof"] == ["42"]
    assert seen[0]["_tag"] == ["one", "two"]
    assert seen[0]["note"] == [NOTE]
    assert "conversation" not in seen[0]
    answer = post(client, script_fields(client, undeclared="x"))
    assert answer.status_code == 422
    assert "This form has no field “undeclared”" in Page(answer.text).text


def test_a_request_class_that_does_not_give_its_form_away_costs_no_ticket(make_app: Callable[..., Flask]) -> None:
    """The site then finds in ``request.form`` what it put there."""

    class Sealed(Request):
        @property
        def form(self) -> Any:
            return {}

    app = make_app()
    app.request_class = Sealed
    client = app.test_client()
    assert post(client, script_fields(client)).status_code == 201


@pytest.mark.parametrize("field", ["note", "website", "_own"])
def test_null_is_as_good_as_a_field_that_is_left_out(client: FlaskClient, field: str) -> None:
    """As for programs."""
    assert post(client, script_fields(client, **{field: None}) | {field: None}).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"note": 5},
        {"note": {"a": 1}},
        {"_own": [["a"]]},
        {"\ud800": 1},
        {"_own": ["a"] * 400},
        {f"_{number}": "a" for number in range(400)},
        {"conversation": 5},
        {"conversation": {"a": 1}},
        [],
        "text",
    ],
    ids=lambda wrong: repr(wrong)[:30],
)
def test_what_no_form_contains_is_refused(app: Flask, client: FlaskClient, wrong: Any) -> None:
    """422, never an error of the server."""
    answer = post(client, {**script_fields(client), **wrong} if isinstance(wrong, dict) else wrong)
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert tickets(app) == []


def test_a_chinese_conversation_fits_that_would_be_too_large_as_a_form(app: Flask, client: FlaskClient) -> None:
    """A form's encoding takes nine octets for a character, JSON three."""
    pairs = [{**PAIR, "answer": "密" * 120_000}]
    as_form = ticket_fields(client, conversation=json.dumps(pairs, ensure_ascii=False))
    assert len(urlencode(as_form)) > 1_000_000
    assert client.post("/handoff/tickets", data=as_form, headers=FRAGMENT).status_code == 413
    answer = client.post(
        "/handoff/tickets",
        data=json.dumps({**as_form, "conversation": pairs}, ensure_ascii=False).encode(),
        content_type="application/json",
        headers=FRAGMENT,
    )
    assert answer.status_code == 201
    assert len(tickets(app)) == 1


def test_a_limit_says_when_it_ends_without_a_time_of_day(make_app: Callable[..., Flask]) -> None:
    """It says how long, and gives the script a sentence for the time: only the browser has the visitor's clock."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    client = app.test_client()
    send_ticket(client)
    said = "We can't take more messages from your network right now. Your text is safe – try again in 60 minutes."
    for answer in (
        post(client, script_fields(client)),
        client.post("/handoff/tickets", data=ticket_fields(client)),
    ):
        page = Page(answer.text)
        assert said in " ".join(page.text.split())
        time = page.one("time")
        assert time["datetime"] == f"PT{answer.headers['Retry-After']}S"
        assert time["data-after"] == "Your text is safe – try again after {}."
    assert json_of(post_json(client, script_fields(client)))["error"]["message"] == said
