"""No input causes an error of ours: on any route, with any header and any body, on either database."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, abort, request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Visitor
from flask_kapa_handoff.signals import ticket_created
from flask_kapa_handoff.testing import tickets
from flask_kapa_handoff.visitor.template_helpers import kapa_handoff_button
from flask_kapa_handoff.web.form_encoding import is_broken
from tests.helpers.hostile_requests import ROUTES, Attacker, hostile_site
from tests.helpers.offers import signed_offer
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.tickets import ticket_fields

MOST_OCTETS = 500_000
"""No answer to a request of some kilobytes is larger: the admin's list has fifty tickets."""


@pytest.mark.parametrize("route", ROUTES)
def test_no_request_causes_an_error_of_ours(make_app: Callable[..., Flask], route: str) -> None:
    """``make torture`` does the same 100,000 times a route."""
    attacker = Attacker(hostile_site(make_app))

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def attack(source: random.Random) -> None:
        reply = attacker.attack(source, route)
        assert reply.status < 500, reply.request
        assert reply.size < MOST_OCTETS, reply.request

    attack()


BAD_ADDRESSES = ["http://[", "http://[::1", "http://a]b", "https://x:port/", "http://\uff0fx/", "\x00"]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_invalid_page_address_is_left_out(app: Flask, client: FlaskClient, address: str) -> None:
    """The ticket is stored and reported, its signal sent, and nobody is led to that page."""
    heard: list[Any] = []
    with ticket_created.connected_to(lambda sender, ticket: heard.append(ticket), app):
        fields = ticket_fields(client, offer=signed_offer(client, page=address))
        assert client.post("/handoff/tickets", data=fields).status_code == 201
    assert [ticket.page for ticket in heard] == [None]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_header_with_an_invalid_address_does_not_break_the_sites_own_page(
    make_app: Callable[..., Flask], address: str
) -> None:
    """HX-Current-URL, Referer and Origin, on a page with a button."""
    client = hostile_site(make_app).test_client()
    for header in ("HX-Current-URL", "Referer", "Origin"):
        value = address.encode().decode("latin-1")
        answer = client.get("/chat", headers={header: value, "HX-Request": "true"})
        assert answer.status_code == 200
        assert "data-kapa-handoff-open" in answer.text


def test_nul_in_a_path_or_a_language_is_no_error(make_app: Callable[..., Flask]) -> None:
    """PostgreSQL takes no NUL in a text."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view))
    client = app.test_client()
    assert client.get("/handoff/admin/tickets/T-%00").status_code == 404
    assert client.get("/handoff/offer?pairs=1&desk=%00").status_code == 200  # no desk has this name: the default one
    answer = client.post("/handoff/tickets", data=ticket_fields(client), headers={**JSON, "Accept-Language": "e\x00n"})
    assert answer.status_code == 201
    assert tickets(app)[0].locale is None


@pytest.mark.parametrize("shape", ["page", "fragment"])
def test_a_confirmation_that_fails_does_not_undo_a_ticket(
    make_app: Callable[..., Flask], tmp_path: Any, shape: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A template of the site's is broken: the visitor still reads the reference, and the signal is sent."""
    folder = tmp_path / "templates" / "kapa_handoff"
    folder.mkdir(parents=True)
    (folder / "_confirmation.html").write_text("{{ nothing.at.all }} {{ visitor_email }}")
    app = make_app(PROPAGATE_EXCEPTIONS=True, name="site")
    app.jinja_loader.searchpath.insert(0, str(tmp_path / "templates"))  # type: ignore[union-attr]
    client, heard = app.test_client(), []
    headers = {"X-Kapa-Handoff": "fragment"} if shape == "fragment" else {}
    with ticket_created.connected_to(lambda sender, ticket: heard.append(ticket.reference), app):
        answer = client.post("/handoff/tickets", data=ticket_fields(client), headers=headers)
    assert answer.status_code == 201
    assert f'data-kapa-handoff-reference="{heard[0]}"' in answer.text
    assert ("<dialog" in answer.text) is (shape == "fragment")
    assert "visitor@example.com" not in caplog.text


# --- what costs nothing is refused early -----------------------------------------------------------------------------

