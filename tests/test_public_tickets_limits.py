"""POST /tickets: too many tickets, and too many bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Request, request
from werkzeug.test import TestResponse

from flask_kapa_handoff.testing import tickets
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.tickets import EMAIL, PAIR, SHAPES, age_tickets, post, post_json, refused, ticket_fields

# --- 429 -------------------------------------------------------------------------------------------------------------


LIMITS: dict[str, tuple[dict[str, int], Callable[[int], dict[str, str]]]] = {
    "client": ({"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 2}, lambda n: {"email": f"v{n}@example.com"}),
    "email": ({"KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 2}, lambda n: {"address": f"192.0.2.{n}"}),
}


def send_from(app: Flask, shape: str, number: int, given: dict[str, Any]) -> tuple[TestResponse, dict[str, Any]]:
    client = app.test_client()
    fields = ticket_fields(client, **({"email": given["email"]} if "email" in given else {}))
    address = given.get("address", "192.0.2.99")
    answer = client.post(
        "/handoff/tickets", data=fields, headers=SHAPES[shape], environ_overrides={"REMOTE_ADDR": address}
    )
    return answer, fields


@pytest.mark.parametrize("limit", list(LIMITS))
def test_one_ticket_too_many_is_refused_until_an_hour_has_passed(
    make_app: Callable[..., Flask], shape: str, limit: str
) -> None:
    """429 with the text kept; Retry-After is the time until one more fits, and then it is taken."""
    config, given = LIMITS[limit]
    app = make_app(**config)
    for number in (1, 2):
        assert send_from(app, shape, number, given(number))[0].status_code == 201
        age_tickets(app, timedelta(minutes=10))
    # They are now 20 and 10 minutes old: the first leaves the hour in 40 minutes.
    answer, fields = send_from(app, shape, 3, given(3))
    refused(answer, shape, 429, "rate_limited", email=fields["email"])
    assert abs(int(answer.headers["Retry-After"]) - 40 * 60) <= 15
    assert len(tickets(app)) == 2
    age_tickets(app, timedelta(seconds=int(answer.headers["Retry-After"]) - 60))
    assert send_from(app, shape, 4, given(4))[0].status_code == 429
    age_tickets(app, timedelta(seconds=61))
    assert send_from(app, shape, 5, given(5))[0].status_code == 201
    assert send_from(app, shape, 6, given(6))[0].status_code == 429


def test_a_clients_limit_does_not_affect_others(make_app: Callable[..., Flask]) -> None:
    """Another address of the network, and another mail address, have their own counts."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    assert send_from(app, "json", 1, {"address": "192.0.2.1", "email": "a@example.com"})[0].status_code == 201
    assert send_from(app, "json", 2, {"address": "192.0.2.1", "email": "b@example.com"})[0].status_code == 429
    assert send_from(app, "json", 3, {"address": "192.0.2.2", "email": "a@example.com"})[0].status_code == 429
    assert send_from(app, "json", 4, {"address": "192.0.2.2", "email": "b@example.com"})[0].status_code == 201


def test_ipv6_counts_by_its_64(make_app: Callable[..., Flask]) -> None:
    """One connection has 2**64 addresses; the next network is another client."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    addresses = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::9", "2001:db8:0:2::1", "::ffff:192.0.2.7", "192.0.2.7"]
    statuses = [
        send_from(app, "json", number, {"address": address, "email": f"v{number}@example.com"})[0].status_code
        for number, address in enumerate(addresses)
    ]
    assert statuses == [201, 429, 201, 201, 429]


@pytest.mark.parametrize("same", ["Visitor@example.com", "visitor@EXAMPLE.com", " visitor@example.com "])
def test_an_address_counts_however_it_is_written(make_app: Callable[..., Flask], same: str) -> None:
    """Upper case does not make another visitor of it."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    assert send_from(app, "json", 1, {"email": EMAIL})[0].status_code == 201
    assert send_from(app, "json", 2, {"email": same})[0].status_code == 429


