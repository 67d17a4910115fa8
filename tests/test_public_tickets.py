"""POST /tickets: what is stored, what comes back, who decides, who is notified; and no text is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff import QuestionAnswer
from flask_kapa_handoff.signals import ticket_created
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status, Ticket
from flask_kapa_handoff.testing import change_settings, conversation_of, tickets
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import JSON, Page
from tests.helpers.tickets import (
    EMAIL,
    NOTE,
    PAIR,
    SECRET,
    age_tickets,
    post,
    post_json,
    refused,
    send_ticket,
    ticket_fields,
)

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
        assert not page.all("input", name="submission_id")
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
    assert conversation_of(app, ticket).pairs == (QuestionAnswer(PAIR["question"], PAIR["answer"], "a1"),)


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
    assert conversation_of(app, ticket).pairs[0].question == PAIR["question"]


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


def test_a_repeated_submission_is_not_limited(make_app: Callable[..., Flask]) -> None:
    """Its ticket counts once, and after a lost reply the response is the reference, not 429."""
    client = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1).test_client()
    fields = ticket_fields(client)
    assert [post(client, "json", fields).status_code for _ in range(3)] == [201, 200, 200]


def test_a_repeated_submission_holds_when_the_desk_was_switched_off(app: Flask, client: FlaskClient) -> None:
    """What is stored is stored."""
    fields = ticket_fields(client)
    assert post(client, "json", fields).status_code == 201
    change_settings(app, enabled=False)
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
    change_settings(app, enabled=False)
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


# --- who decides what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["recipient", "email_to", "to", "desk", "KAPA_HANDOFF_EMAIL", "handoff_email", "recipient_email"]
)
def test_no_field_of_a_request_changes_where_a_ticket_goes(app: Flask, client: FlaskClient, name: str) -> None:
    """Not in the query, a header or a cookie; a form with such a field is refused, or the field is ignored."""
    fields = ticket_fields(client)
    client.set_cookie(name, "evil@evil.example")

    def send(**further: str) -> TestResponse:
        return client.post(
            "/handoff/tickets",
            query_string={name: "evil@evil.example"},
            data={**fields, **further},
            headers={**JSON, "X-" + name.replace("_", "-"): "evil@evil.example"},
        )

    could_be_a_field = name.islower()
    assert send(**{name: "evil@evil.example"}).status_code == (422 if could_be_a_field else 201)
    assert send().status_code == (201 if could_be_a_field else 200)
    (ticket,) = tickets(app)
    assert ticket.recipient == "support@example.com"
    assert "evil" not in repr(ticket)


def test_a_conversation_cannot_change_where_a_ticket_goes(app: Flask, client: FlaskClient) -> None:
    """Unknown keys of a pair are ignored, whatever they are called."""
    send_ticket(client, conversation=json.dumps([{**PAIR, "recipient": "evil@evil.example", "desk": "evil"}]))
    (ticket,) = tickets(app)
    assert ticket.recipient == "support@example.com"
    assert "evil" not in repr(ticket) + repr(conversation_of(app, ticket))


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
    state_of(app).database.close()
    for path in Path(app.instance_path).iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_a_site_may_switch_the_masking_off(make_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_REDACT=False stores what was typed."""
    app = make_app(KAPA_HANDOFF_REDACT=False)
    send_ticket(app.test_client(), note=SECRET)
    assert tickets(app)[0].note == SECRET


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
