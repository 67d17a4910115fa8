"""POST /tickets: every row of the outcome table, as a page, as a fragment and as JSON; and the text is never lost."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.signals import ticket_created
from flask_kapa_handoff.storage.records import Status, Ticket
from tests.helpers.offers import offer_without_database, old_offer, signed_offer
from tests.helpers.pages import JSON, Page
from tests.helpers.sites import switch_off
from tests.helpers.tickets import (
    EMAIL,
    NOTE,
    PAIR,
    SHAPES,
    age_tickets,
    post,
    post_json,
    refused,
    send_ticket,
    ticket_fields,
    tickets,
    transcript,
)


@pytest.fixture(params=["page", "fragment", "json"])
def shape(request: pytest.FixtureRequest) -> str:
    """How the answer is wanted."""
    return str(request.param)


# --- 201 and 200 -----------------------------------------------------------------------------------------------------


def test_a_ticket_is_stored_and_its_reference_is_shown(app: Flask, client: FlaskClient, shape: str) -> None:
    """201 with the reference; the row has what was sent, queued for the configured address."""
    offer = signed_offer(client, uncertain="true", page="http://localhost/docs/keys?x=1")
    answer = post(client, shape, ticket_fields(client, offer=offer))
    assert answer.status_code == 201
    (ticket,) = tickets(app)
    if shape == "json":
        assert answer.json == {"reference": ticket.reference, "status": "queued"}
    else:
        page = Page(answer.text)
        assert page.elements[0][0] == ("html" if shape == "page" else "dialog")
        assert ticket.reference in page.text
        assert EMAIL in page.text
        assert not page.all("form")
    assert ticket.reference.startswith("T-")
    assert ticket.status is Status.QUEUED
    assert ticket.recipient == "support@example.com"
    assert ticket.visitor_email == EMAIL
    assert ticket.note == NOTE
    assert ticket.desk == "default"
    assert ticket.transcript_source == "browser"
    assert ticket.triggers == "always"
    assert ticket.answer_id == "a1"
    assert ticket.thread_id == "thread-1"
    assert ticket.page == "http://localhost/docs/keys?x=1"
    assert ticket.attempts == 0
    assert ticket.follows is None
    assert ticket.delivered_at is None
    assert ticket.id.version == 7
    assert "127.0.0.1" not in ticket.client_key
    assert transcript(app, ticket).pairs == (QuestionAnswer(PAIR["question"], PAIR["answer"], "a1"),)


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "list"])
def test_a_ticket_may_be_json(app: Flask, client: FlaskClient, as_text: bool) -> None:
    """With the conversation as a list, or as text the way a form has it."""
    body = ticket_fields(client)
    if not as_text:
        body["conversation"] = [PAIR]
    answer = post_json(client, body)
    assert answer.status_code == 201
    (ticket,) = tickets(app)
    assert answer.json == {"reference": ticket.reference, "status": "queued"}
    assert transcript(app, ticket).pairs[0].question == PAIR["question"]


def test_a_multipart_form_is_a_form(app: Flask, client: FlaskClient) -> None:
    """What FormData sends is taken as well."""
    answer = client.post(
        "/handoff/tickets", data=ticket_fields(client), content_type="multipart/form-data", headers=JSON
    )
    assert answer.status_code == 201
    assert tickets(app)[0].note == NOTE


@pytest.mark.parametrize("note", [None, "", "  \r\n "])
def test_a_note_is_optional(app: Flask, client: FlaskClient, note: str | None) -> None:
    """A ticket without one has an empty note."""
    send_ticket(client, note=note)
    assert tickets(app)[0].note == ""


def test_the_same_submission_again_gives_the_same_ticket(app: Flask, client: FlaskClient, shape: str) -> None:
    """200 and the same reference; there is one ticket, and one signal was sent."""
    created: list[Ticket] = []

    def receive(sender: Flask, ticket: Ticket) -> None:
        created.append(ticket)

    ticket_created.connect(receive, app)
    fields = ticket_fields(client)
    first, second, third = (post(client, shape, fields) for _ in range(3))
    (ticket,) = tickets(app)
    assert [first.status_code, second.status_code, third.status_code] == [201, 200, 200]
    assert all(ticket.reference in answer.text for answer in (first, second, third))
    assert len(created) == 1
    if shape == "json":
        assert second.json == {"reference": ticket.reference, "status": "queued"}


def test_a_repeated_submission_is_not_held_up_by_a_limit(make_app: Callable[..., Flask]) -> None:
    """Its ticket counts once, and the answer to a lost reply is the reference, not 429."""
    client = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1).test_client()
    fields = ticket_fields(client)
    assert [post(client, "json", fields).status_code for _ in range(3)] == [201, 200, 200]


def test_a_repeated_submission_holds_when_the_desk_was_switched_off(app: Flask, client: FlaskClient) -> None:
    """What is stored is stored."""
    fields = ticket_fields(client)
    assert post(client, "json", fields).status_code == 201
    switch_off(app)
    assert post(client, "json", fields).status_code == 200


def test_a_submission_that_was_retried_with_a_fresh_offer_is_the_same(client: FlaskClient) -> None:
    """The offer is how it came, not what it says."""
    fields = ticket_fields(client)
    assert post(client, "json", fields).status_code == 201
    assert post(client, "json", {**fields, "offer": signed_offer(client)}).status_code == 200


def test_a_submission_id_is_the_same_however_it_is_written(app: Flask, client: FlaskClient) -> None:
    """Upper and lower case are one UUID."""
    fields = ticket_fields(client)
    assert post(client, "json", fields).status_code == 201
    upper = {**fields, "submission_id": fields["submission_id"].upper()}
    assert post(client, "json", upper).status_code == 200
    assert len(tickets(app)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"note": "Another text."},
        {"email": "other@example.com"},
        {"conversation": json.dumps([{**PAIR, "answer": "Other."}])},
        {"conversation": json.dumps([PAIR, PAIR])},
    ],
    ids=["note", "email", "answer", "pairs"],
)
def test_the_same_submission_with_other_content_is_a_conflict(
    app: Flask, client: FlaskClient, shape: str, change: dict[str, str]
) -> None:
    """409; the first ticket stays as it was, and what was typed now is in the form."""
    fields = ticket_fields(client)
    assert post(client, shape, fields).status_code == 201
    changed = {**fields, **change}
    answer = post(client, shape, changed)
    refused(answer, shape, 409, "conflict", note=changed["note"], email=changed["email"])
    (ticket,) = tickets(app)
    assert (ticket.note, ticket.visitor_email) == (NOTE, EMAIL)


def test_a_later_ticket_of_a_thread_follows_the_earlier_one(app: Flask, client: FlaskClient) -> None:
    """The row names the ticket before it; another thread's does not."""
    first, second = send_ticket(client), send_ticket(client)
    other = send_ticket(client, offer=signed_offer(client, thread_id="thread-2"))
    found = {ticket.reference: ticket for ticket in tickets(app)}
    assert found[second].follows == found[first].id
    assert found[first].follows is None
    assert found[other].follows is None


