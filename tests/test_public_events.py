"""POST /events, and the signals that the site hears: opened and cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff.signals import handoff_cancelled, handoff_opened
from flask_kapa_handoff.triggers import Facts
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import FRAGMENT, JSON, json_of
from tests.helpers.tickets import ticket_fields


@contextmanager
def heard(signal: NamedSignal, app: Flask) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """What a receiver of a signal gets."""
    calls: list[tuple[Any, dict[str, Any]]] = []

    def receive(sender: Any, **arguments: Any) -> None:
        calls.append((sender, arguments))

    with signal.connected_to(receive, app):
        yield calls


def cancel(client: FlaskClient, **changes: Any) -> TestResponse:
    headers = changes.pop("headers", None)
    return client.post("/handoff/events", json={"event": "cancel", **changes}, headers=headers)


def test_a_cancelled_form_is_noted(app: Flask, client: FlaskClient) -> None:
    """204 with nothing in it, and the site hears which answer it was about."""
    offer = signed_offer(client, pairs=4, uncertain="true")
    with heard(handoff_cancelled, app) as calls:
        answer = cancel(client, offer=offer)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert calls == [(app, {"facts": Facts(4, True, False)})]


def test_a_form_encoded_event_is_one_too(app: Flask, client: FlaskClient) -> None:
    """What navigator.sendBeacon() sends of a FormData."""
    with heard(handoff_cancelled, app) as calls:
        answer = client.post("/handoff/events", data={"event": "cancel", "offer": signed_offer(client)})
    assert answer.status_code == 204
    assert len(calls) == 1


@pytest.mark.parametrize("offer", ["", "forged", None, "\ud800"])
def test_a_forged_offer_is_refused(app: Flask, client: FlaskClient, offer: str | None) -> None:
    """403, and nobody hears of it."""
    with heard(handoff_cancelled, app) as calls:
        answer = cancel(client, offer=offer)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (403, "offer_invalid")
    assert calls == []


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("event", ["open", "submit", "", None, "CANCEL", "cancel "])
def test_another_event_is_refused(app: Flask, client: FlaskClient, event: str | None) -> None:
    """422 at the field: opening is counted by the form, sending by the ticket."""
    with heard(handoff_cancelled, app) as calls:
        answer = cancel(client, offer=signed_offer(client), event=event)
    assert answer.status_code == 422
    assert json_of(answer)["error"]["code"] == "invalid"
    assert list(json_of(answer)["error"]["fields"]) == ["event"]
    assert calls == []


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"offer": 5, "event": "cancel"}', '{"event": "cancel", "more": 1}']
)
def test_an_event_of_another_shape_is_refused(client: FlaskClient, body: str) -> None:
    """422 for what is no JSON object, other types and unknown fields."""
    answer = client.post("/handoff/events", data=body, content_type="application/json")
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}], ids=str)
def test_another_sites_page_cannot_send_events(client: FlaskClient, headers: dict[str, str]) -> None:
    """403, as for tickets."""
    answer = cancel(client, offer=signed_offer(client), headers=headers)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (403, "foreign_origin")


def test_an_event_that_is_too_large_is_refused(make_app: Any) -> None:
    """413."""
    client = make_app(KAPA_HANDOFF_MAX_REQUEST_BYTES=2_000).test_client()
    answer = cancel(client, offer="x" * 5_000)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_opening_the_form_is_noted(app: Flask, client: FlaskClient, headers: dict[str, str]) -> None:
    """The site hears of each form that is opened, with the facts of its offer."""
    offer = signed_offer(client, pairs=2, downvoted="true")
    with heard(handoff_opened, app) as calls:
        client.get("/handoff/form", query_string={"offer": offer}, headers=headers)
    assert calls == [(app, {"facts": Facts(2, False, True)})]


def test_what_is_not_opened_is_not_noted(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a forged offer, nor an expired one in JSON, nor a form that comes back with errors."""
    expired = old_offer(client, monkeypatch)
    fields = ticket_fields(client, email="")
    with heard(handoff_opened, app) as calls:
        client.get("/handoff/form?offer=forged")
        client.get("/handoff/form", query_string={"offer": expired}, headers=JSON)
        assert client.post("/handoff/tickets", data=fields).status_code == 422
    assert calls == []


def test_asking_only_for_the_head_of_the_form_does_not_open_it(app: Flask, client: FlaskClient) -> None:
    """A link checker's HEAD is no visitor."""
    with heard(handoff_opened, app) as calls:
        assert client.head("/handoff/form", query_string={"offer": signed_offer(client)}).status_code == 200
    assert calls == []


@pytest.mark.parametrize("signal", [handoff_opened, handoff_cancelled], ids=lambda signal: signal.name)
def test_a_receiver_that_raises_harms_nothing(
    app: Flask, client: FlaskClient, signal: NamedSignal, caplog: pytest.LogCaptureFixture
) -> None:
    """The visitor notices nothing, and the log has the error."""

    def broken(sender: Any, **arguments: Any) -> None:
        raise RuntimeError("a broken receiver")

    offer = signed_offer(client)
    with signal.connected_to(broken, app):
        opened = client.get("/handoff/form", query_string={"offer": offer})
        cancelled = cancel(client, offer=offer)
    assert (opened.status_code, cancelled.status_code) == (200, 204)
    assert "failed. RuntimeError in " in caplog.text
    assert "a broken receiver" not in caplog.text


def test_another_apps_receiver_is_not_called(make_app: Any) -> None:
    """The sender is the app that got the request."""
    one, two = make_app(name="one"), make_app(name="two")
    with heard(handoff_opened, two) as calls:
        one.test_client().get("/handoff/form", query_string={"offer": signed_offer(one.test_client())})
    assert calls == []