def test_a_refused_ticket_does_not_count(make_app: Callable[..., Flask]) -> None:
    """Mistakes in the form use nothing up."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    client = app.test_client()
    for _ in range(3):
        assert post(client, "json", ticket_fields(client, email="")).status_code == 422
    assert post(client, "json", ticket_fields(client)).status_code == 201


def test_of_fifty_submits_at_once_exactly_as_many_pass_as_the_limit_allows(make_app: Callable[..., Flask]) -> None:
    """Counting and storing are one step: 5 pass, 45 are told to wait, and nobody meets a locked database."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=5)

    def submit(number: int) -> TestResponse:
        fields = ticket_fields(app.test_client(), email=f"v{number}@example.com", note=f"note {number}")
        return post(app.test_client(), "json", fields)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(submit, range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [429] * 45
    stored = tickets(app)
    assert len(stored) == 5
    assert {json_of(answer)["reference"] for answer in answers if answer.status_code == 201} == {
        ticket.reference for ticket in stored
    }


def test_of_many_identical_submits_at_once_one_opens_the_ticket(app: Flask) -> None:
    """A double click on twenty machines: one 201, the same reference for all."""
    fields = ticket_fields(app.test_client())
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(app.test_client(), "json", fields), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({json_of(answer)["reference"] for answer in answers}) == 1
    assert len(tickets(app)) == 1


# --- 413 -------------------------------------------------------------------------------------------------------------


def test_a_conversation_of_too_many_pairs_is_refused_and_the_text_is_kept(
    make_app: Callable[..., Flask], shape: str
) -> None:
    """413, too_large; the limit itself is taken."""
    app = make_app(KAPA_HANDOFF_MAX_PAIRS=3)
    client = app.test_client()
    fields = ticket_fields(client, conversation=json.dumps([PAIR] * 4))
    refused(post(client, shape, fields), shape, 413, "too_large")
    assert tickets(app) == []
    assert post(client, shape, ticket_fields(client, conversation=json.dumps([PAIR] * 3))).status_code == 201


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_too_many_bytes_is_refused(make_app: Callable[..., Flask], shape: str, content_type: str) -> None:
    """413, too_large, in the shape that was asked for."""
    app = make_app(KAPA_HANDOFF_MAX_REQUEST_BYTES=20_000)
    client = app.test_client()
    fields = ticket_fields(client, conversation=json.dumps([{**PAIR, "answer": "x" * 20_000}]))
    answer = client.post("/handoff/tickets", data=fields, content_type=content_type, headers=SHAPES[shape])
    assert answer.status_code == 413
    if shape == "json":
        assert json_of(answer)["error"]["code"] == "too_large"
    else:
        assert Page(answer.text).elements[0][0] == ("html" if shape == "page" else "dialog")
    assert tickets(app) == []


def test_json_of_too_many_bytes_is_refused(make_app: Callable[..., Flask]) -> None:
    """413 in JSON."""
    client = make_app(KAPA_HANDOFF_MAX_REQUEST_BYTES=20_000).test_client()
    answer = post_json(client, {**ticket_fields(client), "note": "x" * 20_000})
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (413, "too_large")


def test_a_body_without_a_length_is_limited_too(make_app: Callable[..., Flask]) -> None:
    """A client that does not say how much comes is cut off at the limit."""
    client = make_app(KAPA_HANDOFF_MAX_REQUEST_BYTES=20_000).test_client()
    answer = client.post(
        "/handoff/tickets",
        input_stream=io.BytesIO(b"note=" + b"x" * 50_000),
        content_type="application/x-www-form-urlencoded",
        headers=JSON,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (413, "too_large")


class SmallRequest(Request):
    """A site's own class of requests, with limits that nobody can set."""

    max_content_length = property(lambda self: 5_000)
    max_form_memory_size = 5_000


@pytest.mark.parametrize(
    "limit",
    [
        {"MAX_CONTENT_LENGTH": 5_000},
        pytest.param(
            {"MAX_FORM_MEMORY_SIZE": 5_000},
            marks=pytest.mark.skipif(
                "MAX_FORM_MEMORY_SIZE" not in Flask.default_config, reason="Flask has this key since 3.1"
            ),
        ),
        SmallRequest,
    ],
    ids=["MAX_CONTENT_LENGTH", "MAX_FORM_MEMORY_SIZE", "request_class"],
)
def test_the_sites_own_limits_neither_hold_for_tickets_nor_change(make_app: Callable[..., Flask], limit: Any) -> None:
    """A ticket larger than what the site takes elsewhere is stored; elsewhere the site's limit holds."""
    app = make_app(**(limit if isinstance(limit, dict) else {}))
    if not isinstance(limit, dict):
        app.request_class = limit

    @app.post("/own")
    def own() -> str:
        return str(len(request.form))

    client = app.test_client()
    large = json.dumps([{**PAIR, "answer": "x" * 100_000}])
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(
            "/handoff/tickets",
            data=ticket_fields(client, conversation=large),
            content_type=content_type,
            headers=JSON,
        )
        assert answer.status_code == 201
    # Flask applies the second key to multipart alone, where it counts a single field.
    assert client.post("/own", data={"a": "x" * 100_000}, content_type="multipart/form-data").status_code == 413


@pytest.mark.parametrize("reads", ["form", "stream"])
def test_a_site_that_reads_every_body_first_takes_tickets(make_app: Callable[..., Flask], reads: str) -> None:
    """A before_request of the site may parse the body; if it uses the body up, nothing hangs."""
    app = make_app()

    @app.before_request
    def read_first() -> None:
        if request.method == "POST":
            len(request.form) if reads == "form" else request.stream.read()

    client = app.test_client()
    fields = ticket_fields(client)
    answer = client.post("/handoff/tickets", data=fields, headers=JSON)
    assert answer.status_code == (201 if reads == "form" else 403)  # nothing is left, so there is no offer
