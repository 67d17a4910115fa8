"""In other people's applications: cached pages, cookies, and pages of other origins."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
from flask import Flask, render_template_string, session
from flask.testing import FlaskClient

from tests.helpers.offers import signed_offer
from tests.helpers.pages import FRAGMENT, JSON, PLAIN, Page, json_of
from tests.helpers.tickets import PAIR, ticket_fields, whole_way


def test_a_cached_page_works_for_a_visitor_without_cookies(make_app: Callable[..., Flask]) -> None:
    """One visitor's page is kept by a cache and used by another one's browser: the whole way, without a cookie."""
    app = make_app(SESSION_REFRESH_EACH_REQUEST=True)

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ kapa_handoff_script() }}{{ kapa_handoff_button(c) }}", c=PLAIN)

    first = app.test_client().get("/page")
    assert "Set-Cookie" not in first.headers
    assert "Cookie" not in first.headers.get("Vary", "")
    cached = Page(first.text)
    references = set()
    for _ in range(2):  # two visitors with the same copy
        client = app.test_client(use_cookies=False)
        opened = client.post(cached.one("form")["action"], data=cached.fields)
        assert opened.status_code == 200
        fields = {**Page(opened.text).fields, "email": f"{uuid.uuid4().hex}@example.com"}
        stored = client.post("/handoff/tickets", data=fields, headers=JSON)
        assert stored.status_code == 201
        references.add(json_of(stored)["reference"])
        for answer in (opened, stored):
            assert "Set-Cookie" not in answer.headers
            assert "Cookie" not in answer.headers.get("Vary", "")
            assert answer.headers["Cache-Control"] == "no-store"
    assert len(references) == 2


def test_the_sites_session_is_neither_read_nor_written(make_app: Callable[..., Flask]) -> None:
    """A signed-in visitor's session is the same after a ticket, and our answers do not depend on it."""
    app = make_app()

    @app.get("/login")
    def login() -> str:
        session["user"] = "ada"
        return "in"

    client = app.test_client()
    client.get("/login")
    before = client.get_cookie("session")
    for answer in whole_way(client):
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
    assert client.get_cookie("session") == before


DOCS = "https://docs.example.com"


def test_a_static_docs_site_on_another_origin_goes_the_whole_way(make_app: Callable[..., Flask]) -> None:
    """Offer, form, ticket and cancel are readable by its script, without cookies, and errors are as well."""
    app = make_app(KAPA_HANDOFF_ORIGINS=DOCS)
    client = app.test_client(use_cookies=False)
    headers = {"Origin": DOCS, "Sec-Fetch-Site": "cross-site", **FRAGMENT}
    button = client.get("/handoff/offer?pairs=1&thread_id=t", headers=headers)
    offer = Page(button.text).fields["offer"]
    form = client.get("/handoff/form", query_string={"offer": offer}, headers=headers)
    fields = {**Page(form.text).fields, "conversation": json.dumps([PAIR])}
    wrong = client.post("/handoff/tickets", data=fields, headers=headers)
    stored = client.post("/handoff/tickets", data={**fields, "email": "visitor@example.com"}, headers=headers)
    cancel = client.post("/handoff/events", json={"offer": offer, "event": "cancel"}, headers=headers)
    none = client.get("/handoff/offer?pairs=x", headers=headers)
    answers = [button, form, wrong, stored, cancel, none]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 201, 204, 422]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == DOCS
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_a_page_of_another_origin_gets_addresses_that_lead_back_to_the_site(make_app: Callable[..., Flask]) -> None:
    """Without script its button's form must not open on the docs site, which has no such page."""
    client = make_app(KAPA_HANDOFF_ORIGINS=DOCS).test_client()
    headers = {"Origin": DOCS}
    button = client.get("/handoff/offer?pairs=1", headers=headers)
    assert Page(button.text).one("form")["action"] == "http://localhost/handoff/form"
    said = client.get("/handoff/offer?pairs=1", headers={**headers, **JSON})
    assert json_of(said)["form_url"] == "http://localhost/handoff/form"


def test_the_script_can_be_loaded_from_another_origin(app: Flask) -> None:
    """A plain script tag needs no CORS; nothing in our answer forbids it."""
    with app.test_client().get("/handoff/static/handoff.js", headers={"Origin": DOCS}) as answer:
        assert answer.status_code == 200
        assert answer.headers.get("Cross-Origin-Resource-Policy") is None
        assert "Set-Cookie" not in answer.headers


def test_the_script_can_be_loaded_as_a_module_from_another_origin(make_app: Callable[..., Flask]) -> None:
    """Modules are fetched with CORS; the answer is kept by caches, so that it is the same for every origin."""
    client = make_app(KAPA_HANDOFF_ORIGINS=DOCS).test_client()
    for origin in (DOCS, "https://other.example.com"):
        with client.get("/handoff/static/handoff.js", headers={"Origin": origin}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("page", ["http://localhost/docs", "https://evil.example/x", "javascript:alert(1)", ""])
def test_the_way_back_leads_only_to_the_sites_own_pages(app: Flask, page: str) -> None:
    """The page of an offer is what a browser said: a confirmation never links to another site."""
    client: FlaskClient = app.test_client()
    fields = ticket_fields(client, offer=signed_offer(client, page=page))
    links = [found["href"] for found in Page(client.post("/handoff/tickets", data=fields).text).all("a")]
    assert links == (["http://localhost/docs"] if "localhost" in page else [])
