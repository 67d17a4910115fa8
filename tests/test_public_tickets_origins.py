"""POST /tickets: who may send at all. Forged offers, other sites' pages, and the origins that a site lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff.testing import tickets
from tests.helpers.pages import json_of
from tests.helpers.tickets import post, post_json, refused, ticket_fields


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("offer", [None, "", "forged", "a.b.c", "\x00"])
def test_a_forged_or_missing_offer_is_refused_and_the_text_is_kept(
    app: Flask, client: FlaskClient, shape: str, offer: str | None
) -> None:
    """403, offer_invalid; nothing is stored."""
    fields = ticket_fields(client)
    fields.pop("offer")
    if offer is not None:
        fields["offer"] = offer
    refused(post(client, shape, fields), shape, 403, "offer_invalid")
    assert tickets(app) == []


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil-localhost"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "nonsense"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://sub.localhost"},
    {"Origin": "http://localhost@evil.example"},
]
OWN = [
    {},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost"},  # a proxy that speaks TLS for an app that does not know
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    # Referrer-Policy: no-referrer makes browsers send null for a form of the same page.
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    # A proxy that changes the Host: the browser's own word counts.
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://docs.example.com"},
]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_sites_page_cannot_send_and_the_text_is_kept(
    app: Flask, client: FlaskClient, shape: str, headers: dict[str, str]
) -> None:
    """403, foreign_origin; nothing is stored."""
    answer = post(client, shape, ticket_fields(client), **headers)
    refused(answer, shape, 403, "foreign_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert tickets(app) == []


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_the_sites_own_pages_can_send(client: FlaskClient, headers: dict[str, str]) -> None:
    """And programs, which send neither header."""
    assert post(client, "json", ticket_fields(client), **headers).status_code == 201


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("headers", FOREIGN[:6], ids=str)
def test_a_json_request_of_another_site_is_refused_as_well(client: FlaskClient, headers: dict[str, str]) -> None:
    """The check does not depend on the body's type."""
    answer = post_json(client, ticket_fields(client), **headers)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (403, "foreign_origin")


DOCS = "https://docs.example.com"


@pytest.fixture
def docs_client(make_app: Callable[..., Flask]) -> FlaskClient:
    """A site that lets a static docs site use it."""
    return make_app(KAPA_HANDOFF_ORIGINS=f"{DOCS}, http://localhost:8000").test_client()


@pytest.mark.parametrize("site", [None, "cross-site", "same-site"])
def test_a_page_of_a_listed_origin_can_send_and_read_the_answer(docs_client: FlaskClient, site: str | None) -> None:
    """CORS headers name the origin and never allow credentials."""
    headers = {"Origin": DOCS} | ({"Sec_Fetch_Site": site} if site else {})
    answer = post(docs_client, "json", ticket_fields(docs_client), **headers)
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == DOCS
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://docs.example.com:8443", "http://docs.example.com", "https://evil.example"]
)
def test_an_origin_that_is_not_listed_exactly_is_foreign(docs_client: FlaskClient, origin: str) -> None:
    """Scheme, host and port count."""
    answer = post(docs_client, "json", ticket_fields(docs_client), Origin=origin)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_a_refusal_can_be_read_by_a_page_of_a_listed_origin(docs_client: FlaskClient) -> None:
    """Otherwise its script could not show what is wrong, nor when to come back."""
    for fields, status in ((ticket_fields(docs_client, email=""), 422), ({"offer": "forged"}, 403)):
        answer = post(docs_client, "fragment", fields, Origin=DOCS)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == DOCS
    body = docs_client.post("/handoff/tickets", data="{", content_type="application/json", headers={"Origin": DOCS})
    assert body.status_code == 422
    assert body.headers["Access-Control-Allow-Origin"] == DOCS
    exposed = body.headers["Access-Control-Expose-Headers"]
    assert "retry-after" in exposed.lower()


@pytest.mark.parametrize("path", ["offer", "form", "tickets", "events"])
def test_a_listed_origins_preflight_succeeds(docs_client: FlaskClient, path: str) -> None:
    """With the methods and headers that handoff.js uses."""
    method = "GET" if path in ("offer", "form") else "POST"
    answer = docs_client.options(
        f"/handoff/{path}",
        headers={
            "Origin": DOCS,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "content-type,x-kapa-handoff",
        },
    )
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == DOCS
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert "content-type" in allowed
    assert "x-kapa-handoff" in allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_another_origins_preflight_fails(docs_client: FlaskClient, client: FlaskClient) -> None:
    """Neither where origins are listed nor where none are."""
    for some in (docs_client, client):
        answer = some.options("/handoff/tickets", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Headers" not in answer.headers


def test_a_site_without_origins_sends_no_cors_headers(client: FlaskClient) -> None:
    """Nor does it vary by origin."""
    answer = client.get("/handoff/offer?pairs=1", headers={"Origin": DOCS})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
