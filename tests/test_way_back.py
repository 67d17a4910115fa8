"""Every page that a visitor reaches without script leads back to the site, and never to another one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff.testing import change_settings, make_offer
from tests.helpers.pages import FRAGMENT
from tests.helpers.tickets import ticket_fields

pytestmark = pytest.mark.only("sqlite")

CHAT = "http://localhost/docs/keys?tab=2"
FOREIGN = "https://example.com/docs"
OURS = "http://localhost/handoff/form?offer=x"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    app = make_app()
    app.add_url_rule("/", "home", lambda: "Home")
    return app


def form(client: FlaskClient, page: str | None) -> TestResponse:
    return client.get("/handoff/form", query_string={"offer": make_offer(client, page=page)})


def errors(client: FlaskClient, page: str | None) -> TestResponse:
    return client.post("/handoff/tickets", data=ticket_fields(client, offer=make_offer(client, page=page), email="x"))


def confirmation(client: FlaskClient, page: str | None) -> TestResponse:
    return client.post("/handoff/tickets", data=ticket_fields(client, offer=make_offer(client, page=page)))


def review(client: FlaskClient, page: str | None) -> TestResponse:
    return client.post("/handoff/review", data=ticket_fields(client, offer=make_offer(client, page=page)))


WITH_OFFER = {
    "form": (form, 200),
    "errors": (errors, 422),
    "confirmation": (confirmation, 201),
    "review": (review, 200),
}

PROBLEMS: dict[str, tuple[Callable[[FlaskClient, dict[str, str]], TestResponse], int]] = {
    "damaged offer": (lambda client, headers: client.get("/handoff/form?offer=x", headers=headers), 403),
    "from another site": (
        lambda client, headers: client.post("/handoff/form", headers={**headers, "Origin": "https://example.com"}),
        403,
    ),
    "a huge form": (
        lambda client, headers: client.post("/handoff/tickets", data={"note": "x" * 9_000_000}, headers=headers),
        413,
    ),
}


def way_back(response: TestResponse) -> str | None:
    found = re.findall(r'<a class="kapa-handoff-(?:primary|secondary)" href="([^"]*)">Back to the', response.text)
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("name", WITH_OFFER)
@pytest.mark.parametrize(("page", "back"), [(CHAT, CHAT), (FOREIGN, "/"), (OURS, "/"), ("javascript:alert(1)", "/")])
def test_it_leads_to_where_help_was_asked_for(app: Flask, name: str, page: str, back: str) -> None:
    """Else to the first page of the site."""
    ask, status = WITH_OFFER[name]
    response = ask(app.test_client(), page)
    assert response.status_code == status
    assert way_back(response) == back


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize(("referrer", "back"), [(CHAT, CHAT), (FOREIGN, "/"), (OURS, "/"), (None, "/"), ("x:y", "/")])
def test_a_problem_leads_to_where_the_visitor_comes_from(
    app: Flask, name: str, referrer: str | None, back: str
) -> None:
    ask, status = PROBLEMS[name]
    response = ask(app.test_client(), {"Referer": referrer} if referrer else {})
    assert response.status_code == status
    assert way_back(response) == back


def test_a_desk_that_is_switched_off_leads_back_too(app: Flask) -> None:
    client = app.test_client()
    offer = make_offer(client, page=CHAT)
    change_settings(app, enabled=False)
    response = client.get("/handoff/form", query_string={"offer": offer}, headers={"Referer": CHAT})
    assert response.status_code == 409
    assert way_back(response) == CHAT


def test_a_site_without_a_first_page_gets_no_link_to_it(make_app: Callable[..., Flask]) -> None:
    assert way_back(make_app().test_client().get("/handoff/form?offer=x")) is None


def test_behind_a_prefix_the_first_page_is_below_it(app: Flask) -> None:
    response: Any = app.test_client().get("/handoff/form?offer=x", base_url="http://localhost/docs/")
    assert way_back(response) == "/docs/"


def test_the_dialog_has_none(app: Flask) -> None:
    """It stands over the page."""
    response = app.test_client().get("/handoff/form?offer=x", headers=FRAGMENT)
    assert way_back(response) is None