MARKS = "a" + "\u0315" * 249_000 + "\u0316" * 249_000
"""unicodedata.normalize() would take minutes."""


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("offer", ["forged", "good"])
@pytest.mark.parametrize("field", ["note", "email", "conversation", "submission_id", "website", "offer"])
def test_a_megabyte_of_combining_marks_delays_nothing(client: FlaskClient, field: str, offer: str) -> None:
    """Without a valid offer no text is read; with one, its length is checked first. Else it would take minutes."""
    said = signed_offer(client) if offer == "good" else "forged"
    value = json.dumps([{"question": MARKS, "answer": MARKS}]) if field == "conversation" else MARKS
    answer = client.post("/handoff/tickets", data=ticket_fields(client, **{"offer": said, field: value}))
    assert answer.status_code in (413, 422) if said != "forged" and field != "offer" else 403


def test_not_all_unknown_fields_are_named(client: FlaskClient) -> None:
    """Of a hundred thousand, the response names ten."""
    body = json.dumps({f"unknown{number}": "" for number in range(40_000)})
    for path in ("tickets", "events"):
        answer = client.post(f"/handoff/{path}", data=body, content_type="application/json")
        assert answer.status_code == 422
        assert len(json_of(answer)["error"]["fields"]) == 10
        assert len(answer.data) < 3_000


def test_a_form_of_very_many_fields_is_refused(client: FlaskClient) -> None:
    """Before any of them is taken apart."""
    for path in ("tickets", "events", "form"):
        answer = client.post(
            f"/handoff/{path}", data="a&" * 100_000, content_type="application/x-www-form-urlencoded", headers=JSON
        )
        assert (answer.status_code, json_of(answer)["error"]["code"]) == (422, "invalid")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("broken", ["%", "%a", "%ff", "%e4%b8a", "+%"])
def test_a_form_that_no_browser_encodes_is_refused(client: FlaskClient, broken: str) -> None:
    """Before it is decoded, which takes ten times as long as for others; a few mistakes are read as they are."""
    form = {"content_type": "application/x-www-form-urlencoded", "headers": JSON}
    for path in ("tickets", "events", "form"):
        answer = client.post(f"/handoff/{path}", data="note=" + broken * 100_000, **form)
        assert (answer.status_code, json_of(answer)["error"]["code"]) == (422, "invalid")
        assert "not encoded as a form" in answer.text
    fields = urlencode(ticket_fields(client)) + "&note=" + broken * 100
    assert client.post("/handoff/tickets", data=fields, **form).status_code == 201


@pytest.mark.parametrize("text", ["ü=%+&\r\n", "%3D", "=", "\ufffd" * 3, "ff=ff&", "\u5bc6\U0001f98a"])
def test_what_browsers_encode_is_a_form(text: str) -> None:
    """Whatever the text is, and however long."""
    assert not is_broken(urlencode({"note": text * 5_000, "a": "b"}).encode())


def test_error_messages_are_short(client: FlaskClient) -> None:
    """A response does not repeat a megabyte that was sent."""
    for answer in (
        client.post("/handoff/events", json={"event": "x" * 900_000}),
        client.get("/handoff/offer", query_string={"pairs": "9" * 50_000, "uncertain": "x" * 50_000}, headers=JSON),
        client.post("/handoff/tickets", json={"x" * 900_000: ""}),
    ):
        assert answer.status_code == 422
        assert len(answer.data) < 2_000


def test_an_offer_of_a_megabyte_is_refused(client: FlaskClient) -> None:
    """It is not even decoded."""
    fields = {"offer": "." + "e" * 900_000, "submission_id": str(uuid.uuid4())}
    assert client.post("/handoff/tickets", json=fields, headers=JSON).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
@pytest.mark.parametrize("value", ["[" * 300_000, "for=[," * 50_000, "a," * 150_000])
def test_a_proxys_header_of_any_length_delays_nothing(client: FlaskClient, header: str, value: str) -> None:
    """A visitor can make it up; this would take minutes."""
    answer = client.post("/handoff/tickets", data=ticket_fields(client), headers={**JSON, header: value})
    assert answer.status_code == 201