def test_tickets_without_a_thread_do_not_follow_each_other(app: Flask, client: FlaskClient) -> None:
    """A chat that has no thread ids is not one endless thread."""
    for _ in range(2):
        send_ticket(client, offer=signed_offer(client, thread_id="", answer_id=""))
    assert [ticket.follows for ticket in tickets(app)] == [None, None]
    assert [ticket.thread_id for ticket in tickets(app)] == [None, None]


def test_htmx_gets_the_fragment(client: FlaskClient) -> None:
    """HX-Request: true is as good as our own header, whatever the outcome."""
    stored = Page(post(client, "htmx", ticket_fields(client)).text)
    refused_one = Page(post(client, "htmx", ticket_fields(client, email="")).text)
    assert stored.elements[0][0] == refused_one.elements[0][0] == "dialog"
    assert refused_one.said_at("email")


# --- 422 -------------------------------------------------------------------------------------------------------------


INVALID = [
    ("email", None),
    ("email", ""),
    ("email", "   "),
    ("email", "visitor"),
    ("email", "visitor@"),
    ("email", "visitor@example"),
    ("email", "@example.com"),
    ("email", "a@example.com,b@example.com"),
    ("email", "a@example.com\r\nBcc: b@example.com"),
    ("email", "Name <a@example.com>"),
    ("email", "x" * 400 + "@example.com"),
    ("email", "a\x00b@example.com"),
    ("note", "x" * 5001),
    ("conversation", None),
    ("conversation", ""),
    ("conversation", "not json"),
    ("conversation", "[]"),
    ("conversation", "{}"),
    ("conversation", "null"),
    ("conversation", "[1]"),
    ("conversation", '[{"question": "How?"}]'),
    ("conversation", "[" * 100_000),
    ("conversation", '[{"question": "", "answer": ""}]'),
    ("submission_id", None),
    ("submission_id", ""),
    ("submission_id", "1"),
    ("submission_id", "not-a-uuid"),
    ("website", "https://spam.example"),
]


