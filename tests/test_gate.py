"""The gate: which visitor gets a form, and how a ticket must match the offer that it is sent with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.settings import current_settings, save_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from flask_kapa_handoff.triggers import Facts, Trigger
from tests.helpers.offers import DAY, sign_earlier, signed_offer
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.tickets import PAIR, post, ticket_fields


def with_record(make_app: Callable[..., Flask], *pairs: QuestionAnswer, **config: Any) -> tuple[Flask, list[Any]]:
    """A site that keeps the thread ``thread-1``; returns the app and the record, which a test may change."""
    handoff, record = KapaHandoff(), list(pairs)

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation | None:
        return Conversation(tuple(record), thread_id) if thread_id == "thread-1" else None

    return make_app(handoff=handoff, **config), record


def offered(client: FlaskClient, **query: Any) -> bool:
    answer = client.get("/handoff/offer", query_string={"pairs": 1, "thread_id": "thread-1", **query}, headers=JSON)
    return bool(json_of(answer)["offered"])


def change_triggers(app: Flask, *triggers: Any) -> None:
    state = state_of(app)
    with state.database.write() as connection:
        current = current_settings(connection, state.config)
        save_settings(connection, state.config, replace(current, triggers=triggers), changed_by="ada")


# --- whose facts -----------------------------------------------------------------------------------------------------


def test_where_the_site_keeps_the_thread_its_record_says_what_it_is_like(
    make_app: Callable[..., Flask],
) -> None:
    """The browser can claim neither a downvote, nor an uncertain answer, nor a long conversation."""
    app, record = with_record(
        make_app,
        QuestionAnswer("One?", "1", "a1"),
        KAPA_HANDOFF_TRIGGERS="conversation-length, uncertainty, downvote",
        KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD=2,
    )
    client = app.test_client()
    said = {"pairs": 9, "uncertain": "true", "downvoted": "true", "answer_id": "a1"}
    assert not offered(client, **said)
    assert offered(client, **{**said, "thread_id": "a thread that the site does not keep"})
    record[0] = QuestionAnswer("One?", "1", "a1", reaction="downvote")
    assert offered(client, answer_id="a1")


def test_the_facts_are_those_of_the_answer_that_was_asked_about(make_app: Callable[..., Flask]) -> None:
    """The pairs up to it, its uncertainty and its vote; an answer that the record does not name is the last one."""
    app, _ = with_record(
        make_app,
        QuestionAnswer("One?", "1", "a1", uncertain=True),
        QuestionAnswer("Two?", "2", "a2"),
        KAPA_HANDOFF_TRIGGERS="uncertainty",
    )
    client = app.test_client()
    assert offered(client, answer_id="a1")
    assert not offered(client, answer_id="a2")
    assert not offered(client, answer_id="another", uncertain="true")
    assert not offered(client, uncertain="true")


def test_a_record_that_cannot_be_read_is_no_way_around_it(make_app: Callable[..., Flask]) -> None:
    """503: the browser's word does not take its place."""
    handoff = KapaHandoff()

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        raise ValueError("no such thread")

    client = make_app(handoff=handoff).test_client()
    answer = client.get("/handoff/offer?pairs=1&thread_id=x&downvoted=true", headers=JSON)
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (503, "unavailable")


# --- an offer that is too old ----------------------------------------------------------------------------------------


