"""GET /offer: the button, nothing, or what is wrong with the facts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.settings import current_settings, save_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings
from flask_kapa_handoff.visitor.template_helpers import kapa_handoff_script
from tests.helpers.offers import signed_offer
from tests.helpers.pages import Page, json_of
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

JSON = {"Accept": "application/json"}


def bridge_mark(app: Flask) -> str:
    """The mark that the page's tag of the bridge carries."""
    with app.test_request_context():
        return Page(str(kapa_handoff_script(bridge="takeover"))).all("script")[-1]["data-requested"]


def test_the_button_is_a_real_form(client: FlaskClient) -> None:
    """It works without script: a get form to /form with the offer in a hidden field and a submit button."""
    answer = client.get("/handoff/offer?pairs=1&thread_id=t1&answer_id=a1")
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    page = Page(answer.text)
    form = page.one("form")
    assert form["method"] == "get"
    assert form["action"] == "/handoff/form"
    hidden = page.one("input", type="hidden")
    assert hidden["name"] == "offer"
    button = page.all("button")[0]
    assert "kapa-handoff-button" in button["class"].split()
    assert "data-kapa-handoff-open" in button
    assert button.get("type", "submit") == "submit"
    assert "Create ticket" in page.text
    opened = client.get(form["action"], query_string=page.fields)
    assert opened.status_code == 200


def test_the_button_is_a_fragment_without_inline_code(client: FlaskClient) -> None:
    """No document around it, and nothing that a strict CSP would stop."""
    page = Page(client.get("/handoff/offer?pairs=1").text)
    assert page.elements[0][0] == "form"
    for tag, attributes in page.elements:
        assert tag not in ("html", "script", "style")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]


def test_the_button_text_is_the_sites_and_escaped(make_app: Callable[..., Flask]) -> None:
    """Text, never markup."""
    client = make_app(KAPA_HANDOFF_BUTTON_TEXT='Ask "us" <now> & here').test_client()
    answer = client.get("/handoff/offer?pairs=1")
    assert "<now>" not in answer.text
    assert 'Ask "us" <now> & here' in Page(answer.text).text


def test_what_the_chat_calls_its_things_is_escaped(client: FlaskClient) -> None:
    """Ids come from a query and go into attributes."""
    answer = client.get("/handoff/offer", query_string={"pairs": 1, "thread_id": '"><script>', "answer_id": "'<x"})
    assert "<script" not in answer.text
    assert answer.text.count("<form") == 1
    Page(answer.text)