@pytest.mark.parametrize(("field", "value"), INVALID, ids=[f"{field}={str(value)[:12]!a}" for field, value in INVALID])
def test_a_wrong_field_is_told_at_the_field_and_the_text_is_kept(
    app: Flask, client: FlaskClient, shape: str, field: str, value: str | None
) -> None:
    """422; nothing is stored; the form comes back as it was sent and can be sent again once it is mended."""
    fields = ticket_fields(client, **{field: value})
    answer = post(client, shape, fields)
    email = (value or "").strip() if field == "email" else EMAIL
    note = value if field == "note" and value else NOTE
    assert tickets(app) == []
    if shape == "json":
        refused(answer, shape, 422, "invalid")
        assert list(answer.json["error"]["fields"]) == [field]
        assert all(answer.json["error"]["fields"][field])
        return
    assert answer.status_code == 422
    page = Page(answer.text)
    assert page.fields["note"] == note
    if "\r" not in email:
        assert page.fields["email"].strip().replace("\x00", "\ufffd") == email.replace("\x00", "\ufffd")
    if field in ("email", "note"):
        assert page.said_at(field)
        assert not page.said_at("note" if field == "email" else "email")
    else:
        assert page.one("div", role="alert")
        assert not page.said_at("email")
    if shape == "page" and field in ("email", "note"):
        mended = {"email": EMAIL, "note": NOTE}[field]
        again = post(client, shape, {**page.fields, field: mended})
        assert again.status_code == 201, Page(again.text).text


def test_several_wrong_fields_are_told_at_once(client: FlaskClient, shape: str) -> None:
    """Each of them has its message."""
    note = "n" * 5001
    answer = post(client, shape, ticket_fields(client, email="nobody", note=note, conversation="{", website="x"))
    page = refused(answer, shape, 422, "invalid", note=note, email="nobody")
    if shape == "json":
        assert set(answer.json["error"]["fields"]) == {"email", "note", "conversation", "website"}
    else:
        assert page.said_at("email")
        assert page.said_at("note")
        assert "conversation" in page.text
        assert "website" in page.text


def test_a_note_of_the_greatest_length_is_taken(app: Flask, client: FlaskClient) -> None:
    """5,000 characters as a person counts them: a line break is one, whatever the browser makes of it."""
    note = "ä\r\n" * 2499 + "🦊x"
    assert len(note.replace("\r\n", "\n")) == 5000
    send_ticket(client, note=note)
    assert tickets(app)[0].note == note.replace("\r\n", "\n")


def test_the_email_is_stored_in_its_mailable_form(app: Flask, client: FlaskClient) -> None:
    """Spaces around it are dropped, and a domain with umlauts becomes what mail servers know."""
    send_ticket(client, email="  Ada@Bücher.Example ")
    assert tickets(app)[0].visitor_email == "Ada@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "markup", ['"><script>alert(1)</script>', "</textarea><script>alert(1)</script>", "&lt;b&gt; & '"]
)
def test_what_was_typed_comes_back_as_text_never_as_markup(client: FlaskClient, markup: str) -> None:
    """Escaped in each place of the form."""
    fields = ticket_fields(client, email=markup.strip(), note="x " + markup, submission_id=markup, website=markup)
    answer = post(client, "page", fields)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    page = Page(answer.text)
    assert page.fields["email"] == markup.strip()
    assert page.fields["note"] == "x " + markup


