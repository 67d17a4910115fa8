"""POST /tickets: each field of a form or of JSON is checked, errors are at their place, and no text is lost."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff.testing import conversation_of, tickets
from tests.helpers.pages import Page, json_of
from tests.helpers.tickets import EMAIL, NOTE, PAIR, post, post_json, refused, send_ticket, ticket_fields

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


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("field", "value"), INVALID, ids=[f"{field}={str(value)[:12]!a}" for field, value in INVALID])
def test_a_wrong_field_is_reported_at_the_field_and_the_text_is_kept(
    app: Flask, client: FlaskClient, shape: str, field: str, value: str | None
) -> None:
    """422; nothing is stored; the form comes back as it was sent and can be sent again once it is fixed."""
    fields = ticket_fields(client, **{field: value})
    answer = post(client, shape, fields)
    email = (value or "").strip() if field == "email" else EMAIL
    note = value if field == "note" and value else NOTE
    assert tickets(app) == []
    if shape == "json":
        refused(answer, shape, 422, "invalid")
        assert list(json_of(answer)["error"]["fields"]) == [field]
        assert all(json_of(answer)["error"]["fields"][field])
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
        assert set(json_of(answer)["error"]["fields"]) == {"email", "note", "conversation", "website"}
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
    """Without script, the form itself carries the transcript to the next attempt."""
    conversation = json.dumps([{**PAIR, "answer": 'a "quoted" </textarea> & more'}])
    page = Page(post(client, "page", ticket_fields(client, email="", conversation=conversation)).text)
    assert json.loads(page.fields["conversation"]) == json.loads(conversation)


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true", "[{}]"])
def test_json_that_is_not_an_object_is_refused(client: FlaskClient, body: str) -> None:
    """422 with a sentence that says what is expected."""
    answer = client.post("/handoff/tickets", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert json_of(answer)["error"]["code"] == "invalid"
    assert "object" in json_of(answer)["error"]["message"]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "body", [b"{", b"", b"nonsense", b'{"offer": }', b"\xff\xfe", b"{" * 50_000, b"[" * 50_000, b'{"note": "\xff"}']
)
def test_invalid_json_is_refused(client: FlaskClient, body: bytes) -> None:
    """422, in JSON."""
    answer = client.post("/handoff/tickets", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert json_of(answer)["error"]["code"] == "invalid"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("name", ["recipient", "to", "desk", "name", "Email", "conversation[0]", "", "\ud800"])
def test_an_unknown_field_of_a_json_request_is_refused(app: Flask, client: FlaskClient, name: str) -> None:
    """422: a misspelt field does not silently do nothing."""
    answer = post_json(client, {**ticket_fields(client), name: "x"})
    assert answer.status_code == 422
    shown = "\N{REPLACEMENT CHARACTER}" if name == "\ud800" else name
    assert list(json_of(answer)["error"]["fields"]) == [shown]
    assert tickets(app) == []


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("field", ["offer", "submission_id", "email", "note", "website", "conversation"])
@pytest.mark.parametrize("value", [5, 1.5, True, {}, {"a": 1}, ["a"]], ids=repr)
def test_a_json_field_of_another_type_is_refused(app: Flask, client: FlaskClient, field: str, value: object) -> None:
    """422 at the field, never an error of the server."""
    answer = post_json(client, {**ticket_fields(client), field: value})
    assert answer.status_code == 422, answer.text
    assert json_of(answer)["error"]["code"] == "invalid"
    assert list(json_of(answer)["error"]["fields"]) == [field]
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
    pair = conversation_of(app, ticket).pairs[0]
    assert ticket.note == pair.question == pair.answer
    assert not set(ticket.note) & {"\x00", "\x1b", "\u0301"}