def test_json_says_everything_that_the_button_says(client: FlaskClient) -> None:
    """Exactly the keys of the contract."""
    answer = client.get("/handoff/offer?pairs=1&uncertain=true", headers=JSON)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    offer = json_of(answer).pop("offer")
    assert json_of(answer) | {"offer": None} == {
        "offered": True,
        "button_text": "Create ticket",
        "triggers": ["always"],
        "offer": None,
        "form_url": "/handoff/form",
    }
    assert client.get(json_of(answer)["form_url"], query_string={"offer": offer}).status_code == 200


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        (None, False),
        ("*/*", False),
        ("text/html", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/json, text/plain, */*", True),  # what axios sends
        ("application/json;q=0.9, text/html;q=0.1", True),
        ("text/html, application/json;q=0.9", False),
        ("image/png", False),
        ("nonsense;;;q=x", False),
    ],
)
def test_the_accept_header_decides_between_markup_and_json(
    client: FlaskClient, accept: str | None, is_json: bool
) -> None:
    """Browsers get markup, programs that ask for JSON get JSON."""
    answer = client.get("/handoff/offer?pairs=1", headers={"Accept": accept} if accept else {})
    assert answer.status_code == 200
    assert answer.is_json is is_json


def test_an_answer_that_does_not_qualify_has_no_button(make_app: Callable[..., Flask]) -> None:
    """204 with nothing in it; JSON says offered: false and no more."""
    client = make_app(KAPA_HANDOFF_TRIGGERS="downvote").test_client()
    answer = client.get("/handoff/offer?pairs=1")
    assert (answer.status_code, answer.data) == (204, b"")
    said = client.get("/handoff/offer?pairs=1", headers=JSON)
    assert (said.status_code, said.json) == (200, {"offered": False})


def test_without_an_email_no_button_is_ever_rendered(make_app: Callable[..., Flask]) -> None:
    """A site that has just mounted the package shows nothing."""
    client = make_app(KAPA_HANDOFF_EMAIL=None).test_client()
    answer = client.get("/handoff/offer?pairs=9&uncertain=true&downvoted=true")
    assert (answer.status_code, answer.data) == (204, b"")
    said = client.get("/handoff/offer?pairs=9", headers=JSON)
    assert (said.status_code, said.json) == (200, {"offered": False})


def test_a_desk_that_is_switched_off_has_no_button(app: Flask, client: FlaskClient) -> None:
    """204 from the moment on when an admin switches it off."""
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    change_settings(app, enabled=False)
    assert client.get("/handoff/offer?pairs=1").status_code == 204
    assert client.get("/handoff/offer?pairs=1", headers=JSON).json == {"offered": False}


def test_a_visitor_who_asked_for_a_ticket_gets_an_offer(make_app: Callable[..., Flask]) -> None:
    """The form of Kapa's own was sent: the triggers have been looked at there. The offer names those that are met."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="downvote, uncertainty")
    client, mark = app.test_client(), bridge_mark(app)
    assert client.get("/handoff/offer?pairs=1", headers=JSON).json == {"offered": False}
    said = json_of(client.get(f"/handoff/offer?pairs=1&requested={mark}", headers=JSON))
    assert (said["offered"], said["triggers"]) == (True, [])
    said = json_of(client.get(f"/handoff/offer?pairs=1&requested={mark}&downvoted=true", headers=JSON))
    assert said["triggers"] == ["downvote"]


@pytest.mark.parametrize("mark", ["true", "1", "", "another", "\x00", "\ud7ff" * 300])
def test_only_the_bridge_can_say_that_the_visitor_asked(make_app: Callable[..., Flask], mark: str) -> None:
    """Only a page with the bridge has the mark, and another site's mark is not valid."""
    client = make_app(KAPA_HANDOFF_TRIGGERS="downvote").test_client()
    other = bridge_mark(make_app(name="other", SECRET_KEY="another"))
    for said in (mark, other):
        query = {"pairs": 1, "requested": said}
        assert client.get("/handoff/offer", query_string=query, headers=JSON).json == {"offered": False}


def test_the_mark_of_the_bridge_outlives_a_rotation_of_the_key(make_app: Callable[..., Flask]) -> None:
    """A page that was built before has the old one."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="downvote", SECRET_KEY="old")
    mark = bridge_mark(app)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    assert bridge_mark(app) != mark
    assert app.test_client().get(f"/handoff/offer?pairs=1&requested={mark}").status_code == 200
    app.config["SECRET_KEY_FALLBACKS"] = None
    assert app.test_client().get(f"/handoff/offer?pairs=1&requested={mark}").status_code == 204


@pytest.mark.parametrize("reason", ["off", "no email"])
def test_a_desk_that_takes_no_tickets_offers_none_on_request(make_app: Callable[..., Flask], reason: str) -> None:
    """Neither where it is switched off, nor where nobody would get the mail."""
    app = make_app(KAPA_HANDOFF_EMAIL=None if reason == "no email" else "support@example.com")
    if reason == "off":
        change_settings(app, enabled=False)
    said = app.test_client().get(f"/handoff/offer?pairs=1&requested={bridge_mark(app)}", headers=JSON)
    assert said.json == {"offered": False}


def test_a_ticket_without_a_trigger_is_taken_shown_and_mailed(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """It has no reason to name, and says none."""
    app = make_app(
        handoff=KapaHandoff(admin_required=lambda view: view),
        KAPA_HANDOFF_TRIGGERS="downvote",
        KAPA_HANDOFF_DELIVERY="inline",
        MAIL_PORT=mail_server.port,
    )
    client = app.test_client()
    reference = send_ticket(client, offer=signed_offer(client, requested=bridge_mark(app)))
    assert client.get(f"/handoff/admin/tickets/{reference}").status_code == 200
    (received,) = mail_server.received
    mail = received.message
    assert "Why" not in received.body("plain")
    (attached,) = mail.iter_attachments()
    assert json.loads(attached.get_content())["triggers"] == []


WRONG = [
    ("pairs", None),
    ("pairs", ""),
    ("pairs", "-1"),
    ("pairs", "1.5"),
    ("pairs", "three"),
    ("pairs", "1e3"),
    ("pairs", "٣"),
    ("pairs", "true"),
    ("pairs", "9" * 5000),
    ("uncertain", "maybe"),
    ("uncertain", "2"),
    ("downvoted", "maybe"),
    ("downvoted", "null"),
    ("stopped", "perhaps"),
    ("direct", "perhaps"),
    ("thread_id", "x" * 201),
    ("answer_id", "x" * 201),
]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{field}={str(value)[:8]}" for field, value in WRONG])
def test_facts_that_make_no_sense_are_refused_at_their_field(
    client: FlaskClient, field: str, value: str | None
) -> None:
    """422, in markup and in JSON, with the message at the wrong field."""
    query = {"pairs": "1", field: value}
    if value is None:
        del query[field]
    said = client.get("/handoff/offer", query_string=query, headers=JSON)
    assert said.status_code == 422
    assert json_of(said)["error"]["code"] == "invalid"
    assert json_of(said)["error"]["message"]
    assert list(json_of(said)["error"]["fields"]) == [field]
    assert all(isinstance(text, str) and text for text in json_of(said)["error"]["fields"][field])
    html = client.get("/handoff/offer", query_string=query)
    assert html.status_code == 422
    assert html.mimetype == "text/html"
    assert "data-kapa-handoff-open" not in html.text


def test_several_wrong_facts_are_reported_at_once(client: FlaskClient) -> None:
    """Nobody has to fix them one by one."""
    answer = client.get("/handoff/offer?pairs=x&uncertain=y&downvoted=z", headers=JSON)
    assert answer.status_code == 422
    assert set(json_of(answer)["error"]["fields"]) == {"pairs", "uncertain", "downvoted"}


def test_a_wrong_fact_is_shown_escaped(client: FlaskClient) -> None:
    """The message repeats the value, and never as markup."""
    answer = client.get("/handoff/offer", query_string={"pairs": "<script>alert(1)</script>"})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "query",
    [
        {"pairs": "1"},
        {"pairs": "3", "uncertain": "true", "downvoted": "false"},
        {"pairs": "100000"},
        {"pairs": "1", "thread_id": "", "answer_id": "", "desk": "", "page": ""},
        {"pairs": "1", "desk": "default"},
        {"pairs": "1", "thread_id": "x" * 200, "answer_id": "ä" * 200},
        {"pairs": "1", "thread_id": "nul\x00", "answer_id": "\x1b"},
        {"pairs": "1", "page": "javascript:alert(1)"},
        {"pairs": "1", "page": "https://x.example/" + "a" * 5000},
        {"pairs": "1", "page": "not an address"},
        {"pairs": "1", "something": "else"},
    ],
)
def test_facts_that_make_sense_are_taken(client: FlaskClient, query: dict[str, Any]) -> None:
    """What is not said has its default, and a page's odd address never costs the visitor the button."""
    assert client.get("/handoff/offer", query_string=query).status_code == 200


def test_neither_a_cookie_nor_a_cached_copy(make_app: Callable[..., Flask]) -> None:
    """Each kind of answer is no-store and sets no cookie."""
    client = make_app(KAPA_HANDOFF_TRIGGERS="uncertainty").test_client()
    for query, status in (("pairs=1&uncertain=true", 200), ("pairs=1", 204), ("pairs=x", 422)):
        for headers in ({}, JSON):
            answer = client.get(f"/handoff/offer?{query}", headers=headers)
            assert answer.status_code == status or headers == JSON
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in answer.headers
            assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_offers_can_only_be_read(client: FlaskClient, method: str) -> None:
    """Other methods get a 405."""
    assert getattr(client, method)("/handoff/offer?pairs=1").status_code == 405


@pytest.mark.only("sqlite")
def test_asking_for_an_offer_writes_nothing(app: Flask, client: FlaskClient) -> None:
    """A crawler that asks ten times leaves no trace in the database."""
    send_ticket(client)
    path = Path(app.instance_path) / "kapa_handoff.sqlite3"

    def dump() -> list[str]:
        connection = sqlite3.connect(path)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()

    before = dump()
    for _ in range(10):
        signed_offer(client)
    assert dump() == before


def test_an_offer_makes_no_query_and_follows_the_settings_within_seconds(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer on a page asks for one. What an admin saves in another process shows a moment later."""
    now = [1000.0]
    monkeypatch.setattr("flask_kapa_handoff.settings_cache.time.monotonic", lambda: now[0])
    client, state = app.test_client(), state_of(app)
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    statements: list[str] = []
    event.listen(state.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    assert statements == []
    with state.database.write() as connection:
        wanted = replace(current_settings(connection, state.config), enabled=False)
        save_settings(connection, state.config, wanted, changed_by="an admin elsewhere")
    now[0] += 5
    assert client.get("/handoff/offer?pairs=1").status_code == 204


@pytest.mark.parametrize("headers", [{}, JSON], ids=["html", "json"])
@pytest.mark.only("sqlite")
def test_without_a_database_the_offer_is_unavailable(
    make_app: Callable[..., Flask], tmp_path: Path, headers: dict[str, str]
) -> None:
    """503 with Retry-After; handoff.js shows no button then, and the chat goes on."""
    client = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}").test_client()
    answer = client.get("/handoff/offer?pairs=1", headers=headers)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    if headers:
        assert json_of(answer)["error"]["code"] == "unavailable"
