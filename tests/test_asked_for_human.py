"""The trigger asked-for-human: the question travels in a POST, and nothing of it is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import Rejected, deliver, make_offer, record_mails, send_ticket, tickets
from tests.helpers.pages import json_of

pytestmark = pytest.mark.only("sqlite")

ASKING = "Can I talk to a human about order 4711?"
OTHER = "How do human agents work in the API?"
JSON = {"Accept": "application/json"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(KAPA_HANDOFF_TRIGGERS="asked-for-human,downvote", MAIL_SUPPRESS_SEND=True)


def offered(client: FlaskClient, question: str, **query: Any) -> bool:
    response = client.post("/handoff/offer", query_string={"pairs": 1, **query}, data={"question": question})
    assert response.status_code in (200, 204)
    return response.status_code == 200


def test_the_question_decides(client: FlaskClient) -> None:
    """Posted as a form or as JSON, with the facts in the address as for GET."""
    assert offered(client, ASKING)
    assert not offered(client, OTHER)
    assert not offered(client, "")
    assert offered(client, OTHER, downvoted="true")
    said = json_of(client.post("/handoff/offer?pairs=1", json={"question": ASKING}))
    assert (said["offered"], said["triggers"]) == (True, ["asked-for-human"])


def test_a_page_cannot_claim_it(client: FlaskClient) -> None:
    """The server decides it from the question, whatever the address says."""
    assert client.get("/handoff/offer?pairs=1&asked_for_human=true").status_code == 204
    with pytest.raises(TypeError, match="asked_for_human"):
        make_offer(client, asked_for_human=True)


def test_the_server_says_once_that_it_wants_the_question(make_app: Callable[..., Flask], client: FlaskClient) -> None:
    """Only desks that have the trigger; the header is readable from the pages of other origins."""
    assert client.get("/handoff/offer?pairs=1").headers["X-Kapa-Handoff"] == "question"
    app = make_app(KAPA_HANDOFF_ORIGINS="https://docs.example.com", name="other")
    plain = app.test_client().get("/handoff/offer?pairs=1", headers={"Origin": "https://docs.example.com"})
    assert "X-Kapa-Handoff" not in plain.headers
    assert "X-Kapa-Handoff" in plain.headers["Access-Control-Expose-Headers"]


def test_without_the_trigger_the_question_plays_no_part(make_app: Callable[..., Flask]) -> None:
    """A question that a page sends anyway is not looked at."""
    client = make_app(KAPA_HANDOFF_TRIGGERS="downvote").test_client()
    assert not offered(client, ASKING)
    with pytest.raises(Rejected, match="gets no button"):
        make_offer(client, question=ASKING)


def test_the_question_is_neither_logged_nor_kept(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The offer has the fact alone; a refused request says nothing of it either."""
    caplog.set_level(logging.DEBUG)
    offer = make_offer(client, question=ASKING)
    with app.test_request_context():
        signed = state_of(app).offer_signer().read(offer)
    assert signed.facts.asked_for_human
    assert "4711" not in repr(signed)
    refused = client.post("/handoff/offer?pairs=1", json={"question": ASKING, "why": ASKING})
    wrong = client.post("/handoff/offer?pairs=x", data={"question": ASKING})
    large = client.post("/handoff/offer?pairs=1", data={"question": "4711" * 300_000})
    assert (refused.status_code, wrong.status_code, large.status_code) == (422, 422, 413)
    assert "4711" not in refused.text + wrong.text + large.text + caplog.text
    assert tickets(app) == []


def test_the_agent_reads_why(app: Flask, client: FlaskClient) -> None:
    """In the mail and in the ticket's triggers."""
    conversation = Conversation([QuestionAnswer(ASKING, "I can't connect you.", "a1")], "t1")
    ticket = send_ticket(client, conversation=conversation)
    assert ticket.triggers == "asked-for-human"
    with record_mails(app) as mails:
        deliver(app)
    body = mails[0].get_body(("plain",))
    assert body is not None
    assert "Why the button appeared: the visitor asked for a human" in body.get_content()


def test_the_site_knows_the_question_of_its_own_threads(make_app: Callable[..., Flask]) -> None:
    """From its record, whatever the page sends: the question of the answer that the button is under."""
    pairs = [QuestionAnswer(ASKING, "No.", "a1"), QuestionAnswer(OTHER, "So.", "a2")]
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: Conversation(pairs, thread_id))
    client = make_app(handoff=handoff, KAPA_HANDOFF_TRIGGERS="asked-for-human").test_client()
    assert client.get("/handoff/offer?pairs=2&thread_id=t1&answer_id=a1").status_code == 200
    assert client.get("/handoff/offer?pairs=2&thread_id=t1&answer_id=a2").status_code == 204
    assert not offered(client, ASKING, pairs=2, thread_id="t1", answer_id="a2")


def test_a_server_rendered_button_takes_it_from_the_conversation(app: Flask) -> None:
    """The last question counts."""
    button: Any = app.jinja_env.globals["kapa_handoff_button"]
    with app.test_request_context():
        assert button(Conversation([QuestionAnswer(OTHER, "So."), QuestionAnswer(ASKING, "No.")]))
        assert not button(Conversation([QuestionAnswer(ASKING, "No."), QuestionAnswer(OTHER, "So.")]))


def test_kapas_tag_does_not_have_it(make_app: Callable[..., Flask]) -> None:
    """Kapa's widget does not know it; with no other trigger, its own handoff is left out."""
    both, alone = (
        make_app(KAPA_HANDOFF_TRIGGERS=triggers, name=name)
        for name, triggers in (("both", "asked-for-human,downvote"), ("alone", "asked-for-human"))
    )
    tags = []
    for app in (both, alone):
        with app.test_request_context():
            tags.append(str(app.jinja_env.globals["kapa_widget"]("an-id")))  # type: ignore[operator]
    assert 'data-handoff-triggers="downvote"' in tags[0]
    assert "data-handoff" not in tags[1]
    assert "asked-for-human" not in "".join(tags)