def test_an_offer_that_is_too_old_is_decided_by_todays_triggers(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form gets a fresh offer only where the answer still qualifies; the text is kept either way."""
    token = sign_earlier(monkeypatch, DAY + 5, lambda: signed_offer(client))
    fields = ticket_fields(client, offer=token)
    assert Page(post(client, "page", fields).text).fields["offer"] != token
    change_triggers(app, Trigger.DOWNVOTE)
    answer = post(client, "page", fields)
    assert answer.status_code == 409
    page = Page(answer.text)
    assert page.fields["note"] == fields["note"]
    assert page.fields["offer"] == token
    assert "has expired" in page.text
    assert client.get("/handoff/form", query_string={"offer": token}).status_code == 409
    assert not tickets(app)


def test_an_offer_that_is_too_old_is_decided_by_the_sites_record_of_today(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor has taken the downvote back meanwhile."""
    app, record = with_record(
        make_app, QuestionAnswer("One?", "1", "a1", reaction="downvote"), KAPA_HANDOFF_TRIGGERS="downvote"
    )
    client = app.test_client()
    token = sign_earlier(monkeypatch, DAY + 5, lambda: signed_offer(client))
    assert Page(client.get("/handoff/form", query_string={"offer": token}).text).fields["offer"]
    record[0] = QuestionAnswer("One?", "1", "a1")
    refused = client.get("/handoff/form", query_string={"offer": token})
    assert refused.status_code == 409
    assert not Page(refused.text).all("form")


def test_opening_a_form_again_and_again_does_not_extend_an_offer_forever(app: Flask, client: FlaskClient) -> None:
    """A form can be sent for a day after it was opened, and opened for a day after the decision."""
    state = state_of(app)
    with app.test_request_context():
        decided = replace(Offer((Trigger.ALWAYS,), Facts(1), answer_id="a1"), decided_at=int(time.time()) - DAY - 5)
        form = state.offer_signer().sign(decided)
    assert client.get("/handoff/form", query_string={"offer": form}).status_code == 409  # decided once more
    assert post(client, "json", ticket_fields(client, offer=form)).status_code == 201
    change_triggers(app, Trigger.DOWNVOTE)
    assert not Page(client.get("/handoff/form", query_string={"offer": form}).text).all("form")


@pytest.mark.parametrize(("ahead", "status"), [(50, 201), (90, 409)])
def test_a_clock_that_is_a_little_ahead_does_no_harm(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, ahead: int, status: int
) -> None:
    """Two machines are never at the same second; more than a minute is a clock that is wrong."""
    token = sign_earlier(monkeypatch, -ahead, lambda: signed_offer(client))
    assert post(client, "json", ticket_fields(client, offer=token)).status_code == status


# --- one ticket ------------------------------------------------------------------------------------------------------


def test_an_offer_opens_one_ticket(app: Flask, client: FlaskClient) -> None:
    """Sent again it is the same ticket; with other words, or as another submission, a conflict."""
    fields = ticket_fields(client)
    assert post(client, "json", fields).status_code == 201
    assert post(client, "json", fields).status_code == 200
    for other in ({"note": "Other words"}, {"conversation": json.dumps([{**PAIR, "question": "Another?"}])}):
        again = post(client, "json", ticket_fields(client, offer=fields["offer"], **other))
        assert (again.status_code, json_of(again)["error"]["code"]) == (409, "conflict")
    assert len(tickets(app)) == 1


def test_a_cached_page_with_a_button_serves_many_visitors(app: Flask, client: FlaskClient) -> None:
    """Each form that is opened has an offer of its own."""
    button = signed_offer(client)
    for number in range(3):
        form = Page(client.get("/handoff/form", query_string={"offer": button}).text)
        fields = {**form.fields, "email": f"v{number}@example.com", "conversation": json.dumps([PAIR])}
        assert post(client, "page", fields).status_code == 201
    assert len({ticket.offer_id for ticket in tickets(app)}) == 3


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([{**PAIR, "id": "another"}], "'a1'"),
        ([{**PAIR, "id": "another"}, {"question": "And?", "answer": "So."}], "'a1'"),
        ([PAIR], "has 1 question-answer pairs"),
    ],
    ids=["another answer", "another answer and one without an id", "too few"],
)
def test_the_submission_contains_the_answer_that_was_offered(client: FlaskClient, pairs: list[Any], told: str) -> None:
    """And as many pairs as there were then, or more."""
    fields = ticket_fields(client, offer=signed_offer(client, pairs=2), conversation=json.dumps(pairs))
    answer = post(client, "json", fields)
    assert answer.status_code == 422
    assert told in json_of(answer)["error"]["fields"]["conversation"][0]


@pytest.mark.parametrize(
    "pairs",
    [
        [{"question": "First?", "answer": "1"}, PAIR],
        [PAIR, {"question": "Since then?", "answer": "2", "id": "a2"}],
        [{"question": "First?", "answer": "1"}, {"question": "Without ids?", "answer": "2"}],
    ],
    ids=["up to it", "and more", "without ids"],
)
def test_a_conversation_that_fits_the_offer_is_taken(client: FlaskClient, pairs: list[Any]) -> None:
    """It may have gone on, and a program may leave all ids out."""
    fields = ticket_fields(client, offer=signed_offer(client, pairs=2), conversation=json.dumps(pairs))
    assert post(client, "json", fields).status_code == 201


def test_the_offer_is_looked_at_before_any_text(client: FlaskClient) -> None:
    """With a forged one, nothing else is said of the request: not even that its conversation is no JSON."""
    answer = post(client, "json", ticket_fields(client, offer="forged", email="no", conversation="{", note="x" * 9999))
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (403, "offer_invalid")
    assert "fields" not in json_of(answer)["error"]


def test_an_offer_of_another_app_or_mount_with_the_same_key_is_refused(make_app: Callable[..., Flask]) -> None:
    """Two sites may share a key, as may two mounts of one."""
    one, other = make_app(name="one", SECRET_KEY="same"), make_app(name="other", SECRET_KEY="same")
    moved = make_app(name="one", SECRET_KEY="same", KAPA_HANDOFF_URL_PREFIX="/help")
    fields = ticket_fields(one.test_client())
    assert post(other.test_client(), "json", fields).status_code == 403
    assert moved.test_client().post("/help/tickets", data=fields, headers=JSON).status_code == 403
    assert post(one.test_client(), "json", fields).status_code == 201


def test_where_the_site_keeps_threads_an_answer_without_one_is_a_first_one(
    make_app: Callable[..., Flask],
) -> None:
    """To leave the thread's name out is no way around the record."""
    app, _ = with_record(make_app, QuestionAnswer("One?", "1", "a1"), KAPA_HANDOFF_TRIGGERS="uncertainty, downvote")
    said = {"pairs": 9, "uncertain": "true", "downvoted": "true", "answer_id": "a1"}
    assert not json_of(app.test_client().get("/handoff/offer", query_string=said, headers=JSON))["offered"]


def test_of_a_thread_that_is_too_long_to_be_sent_the_latest_pairs_are_taken(
    make_app: Callable[..., Flask],
) -> None:
    """As many as KAPA_HANDOFF_MAX_PAIRS allows."""
    client = make_app(KAPA_HANDOFF_MAX_PAIRS=2).test_client()
    offer = signed_offer(client, pairs=9)
    for pairs, status in (([PAIR], 422), ([{**PAIR, "id": "a0"}, PAIR], 201)):
        assert (
            post(client, "json", ticket_fields(client, offer=offer, conversation=json.dumps(pairs))).status_code
            == status
        )