def test_a_host_that_cannot_be_decoded_breaks_no_page(make_app: Callable[..., Flask]) -> None:
    """Neither the site's own with a button, nor what is sent to another origin."""
    app = hostile_site(make_app)

    def visit(path: str, host: str, **options: Any) -> tuple[int, str]:
        # The test client itself decodes the host.
        environ = EnvironBuilder(path, headers=[("Origin", "https://docs.example.com")], **options).get_environ()
        body, status, _ = run_wsgi_app(app, {**environ, "HTTP_HOST": host}, buffered=True)
        return int(status[:3]), b"".join(body).decode()

    for host in ("xn--a", "xn--", "a.xn--p"):
        assert "data-kapa-handoff-open" in visit("/chat", host)[1]
        status, button = visit("/handoff/offer?pairs=1", host)
        assert status == 200
        offer = Page(button).fields["offer"]
        assert visit(f"/handoff/form?offer={offer}", host)[0] == 200
        assert visit("/handoff/tickets", host, method="POST", data={"offer": "no"})[0] == 403


def test_an_id_that_grows_when_it_is_cleaned_is_refused(app: Flask, client: FlaskClient) -> None:
    """Two hundred characters of one kind become six hundred; a column has room for two hundred."""
    for name in ("answer_id", "thread_id"):
        query = {"pairs": 1, name: "\ufb2c" * 200}
        assert client.get("/handoff/offer", query_string=query, headers=JSON).status_code == 422
        query[name] = "\ufb2c" * 66
        assert client.get("/handoff/offer", query_string=query, headers=JSON).status_code == 200


@pytest.mark.parametrize("odd", ["x\0y", "x\ud800y", 5])
def test_an_odd_id_of_the_sites_own_breaks_no_page_and_no_ticket(make_app: Callable[..., Flask], odd: Any) -> None:
    """It may come from an address; PostgreSQL takes no NUL."""
    app = make_app()
    with app.test_request_context("/"):
        conversation = Conversation((QuestionAnswer("How?", "So.", odd),), odd)
        page = Page(str(kapa_handoff_button(conversation)))
    client = app.test_client()
    assert page.all("button")
    form = Page(client.post("/handoff/form", data=page.fields).text)
    answer = client.post("/handoff/tickets", data={**form.fields, "email": "v@example.com"}, headers=JSON)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("name", [7, b"x", ["x"], "\ud800x"])
def test_an_odd_name_of_a_visitor_loses_no_ticket(make_app: Callable[..., Flask], name: Any) -> None:
    """The site's loader returned it."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", name))
    client = make_app(handoff=handoff).test_client()
    assert client.get("/handoff/form", query_string={"offer": signed_offer(client)}).status_code == 200
    assert client.post("/handoff/tickets", data=ticket_fields(client)).status_code == 201


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("depth", [60, 300, 975, 980, 5000])
@pytest.mark.parametrize("begin", ["[", '{"a":'])
def test_json_that_is_nested_deeply_is_refused(client: FlaskClient, depth: int, begin: str) -> None:
    """By every route, whatever is written back."""
    end = "]" if begin == "[" else "}"
    nested = f"{begin * depth}1{end * depth}"
    fields = ticket_fields(client)
    for accept in ("text/html", "application/json"):
        for path in ("tickets", "form"):
            body = f'{{"offer": "{fields["offer"]}", "conversation": {nested}}}'
            answer = client.post(
                f"/handoff/{path}", data=body, content_type="application/json", headers={"Accept": accept}
            )
            assert answer.status_code == 422
    answer = client.post("/handoff/tickets", data={**fields, "conversation": nested}, headers=JSON)
    assert answer.status_code == 422


REFUSED_BY_SITE = ("kapa_handoff.create_ticket", "kapa_handoff_admin.send_again")


def test_what_a_site_refuses_is_logged_once_and_without_the_strangers_words(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """By the rule of the address; and of the admin's pages not at all, which the site guards."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view), mount=True)
    app.before_request(lambda: abort(403) if request.endpoint in REFUSED_BY_SITE else None)
    client = app.test_client()
    for number in range(20):
        client.post(f"/handoff/admin/tickets/x%0A{number}%20CRITICAL%1B[31m/send-again")
        client.post("/handoff/tickets?CRITICAL", data={})
        client.post("/handoff/events", data={})
    assert caplog.text.count("The site itself refused") == 1
    assert "CRITICAL" not in caplog.text
    assert "send-again" not in caplog.text
