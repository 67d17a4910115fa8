"""Proxies that rewrite Host, pages that hide their origin, and visitors who are signed in."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Visitor
from flask_kapa_handoff.testing import tickets
from tests.helpers.hostile_requests import hostile_site
from tests.helpers.offers import signed_offer
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.tickets import PAIR, ticket_fields

OUTSIDE = "http://intranet.example"
"""What the browser shows, while nginx's default tells the app ``Host: 127.0.0.1:8000``."""

INSIDE = {"base_url": "http://127.0.0.1:8000"}


def send(client: FlaskClient, fields: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/handoff/tickets", data=fields, headers={**JSON, **named}, **INSIDE)


def offer_for(client: FlaskClient, page: str | None = None, **headers: str) -> str:
    query = {"pairs": 1, "thread_id": "thread-1", "answer_id": "a1", **({"page": page} if page else {})}
    answer = client.get("/handoff/offer", query_string=query, headers={**JSON, **headers}, **INSIDE)
    return str(json_of(answer)["offer"])


@pytest.mark.parametrize("how", ["page", "referer"])
def test_behind_a_proxy_that_rewrites_host_the_offer_knows_the_page(app: Flask, client: FlaskClient, how: str) -> None:
    """The page that it was made for may send it, any other may not."""
    page = f"{OUTSIDE}/docs/keys"
    token = offer_for(client, page) if how == "page" else offer_for(client, Referer=page)
    fields = ticket_fields(client, offer=token)
    for foreign in ("http://evil.example", "https://intranet.example", f"{OUTSIDE}:8080", "http://127.0.0.1"):
        assert send(client, fields, Origin=foreign).status_code == 403
    assert send(client, fields, Origin=OUTSIDE).status_code == 201


def test_behind_such_a_proxy_it_works_without_script(client: FlaskClient) -> None:
    """The form's page is where the browser says that the button was."""
    button = client.get("/handoff/offer?pairs=1", headers={"Referer": f"{OUTSIDE}/"}, **INSIDE)
    shown = Page(button.text)
    form = client.get("/handoff/form", query_string=shown.fields, headers={"Referer": f"{OUTSIDE}/docs"}, **INSIDE)
    fields = {**Page(form.text).fields, "email": "v@example.com", "conversation": json.dumps([PAIR])}
    assert send(client, fields, Origin=OUTSIDE).status_code == 201


def test_behind_such_a_proxy_a_button_that_the_server_rendered_works_without_script(
    make_app: Callable[..., Flask],
) -> None:
    """The server knows the page by its inner name alone; the form is for the page that opens it."""
    client = hostile_site(make_app).test_client()
    shown = Page(client.get("/chat", **INSIDE).text)
    opening = {"data": shown.fields, **INSIDE}
    for headers in ({"Origin": "http://["}, {"Origin": OUTSIDE, "Sec-Fetch-Site": "cross-site"}):
        assert client.post("/handoff/form", headers=headers, **opening).status_code == 403
    form = client.post("/handoff/form", headers={"Origin": OUTSIDE}, **opening)
    fields = {**Page(form.text).fields, "email": "v@example.com"}
    assert send(client, fields, Origin="http://evil.example").status_code == 403
    assert send(client, fields, Origin=OUTSIDE).status_code == 201


def test_a_page_that_hides_its_origin_sends_by_its_offer_alone(client: FlaskClient) -> None:
    """``Referrer-Policy: no-referrer`` makes browsers write Origin: null, over plain HTTP without Sec-Fetch-Site."""
    fields = ticket_fields(client)
    assert send(client, {**fields, "offer": "forged"}, Origin="null").status_code == 403
    assert send(client, fields, Origin="null", Sec_Fetch_Site="cross-site").status_code == 403
    assert send(client, fields, Origin="null").status_code == 201


def test_the_fetch_metadata_decide_where_there_are_any(client: FlaskClient) -> None:
    """An offer that an attacker got for a page of theirs helps them in no browser that sends Sec-Fetch-Site."""
    fields = ticket_fields(client, offer=offer_for(client, "https://evil.example/"))
    for site in ("cross-site", "same-site"):
        assert send(client, fields, Origin="https://evil.example", Sec_Fetch_Site=site).status_code == 403
    assert send(client, fields, Origin="https://evil.example", Sec_Fetch_Site="same-origin").status_code == 201


def test_what_only_the_offer_vouches_for_does_not_act_for_a_visitor_who_is_signed_in(
    make_app: Callable[..., Flask],
) -> None:
    """Anyone can get an offer for a page of theirs: from there the address that was sent counts, not the session's."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", "Ada"))
    app = make_app(handoff=handoff)
    client = app.test_client()
    own = "http://127.0.0.1:8000"
    for origin, by in (("null", "typed@example.com"), (OUTSIDE, "typed@example.com"), (own, "ada@example.com")):
        fields = ticket_fields(client, offer=offer_for(client, f"{OUTSIDE}/"), email="typed@example.com")
        assert send(client, fields, Origin=origin).status_code == 201
        ticket = tickets(app)[-1]
        assert (ticket.visitor_email, ticket.visitor_name) == (by, "Ada" if origin == own else None)


@pytest.mark.parametrize(
    ("config", "origin"),
    [
        ({"KAPA_HANDOFF_TRUSTED_HOSTS": "intranet.example"}, OUTSIDE),
        ({"KAPA_HANDOFF_TRUSTED_HOSTS": ["Docs.Example.com", "intranet.example"]}, f"{OUTSIDE}:80"),
        ({"KAPA_HANDOFF_TRUSTED_HOSTS": "intranet.example"}, "https://intranet.example"),
        ({"KAPA_HANDOFF_TRUSTED_HOSTS": "intranet.example:8080"}, f"{OUTSIDE}:8080"),
        pytest.param(
            {"SERVER_NAME": "intranet.example"},
            OUTSIDE,
            marks=pytest.mark.skipif(
                "MAX_FORM_MEMORY_SIZE" not in Flask.default_config, reason="Flask before 3.1 answers no other host"
            ),
        ),
    ],
)
def test_a_name_that_the_configuration_gives_is_the_sites_own(
    make_app: Callable[..., Flask], config: dict[str, Any], origin: str
) -> None:
    """KAPA_HANDOFF_TRUSTED_HOSTS and SERVER_NAME, for visitors and for the way back after sending."""
    client = make_app(**config).test_client()
    fields = ticket_fields(client, offer=offer_for(client, f"{OUTSIDE}/docs"))
    answer = client.post("/handoff/tickets", data=fields, headers={"Origin": origin}, **INSIDE)
    assert answer.status_code == 201
    back = [link["href"] for link in Page(answer.text).all("a")]
    assert back == ([f"{OUTSIDE}/docs"] if "8080" not in origin else [])


def test_the_host_with_a_usual_port_is_the_same_host(client: FlaskClient) -> None:
    """Some proxies write the port that browsers leave out."""
    answer = client.post(
        "/handoff/tickets",
        data=ticket_fields(client),
        headers={**JSON, "Origin": "https://docs.example.com"},
        base_url="http://docs.example.com:443",
    )
    assert answer.status_code == 201


def test_a_refusal_is_logged_once_with_what_to_do(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """For each pair of values, and a client that makes up many does not fill the log."""
    fields = ticket_fields(client)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert send(client, fields, Origin=OUTSIDE).status_code == 403
        (record,) = [record for record in caplog.records if OUTSIDE in record.getMessage()]
        assert "127.0.0.1:8000" in record.getMessage()
        assert "proxy_set_header Host $http_host;" in record.getMessage()
        for number in range(200):
            send(client, fields, Origin=f"http://evil{number}.example")
    assert sum("as another site's" in record.getMessage() for record in caplog.records) == 100


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "origin", ["http://[", "http://a]b", "https://", "\x00", "ftp://x", "http://\\evil", "x" * 9000]
)
def test_an_invalid_origin_is_foreign(client: FlaskClient, origin: str) -> None:
    """A 403, and never an error of ours."""
    fields = ticket_fields(client)
    assert send(client, fields, Origin=origin).status_code == 403
    assert client.post("/handoff/form", data=fields, headers={"Origin": origin}).status_code == 403
    event = {"offer": fields["offer"], "event": "cancel"}
    assert client.post("/handoff/events", data=event, headers={"Origin": origin}).status_code == 403
    assert signed_offer(client)


def test_a_refused_admin_learns_why_and_the_check_up_says_what_to_do(make_app: Callable[..., Flask]) -> None:
    """The response and the check-up name the two values; the check-up also has the line that the proxy needs."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view))
    client = app.test_client()
    answer = client.post("/handoff/admin/settings", data={}, headers={"Origin": OUTSIDE}, **INSIDE)
    assert answer.status_code == 403
    for page in (answer.text, client.get("/handoff/admin/doctor").text):
        assert OUTSIDE in page
        assert "127.0.0.1:8000" in page
    assert "proxy_set_header Host $http_host;" in client.get("/handoff/admin/doctor").text
    assert "proxy_set_header Host $http_host;" in app.test_cli_runner().invoke(args=["kapa-handoff", "doctor"]).output


def test_invented_origins_hide_no_admin_who_is_refused(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """However many strangers make up, and whatever words."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view))
    client = app.test_client()
    fields = ticket_fields(client)
    for number in range(120):
        send(client, fields, Origin=f"http://e{number}.example")
    send(client, fields, Origin="the licence has expired: renew at https://evil.example/pay")
    client.post("/handoff/admin/settings", data={}, headers={"Origin": OUTSIDE}, **INSIDE)
    page = client.get("/handoff/admin/doctor").text
    assert f"{OUTSIDE} to 127.0.0.1:8000" in page
    assert OUTSIDE in caplog.text
    assert "licence" not in page + caplog.text


def test_the_form_of_a_thread_of_the_sites_own_is_for_the_page_that_opens_it(
    make_app: Callable[..., Flask],
) -> None:
    """Its button, which the server rendered, knows the inner name alone."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: Conversation((QuestionAnswer("How?", "So.", "a1"),), thread_id))
    client = hostile_site(make_app, handoff=handoff).test_client()
    button = Page(client.get("/chat", **INSIDE).text).fields
    headers = {"Referer": f"{OUTSIDE}/chat"}
    form = Page(client.get("/handoff/form", query_string=button, headers=headers, **INSIDE).text)
    typed = {"email": "v@example.com"}
    assert send(client, {**form.fields, **button, **typed}, Origin=OUTSIDE).status_code == 403
    assert send(client, {**form.fields, **typed}, Origin=OUTSIDE).status_code == 201


def test_a_page_that_hides_its_origin_gets_a_form_that_does_so_too(client: FlaskClient) -> None:
    """Otherwise the form's own address, unknown to the server, would be another site's."""
    opened = client.post("/handoff/form", data={"offer": signed_offer(client)}, headers={"Origin": "null"}, **INSIDE)
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    opened = client.post("/handoff/form", data={"offer": signed_offer(client)}, headers={"Origin": OUTSIDE}, **INSIDE)
    assert opened.headers["Referrer-Policy"] == "same-origin"


def test_what_only_the_offer_vouches_for_is_no_way_to_a_visitors_own_record(make_app: Callable[..., Flask]) -> None:
    """A loader may look at the session: another site's page must not send what it gives to an address of its own."""
    handoff, asked = KapaHandoff(), []

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        asked.append(thread_id)
        return Conversation((QuestionAnswer("My secret?", "So.", "a1"),), thread_id)

    app = make_app(handoff=handoff)
    client = app.test_client()
    fields = ticket_fields(client, offer=offer_for(client, f"{OUTSIDE}/"))
    asked.clear()
    client.set_cookie("session", "of a visitor", domain="127.0.0.1")
    for origin in (OUTSIDE, "null"):
        assert send(client, {**fields, "conversation": ""}, Origin=origin).status_code == 403
    assert send(client, fields, Origin=OUTSIDE).status_code == 201
    assert tickets(app)[0].transcript_source == "browser"
    assert not asked
    own = ticket_fields(client, offer=offer_for(client, f"{OUTSIDE}/"), conversation="")
    assert send(client, own, Origin="http://127.0.0.1:8000").status_code == 201
    assert tickets(app)[-1].transcript_source == "site"


def test_a_form_shown_again_gives_no_name_to_an_unknown_page(make_app: Callable[..., Flask]) -> None:
    """It keeps the address that was typed; on the site's own page, it has the one of the session."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", "Ada"))
    client = make_app(handoff=handoff).test_client()
    fields = ticket_fields(client, email="typed@example.com", note="x" * 5001)
    for origin, email in (("null", "typed@example.com"), ("http://127.0.0.1:8000", "ada@example.com")):
        answer = client.post("/handoff/tickets", data=fields, headers={"Origin": origin}, **INSIDE)
        assert answer.status_code == 422
        assert Page(answer.text).fields["email"] == email
        assert ("Ada" in answer.text) is (origin != "null")