def test_the_conversation_stays_in_the_page_that_is_given_back(client: FlaskClient) -> None:
    """Without script, the form itself carries the transcript to the next try."""
    conversation = json.dumps([{**PAIR, "answer": 'a "quoted" </textarea> & more'}])
    page = Page(post(client, "page", ticket_fields(client, email="", conversation=conversation)).text)
    assert json.loads(page.fields["conversation"]) == json.loads(conversation)


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true", "[{}]"])
def test_json_that_is_no_object_is_refused(client: FlaskClient, body: str) -> None:
    """422 with a sentence that says what is expected."""
    answer = client.post("/handoff/tickets", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "invalid"
    assert "object" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b"nonsense", b'{"offer": }', b"\xff\xfe", b"{" * 50_000, b"[" * 50_000, b'{"note": "\xff"}']
)
def test_what_is_no_json_is_refused(client: FlaskClient, body: bytes) -> None:
    """422, in JSON."""
    answer = client.post("/handoff/tickets", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "invalid"


@pytest.mark.parametrize("name", ["recipient", "to", "desk", "name", "Email", "conversation[0]", "", "\ud800"])
def test_an_unknown_field_of_a_json_request_is_refused(app: Flask, client: FlaskClient, name: str) -> None:
    """422: a misspelt field does not silently do nothing."""
    answer = post_json(client, {**ticket_fields(client), name: "x"})
    assert answer.status_code == 422
    shown = "\N{REPLACEMENT CHARACTER}" if name == "\ud800" else name
    assert list(answer.json["error"]["fields"]) == [shown]
    assert tickets(app) == []


@pytest.mark.parametrize("field", ["offer", "submission_id", "email", "note", "website", "conversation"])
@pytest.mark.parametrize("value", [5, 1.5, True, {}, {"a": 1}, ["a"]], ids=repr)
def test_a_json_field_of_another_type_is_refused(app: Flask, client: FlaskClient, field: str, value: object) -> None:
    """422 at the field, never an error of the server."""
    answer = post_json(client, {**ticket_fields(client), field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json["error"]["code"] == "invalid"
    assert list(answer.json["error"]["fields"]) == [field]
    assert tickets(app) == []


@pytest.mark.parametrize("field", ["note", "website"])
def test_null_is_as_good_as_a_field_that_is_left_out(client: FlaskClient, field: str) -> None:
    """JavaScript writes null where it has nothing."""
    assert post_json(client, {**ticket_fields(client), field: None}).status_code == 201


@pytest.mark.parametrize(
    ("field", "status"),
    [("offer", 403), ("submission_id", 422), ("email", 422), ("note", 201), ("conversation", 201), ("website", 422)],
)
@pytest.mark.parametrize("headers", [{}, {"Accept": "text/html"}], ids=["json", "html"])
def test_a_lone_surrogate_in_any_field_does_no_harm(
    app: Flask, client: FlaskClient, field: str, status: int, headers: dict[str, str]
) -> None:
    """JSON can carry half a character; it is cleaned or refused, and never an error of the server."""
    fields = ticket_fields(client)
    fields[field] = json.dumps([{**PAIR, "question": "a\ud800b"}]) if field == "conversation" else "a\ud800b"
    answer = post_json(client, fields, **headers)
    assert answer.status_code == status
    for ticket in tickets(app):
        assert "\ufffd" in ticket.note + ticket.subject


@pytest.mark.parametrize("dirty", ["a\x00b", "a\x1b[31mb", "e\u0301", "\u202eabc"])
def test_odd_characters_in_the_text_are_stored_cleaned(app: Flask, client: FlaskClient, dirty: str) -> None:
    """NUL and its like are gone, and accents are one character."""
    send_ticket(client, note=dirty, conversation=json.dumps([{**PAIR, "question": dirty, "answer": dirty}]))
    (ticket,) = tickets(app)
    pair = transcript(app, ticket).pairs[0]
    assert ticket.note == pair.question == pair.answer
    assert not set(ticket.note) & {"\x00", "\x1b", "\u0301"}


# --- 403 -------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("headers", FOREIGN[:6], ids=str)
def test_a_json_request_of_another_site_is_refused_as_well(client: FlaskClient, headers: dict[str, str]) -> None:
    """The check does not depend on the body's type."""
    answer = post_json(client, ticket_fields(client), **headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "foreign_origin")


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
def test_a_listed_origins_preflight_is_answered(docs_client: FlaskClient, path: str) -> None:
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


def test_another_origins_preflight_is_not_answered(docs_client: FlaskClient, client: FlaskClient) -> None:
    """Neither where origins are listed nor where none are."""
    for some in (docs_client, client):
        answer = some.options("/handoff/tickets", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Headers" not in answer.headers


def test_a_site_without_origins_sends_no_cors_headers(client: FlaskClient) -> None:
    """Nor does it vary by origin."""
    answer = client.get("/handoff/offer?pairs=1", headers={"Origin": DOCS})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


# --- 409 -------------------------------------------------------------------------------------------------------------


def test_an_expired_offer_gives_the_form_back_with_a_fresh_one(
    app: Flask, client: FlaskClient, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409 with the text kept; what comes back is sent again and goes through, once."""
    expired = old_offer(client, monkeypatch)
    fields = ticket_fields(client, offer=expired)
    page = refused(post(client, shape, fields), shape, 409, "offer_expired")
    assert tickets(app) == []
    if shape == "json":
        return
    assert page.fields["offer"] not in ("", expired)
    assert page.fields["submission_id"] == fields["submission_id"]
    # A fragment leaves the transcript to the page that is open: handoff.js has it.
    again = {**page.fields, "conversation": fields["conversation"]} if shape != "page" else page.fields
    assert [post(client, shape, again).status_code for _ in range(2)] == [201, 200]
    (ticket,) = tickets(app)
    assert (ticket.note, ticket.visitor_email, ticket.thread_id) == (NOTE, EMAIL, "thread-1")


def test_an_expired_offer_does_not_hide_that_it_was_stored_before(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that was sent, whose reply was lost, and that is sent again after a day, opens no second ticket."""
    fields = ticket_fields(client)
    assert post(client, "json", fields).status_code == 201
    page = Page(post(client, "page", {**fields, "offer": old_offer(client, monkeypatch)}).text)
    assert post(client, "json", page.fields).status_code == 200


def test_a_desk_that_was_switched_off_takes_no_ticket_and_the_text_is_kept(
    app: Flask, client: FlaskClient, shape: str
) -> None:
    """409, disabled, for a form that was open meanwhile."""
    fields = ticket_fields(client)
    switch_off(app)
    refused(post(client, shape, fields), shape, 409, "disabled")
    assert tickets(app) == []


def test_a_desk_without_an_email_takes_no_ticket_and_the_text_is_kept(
    make_app: Callable[..., Flask], shape: str
) -> None:
    """409, disabled, after the site took its address away."""
    fields = ticket_fields(make_app().test_client())
    after = make_app(KAPA_HANDOFF_EMAIL=None)
    refused(post(after.test_client(), shape, fields), shape, 409, "disabled")
    assert tickets(after) == []


# --- 429 -------------------------------------------------------------------------------------------------------------


LIMITS = {
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


def test_others_are_not_held_up_by_a_clients_limit(make_app: Callable[..., Flask]) -> None:
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
    assert {answer.json["reference"] for answer in answers if answer.status_code == 201} == {
        ticket.reference for ticket in stored
    }


def test_of_many_identical_submits_at_once_one_opens_the_ticket(app: Flask) -> None:
    """A double click on twenty machines: one 201, the same reference for all."""
    fields = ticket_fields(app.test_client())
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(app.test_client(), "json", fields), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["reference"] for answer in answers}) == 1
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
        assert answer.json["error"]["code"] == "too_large"
    else:
        assert Page(answer.text).elements[0][0] == ("html" if shape == "page" else "dialog")
    assert tickets(app) == []


def test_json_of_too_many_bytes_is_refused(make_app: Callable[..., Flask]) -> None:
    """413 in JSON."""
    client = make_app(KAPA_HANDOFF_MAX_REQUEST_BYTES=20_000).test_client()
    answer = post_json(client, {**ticket_fields(client), "note": "x" * 20_000})
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


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
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


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
    """What a before_request of the site has parsed is the ticket; a body that it has used up holds up nobody."""
    app = make_app()

    @app.before_request
    def read_first() -> None:
        if request.method == "POST":
            len(request.form) if reads == "form" else request.stream.read()

    client = app.test_client()
    fields = ticket_fields(client)
    answer = client.post("/handoff/tickets", data=fields, headers=JSON)
    assert answer.status_code == (201 if reads == "form" else 403)  # nothing is left, so there is no offer


# --- 503 -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["directory", "garbage", "parent is a file"])
def broken(request: pytest.FixtureRequest, make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Any]:
    """An app whose database cannot be reached, and what makes it reachable."""
    path = tmp_path / "place" / "k.sqlite3"
    kind = request.param
    if kind == "parent is a file":
        path.parent.write_text("in the way")
    else:
        path.parent.mkdir()
    if kind == "directory":
        path.mkdir()
    elif kind == "garbage":
        path.write_bytes(b"this is no database, only text that is long enough" * 100)
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")

    def mend() -> None:
        if path.is_dir():
            path.rmdir()
        elif path.exists():
            path.unlink()
        if path.parent.is_file():
            path.parent.unlink()

    return app, mend


def test_without_its_database_a_ticket_waits_in_the_form_and_then_goes_through_once(
    broken: tuple[Flask, Callable[[], None]], shape: str
) -> None:
    """503 with Retry-After and the text kept; as soon as the database is back the same form is stored, once."""
    app, mend = broken
    client = app.test_client()
    fields = ticket_fields(client, offer=offer_without_database(app))
    for _ in range(2):
        answer = post(client, shape, fields)
        page = refused(answer, shape, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        if shape != "json":
            assert page.fields["submission_id"] == fields["submission_id"]
            assert page.fields["offer"] == fields["offer"]
    mend()
    again = {**page.fields, "conversation": fields["conversation"]} if shape != "json" else fields
    assert [post(client, shape, again).status_code for _ in range(2)] == [201, 200]
    assert len(tickets(app)) == 1


@pytest.mark.only("sqlite")
def test_a_database_that_was_emptied_behind_our_back_is_set_up_again(app: Flask, shape: str) -> None:
    """Its file has nothing in it any more: the first try is told 503, the same form goes through at the next."""
    client = app.test_client()
    fields = ticket_fields(client)
    app.extensions["kapa_handoff"].database.close()
    (Path(app.instance_path) / "kapa_handoff.sqlite3").write_bytes(b"")
    refused(post(client, shape, fields), shape, 503, "unavailable")
    assert [post(client, shape, fields).status_code for _ in range(2)] == [201, 200]
    assert len(tickets(app)) == 1


def test_the_log_says_why_a_ticket_could_not_be_stored(
    broken: tuple[Flask, Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    """A site whose tickets are all refused with 503 finds the reason in its log, and no visitor's words."""
    app, _ = broken
    caplog.clear()
    fields = ticket_fields(app.test_client(), offer=offer_without_database(app))
    assert post(app.test_client(), "json", fields).status_code == 503
    assert [record.levelname for record in caplog.records if record.name.startswith("flask_kapa_handoff")]
    assert NOTE not in caplog.text


def test_a_database_that_is_locked_for_too_long_is_unavailable(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """Another program that holds the write lock costs a 503, not a ticket."""
    path = tmp_path / "k.sqlite3"
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    client = app.test_client()
    fields = ticket_fields(client)
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        # Not 15 seconds, in this test.
        with app.extensions["kapa_handoff"].database.read() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
        answer = post(client, "page", fields)
        refused(answer, "page", 503, "unavailable")
    finally:
        other.close()
    assert post(client, "page", fields).status_code == 201


# --- who decides what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["recipient", "email_to", "to", "desk", "KAPA_HANDOFF_EMAIL", "handoff_email", "recipient_email"]
)
def test_no_field_of_a_request_changes_where_a_ticket_goes(app: Flask, client: FlaskClient, name: str) -> None:
    """Not in the form, the query, a header or a cookie."""
    fields = ticket_fields(client)
    client.set_cookie(name, "evil@evil.example")
    answer = client.post(
        "/handoff/tickets",
        query_string={name: "evil@evil.example"},
        data={**fields, name: "evil@evil.example"},
        headers={**JSON, "X-" + name.replace("_", "-"): "evil@evil.example"},
    )
    assert answer.status_code == 201
    (ticket,) = tickets(app)
    assert ticket.recipient == "support@example.com"
    assert "evil" not in repr(ticket)


def test_a_conversation_cannot_change_where_a_ticket_goes(app: Flask, client: FlaskClient) -> None:
    """Unknown keys of a pair are ignored, whatever they are called."""
    send_ticket(client, conversation=json.dumps([{**PAIR, "recipient": "evil@evil.example", "desk": "evil"}]))
    (ticket,) = tickets(app)
    assert ticket.recipient == "support@example.com"
    assert "evil" not in repr(ticket) + repr(transcript(app, ticket))


SECRET = "ghp_" + "a1B2" * 9


@pytest.mark.only("sqlite")
def test_secrets_are_masked_in_what_is_stored(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    """In the note, the transcript, the subject and the page; no byte of them is in the database's file."""
    offer = signed_offer(client, page=f"http://localhost/?token={SECRET}")
    pair = {"question": f"Why does {SECRET} fail?", "answer": f"Is it {SECRET}?"}
    pair["sources"] = [{"title": SECRET, "url": f"https://x.example/?key={SECRET}"}]  # type: ignore[assignment]
    send_ticket(client, offer=offer, note=f"my key: {SECRET}", conversation=json.dumps([pair]))
    (ticket,) = tickets(app)
    assert "[hidden: GitHub token]" in ticket.note
    assert ticket.subject == "Why does [hidden: GitHub token] fail?"
    app.extensions["kapa_handoff"].database.close()
    for path in Path(app.instance_path).iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_a_site_may_switch_the_masking_off(make_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_REDACT=False stores what was typed."""
    app = make_app(KAPA_HANDOFF_REDACT=False)
    send_ticket(app.test_client(), note=SECRET)
    assert tickets(app)[0].note == SECRET


# --- the site's own record -------------------------------------------------------------------------------------------


OWN_RECORD = Conversation((QuestionAnswer("Own question", "Own answer", "a1"),), "thread-1")


@pytest.mark.parametrize("conversation", [None, json.dumps([PAIR]), "not json"], ids=["none", "other", "broken"])
def test_the_sites_own_record_counts_and_the_browsers_word_does_not(
    make_app: Callable[..., Flask], conversation: str | None
) -> None:
    """With a conversation_loader the transcript is the site's, whatever the browser sends."""
    handoff, asked = KapaHandoff(), []

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        asked.append(thread_id)
        return OWN_RECORD

    app = make_app(handoff=handoff)
    client = app.test_client()
    send_ticket(client, conversation=conversation)
    (ticket,) = tickets(app)
    assert ticket.transcript_source == "site"
    assert transcript(app, ticket).pairs == OWN_RECORD.pairs
    assert ticket.subject == "Own question"
    assert set(asked) == {"thread-1"}


def test_a_thread_that_the_site_does_not_know_is_the_browsers_word(make_app: Callable[..., Flask]) -> None:
    """None: what the browser sent counts and is marked as such; without it the form says what is missing."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: None)
    app = make_app(handoff=handoff)
    client = app.test_client()
    send_ticket(client)
    assert tickets(app)[0].transcript_source == "browser"
    answer = post(client, "json", ticket_fields(client, conversation=None))
    assert answer.status_code == 422
    assert list(answer.json["error"]["fields"]) == ["conversation"]


def test_a_loader_that_raises_leaves_the_browsers_word(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """The ticket is taken with what the browser sent, and the log has the error."""
    handoff = KapaHandoff()

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        raise RuntimeError("the chat's database is down")

    app = make_app(handoff=handoff)
    send_ticket(app.test_client(), offer=offer_without_database(app))
    assert tickets(app)[0].transcript_source == "browser"
    assert "conversation_loader failed. " in caplog.text


def test_a_loader_that_raises_with_nothing_from_the_browser_is_unavailable(
    make_app: Callable[..., Flask], shape: str
) -> None:
    """503 with the text kept: it may work in a moment."""
    handoff, works = KapaHandoff(), []

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        if not works:
            raise RuntimeError("the chat's database is down")
        return OWN_RECORD

    app = make_app(handoff=handoff)
    client = app.test_client()
    fields = ticket_fields(client, offer=offer_without_database(app), conversation=None)
    answer = post(client, shape, fields)
    refused(answer, shape, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    works.append(True)
    assert post(client, shape, fields).status_code == 201


def test_a_submission_that_is_retried_after_the_thread_has_grown_is_the_same(make_app: Callable[..., Flask]) -> None:
    """The site's record may change between two tries; that is no other content."""
    handoff, pairs = KapaHandoff(), [QuestionAnswer("One", "1")]
    handoff.conversation_loader(lambda thread_id: Conversation(tuple(pairs), thread_id))
    client = make_app(handoff=handoff).test_client()
    fields = ticket_fields(client, conversation=None)
    assert post(client, "json", fields).status_code == 201
    pairs.append(QuestionAnswer("Two", "2"))
    assert post(client, "json", fields).status_code == 200


def test_odd_characters_in_the_sites_own_record_do_no_harm(make_app: Callable[..., Flask]) -> None:
    """What a site kept as it came is cleaned like what a browser sends."""
    handoff = KapaHandoff()
    handoff.conversation_loader(
        lambda thread_id: Conversation((QuestionAnswer("nul \x00 half \ud83d", "e\u0301"),), thread_id)
    )
    app = make_app(handoff=handoff)
    send_ticket(app.test_client(), conversation=None)
    (pair,) = transcript(app, tickets(app)[0]).pairs
    assert (pair.question, pair.answer) == ("nul  half \ufffd", "\u00e9")


def test_secrets_in_the_sites_own_record_are_masked(make_app: Callable[..., Flask]) -> None:
    """Masking does not depend on who kept the transcript."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: Conversation((QuestionAnswer(f"q {SECRET}", "a"),), thread_id))
    app = make_app(handoff=handoff)
    send_ticket(app.test_client(), conversation=None)
    assert SECRET not in repr(transcript(app, tickets(app)[0]))


# --- signals ---------------------------------------------------------------------------------------------------------


def test_the_signal_is_sent_after_the_commit(app: Flask, client: FlaskClient) -> None:
    """A receiver finds the ticket in the database, over a connection of its own, and may write."""
    found: list[tuple[Any, ...]] = []

    def receive(sender: Flask, ticket: Ticket) -> None:
        found.append((sender, ticket, tickets(app)))
        age_tickets(app, timedelta(seconds=0))

    ticket_created.connect(receive, app)
    reference = send_ticket(client)
    ((sender, ticket, stored),) = found
    assert sender is app
    assert ticket.reference == reference
    assert [each.reference for each in stored] == [reference]


def test_a_receiver_that_raises_harms_nothing(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The visitor gets the reference, the next receiver its call, and the log the error."""
    called: list[str] = []

    def raises(sender: Flask, ticket: Ticket) -> None:
        called.append("first")
        raise RuntimeError("a broken receiver")

    def works(sender: Flask, ticket: Ticket) -> None:
        called.append("second")

    ticket_created.connect(raises, app)
    ticket_created.connect(works, app)
    send_ticket(client)
    assert sorted(called) == ["first", "second"]
    assert "failed. RuntimeError in " in caplog.text
    assert "a broken receiver" not in caplog.text
    assert len(tickets(app)) == 1


def test_a_refused_ticket_sends_no_signal(app: Flask, client: FlaskClient) -> None:
    """Only what is stored is announced."""
    called: list[Ticket] = []

    def receive(sender: Flask, ticket: Ticket) -> None:
        called.append(ticket)

    ticket_created.connect(receive, app)
    post(client, "json", ticket_fields(client, email=""))
    post(client, "json", ticket_fields(client, offer="forged"))
    assert called == []


def test_get_is_not_a_way_to_send(client: FlaskClient) -> None:
    """405; the form's address is /form."""
    assert client.get("/handoff/tickets").status_code == 405


def test_nothing_that_a_visitor_wrote_is_logged(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """No body, note or address, at any level."""
    caplog.set_level("DEBUG")
    send_ticket(client, note="a very private note", email="private@example.com")
    post(client, "json", ticket_fields(client, note="a very private note", email="private@"))
    for word in ("very private", "private@", "rotate a key"):
        assert word not in caplog.text


def test_references_are_short_unique_and_easy_to_read_out(make_app: Callable[..., Flask]) -> None:
    """T- and letters that nobody takes for one another."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1000, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1000)
    client = app.test_client()
    references = {send_ticket(client) for _ in range(40)}
    assert len(references) == 40
    for reference in references:
        assert len(reference) == 8
        assert reference.startswith("T-")
        assert not set(reference[2:]) & set("01OIL")
