"""Pairs that a visitor leaves out of a ticket: they are nowhere, and everything else goes on as before."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Submission
from flask_kapa_handoff.left_out import key_of
from flask_kapa_handoff.testing import conversation_of, tickets
from tests.helpers.commands import invoke
from tests.helpers.mails import body, read
from tests.helpers.offers import own_offer, signed_offer
from tests.helpers.pages import FRAGMENT, Page, json_of
from tests.helpers.servers import MailServer
from tests.helpers.tickets import SECRET, post, post_json, send_ticket, ticket_fields

sqlite = pytest.mark.only("sqlite")

MARKER = "Zwetschgendatschi"
CHANGED = "The conversation has changed since you chose what to leave out."


def pairs(*numbers: int, has_ids: bool = True) -> list[dict[str, Any]]:
    return [
        {**({"id": f"a{n}"} if has_ids else {}), "question": f"Question {n}?", "answer": f"Answer {n}."}
        for n in numbers
    ]


def key(pair: dict[str, Any]) -> str:
    return key_of(QuestionAnswer(**pair))


def fields_of(client: FlaskClient, conversation: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    offer = fields.pop("offer", None) or signed_offer(
        client, pairs=len(conversation), answer_id=conversation[-1].get("id", "")
    )
    return ticket_fields(client, offer=offer, conversation=json.dumps(conversation), **fields)


def questions(app: Flask) -> list[str]:
    return [pair.question for pair in conversation_of(app, tickets(app)[-1]).pairs]


@pytest.mark.parametrize("has_ids", [True, False])
def test_a_pair_is_left_out_by_its_id_or_by_its_text(
    app: Flask, client: FlaskClient, shape: str, has_ids: bool
) -> None:
    """The others keep their order; the ticket says how many are missing, though the offer counted all of them."""
    conversation = pairs(1, 2, 3, 4, has_ids=has_ids)
    answer = post(client, shape, fields_of(client, conversation, left_out=[key(conversation[n]) for n in (0, 2)]))
    assert answer.status_code == 201
    assert questions(app) == ["Question 2?", "Question 4?"]
    (ticket,) = tickets(app)
    assert (ticket.left_out, ticket.pairs, ticket.subject) == (2, 2, "Question 4?")


@sqlite
def test_json_has_a_list(app: Flask, client: FlaskClient) -> None:
    fields = fields_of(client, pairs(1, 2, 3))
    assert post_json(client, {**fields, "left_out": ["a1", "a2"]}).status_code == 201
    assert questions(app) == ["Question 3?"]
    wrongs: list[Any] = [[1], {"a1": True}, True]
    for wrong in wrongs:
        answer = post_json(client, {**fields, "left_out": wrong})
        assert json_of(answer)["error"]["fields"] == {"left_out": ["Must be a list of ids."]}


@sqlite
def test_pairs_with_the_same_text_are_left_out_together(app: Flask, client: FlaskClient) -> None:
    """Without ids they cannot be told apart, and the visitor has said that this text is not to be sent."""
    conversation = [*pairs(1, 1, 2, has_ids=False)]
    send_ticket(client, conversation=json.dumps(conversation), left_out=key(conversation[0]))
    assert questions(app) == ["Question 2?"]
    assert tickets(app)[0].left_out == 2


@sqlite
@pytest.mark.parametrize(
    "left_out",
    [["gone"], ["a3"], ["a1", "gone"], ["a1", "a2", "a3"], ["x" * 100_000], [f"id-{n}" for n in range(250)]],
    ids=["unknown", "pressed", "one unknown", "all", "long", "many"],
)
def test_nothing_is_sent_if_a_choice_cannot_be_followed(
    app: Flask, client: FlaskClient, shape: str, left_out: list[str]
) -> None:
    """The pair may have changed since: the visitor looks again, and the text and the choice are kept."""
    answer = post(client, shape, fields_of(client, pairs(1, 2, 3), left_out=left_out))
    assert answer.status_code == 422
    assert tickets(app) == []
    if shape == "json":
        (message,) = json_of(answer)["error"]["fields"]["left_out"]
        assert message.startswith(CHANGED)
        return
    page = Page(answer.text)
    assert CHANGED in page.text
    assert page.fields["note"] == "It does not work on Tuesdays."
    kept = [found["value"] for found in page.all("input", name="left_out", type="hidden")]
    assert kept == (left_out if shape == "page" else [])


@sqlite
def test_all_but_one_of_the_most_pairs_can_be_left_out(app: Flask, client: FlaskClient) -> None:
    """A form has a field for each."""
    conversation = pairs(*range(1, 201))
    left_out = [pair["id"] for pair in conversation[:-1]]
    assert post(client, "page", fields_of(client, conversation, left_out=left_out)).status_code == 201
    assert (questions(app), tickets(app)[0].left_out) == (["Question 200?"], 199)


@sqlite
def test_the_pressed_pair_stays_wherever_it_is(app: Flask, client: FlaskClient) -> None:
    """Also if an older pair has its id."""
    conversation = [{**pairs(1)[0], "id": "a2"}, *pairs(2, 3)]
    offer = signed_offer(client, pairs=3, answer_id="a2")
    send_ticket(client, offer=offer, conversation=json.dumps(conversation), left_out=["a2", "a3"])
    assert questions(app) == ["Question 2?"]
    assert tickets(app)[0].subject == "Question 2?"


@sqlite
def test_the_offered_answer_must_still_be_in_it(client: FlaskClient) -> None:
    """Leaving out does not help a page that sends another conversation."""
    fields = fields_of(client, pairs(1, 2), offer=signed_offer(client, pairs=2, answer_id="a9"), left_out="a1")
    assert "'a9'" in json_of(post(client, "json", fields))["error"]["fields"]["conversation"][0]
    few = fields_of(client, pairs(1, 2), offer=signed_offer(client, pairs=3, answer_id="a2"), left_out="a1")
    assert "opened for 3" in json_of(post(client, "json", few))["error"]["fields"]["conversation"][0]


# --- the site's own record -------------------------------------------------------------------------------------------


class Record:
    """A site that keeps the transcript, which may grow."""

    def __init__(self, make_app: Callable[..., Flask]) -> None:
        handoff = KapaHandoff()
        self.pairs = [QuestionAnswer(f"Own {n}?", f"Own answer {n}.", f"a{n}") for n in (1, 2, 3)]
        handoff.conversation_loader(lambda thread_id: Conversation(self.pairs, thread_id))
        self.app = make_app(handoff=handoff)
        self.client = self.app.test_client()


@pytest.fixture
def record(make_app: Callable[..., Flask]) -> Record:
    return Record(make_app)


def test_the_sites_record_is_sent_without_them(record: Record) -> None:
    fields = fields_of(record.client, pairs(1, 2, 3), left_out="a2")
    record.pairs.append(QuestionAnswer("Own 4?", "Own answer 4.", "a4"))
    assert post(record.client, "json", fields).status_code == 201
    assert questions(record.app) == ["Own 1?", "Own 3?", "Own 4?"]
    (ticket,) = tickets(record.app)
    assert (ticket.left_out, ticket.transcript_source) == (1, "site")


@sqlite
def test_nothing_is_sent_if_the_record_has_lost_the_pair(record: Record) -> None:
    """Its text may be there under another id."""
    fields = fields_of(record.client, pairs(1, 2, 3), left_out="a2")
    record.pairs[1] = QuestionAnswer("Own 2?", "Own answer 2.", "other")
    assert post(record.client, "json", fields).status_code == 422
    assert tickets(record.app) == []


# --- the same form twice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [False, True], ids=["browser", "site"])
def test_another_choice_is_another_content(app: Flask, record: Record, keeps: bool) -> None:
    """Also where the site keeps the transcript, of which only the thread counts."""
    site, client = (record.app, record.client) if keeps else (app, app.test_client())
    fields = fields_of(client, pairs(1, 2, 3), left_out="a1")
    assert post(client, "json", fields).status_code == 201
    record.pairs.append(QuestionAnswer("Own 4?", "Own answer 4.", "a4"))
    assert post(client, "json", fields).status_code == 200
    for other in ("a2", ["a1", "a2"], []):
        assert post(client, "json", {**fields, "left_out": other}).status_code == 409
    assert len(tickets(site)) == 1


# --- follow-ups ------------------------------------------------------------------------------------------------------


@sqlite
def test_a_pair_that_was_left_out_is_new_in_a_follow_up(app: Flask, client: FlaskClient) -> None:
    """Only what the previous ticket had counts as sent before."""
    for conversation, left_out in ((pairs(1, 2, 3), ["a2"]), (pairs(1, 2, 3, 4), []), (pairs(1, 2, 3, 4, 5), ["a1"])):
        assert post(client, "json", fields_of(client, conversation, left_out=left_out)).status_code == 201
    third, second, first = sorted(tickets(app), key=lambda ticket: ticket.id, reverse=True)
    assert (first.earlier_pairs, second.earlier_pairs, third.earlier_pairs) == (0, 1, 3)
    assert (second.follows, third.follows) == (first.id, second.id)


# --- what agents read ------------------------------------------------------------------------------------------------


@sqlite
@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(
    ("count", "said"),
    [(0, ""), (1, "1 question left out by the visitor."), (2, "2 questions left out by the visitor.")],
)
def test_the_mail_says_how_many(write: Callable[..., bytes], kind: str, count: int, said: str) -> None:
    """After whose word the transcript is."""
    text = body(write(left_out=count), kind)
    if count:
        assert text.index("could have been altered.") < text.index(said)
    assert text.count("left out by the visitor") == bool(count)


@sqlite
def test_every_other_place_says_so_too(admin_app: Callable[..., Flask]) -> None:
    """The attachment, the ticket's page and the export."""
    app = admin_app()
    client = app.test_client()
    assert post(client, "json", fields_of(client, pairs(1, 2, 3), left_out=["a1", "a2"])).status_code == 201
    (ticket,) = tickets(app)
    assert "2 questions left out by the visitor." in client.get(f"/handoff/admin/tickets/{ticket.reference}").text
    exported = json.loads(invoke(app, "export").output)
    assert exported["left_out"] == 2
    assert len(exported["conversation"]) == 1


# --- nowhere else ----------------------------------------------------------------------------------------------------


@sqlite
def test_what_was_left_out_or_masked_is_nowhere(
    make_app: Callable[..., Flask],
    mail_server: MailServer,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """In no row, file, log or mail, whatever happens on the way: reviewed, refused, sent, sent again, followed up; and
    the site's own filter does not get it."""
    caplog.set_level(logging.DEBUG)
    handoff, filtered = KapaHandoff(), []

    @handoff.ticket_filter
    def check(submission: Submission) -> None:
        filtered.append(repr(submission))

    app = make_app(handoff=handoff, KAPA_HANDOFF_DELIVERY="inline", MAIL_PORT=mail_server.port)
    client = app.test_client()
    hidden = {"question": f"About {MARKER}?", "answer": f"{MARKER}!", "comment": MARKER, "files": [MARKER],
              "sources": [{"title": MARKER, "url": f"https://e.example/{MARKER}"}]}  # fmt: skip
    by_text = {**hidden, "question": f"{MARKER} without an id"}
    masked = {"id": "a3", "question": f"Is {SECRET} fine?", "answer": f"Yes, {SECRET}."}
    conversation: list[dict[str, Any]] = [{**hidden, "id": "a1"}, by_text, masked]
    text_key = key({"question": by_text["question"], "answer": by_text["answer"]})
    for number in (1, 2):
        offer = own_offer(client, signed_offer(client, pairs=3, answer_id="a3"))
        fields = fields_of(client, conversation, offer=offer, left_out=["a1", text_key], note=f"{number}: {SECRET}")
        for headers in ({}, FRAGMENT, {"Accept": "application/json"}):
            assert client.post("/handoff/review", data=fields, headers=headers).status_code == 200
        assert client.post("/handoff/tickets", data={**fields, "email": "no"}).status_code == 422
        assert client.post("/handoff/tickets", data={**fields, "left_out": ["a1", "gone"]}).status_code == 422
        assert [post(client, "json", fields).status_code for _ in range(2)] == [201, 200]
        assert post(client, "json", {**fields, "left_out": []}).status_code == 409
    mails = mail_server.wait_for(2)
    assert [ticket.left_out for ticket in tickets(app)] == [2, 2]
    assert len(filtered) == 2
    assert not any(MARKER in one for one in filtered)

    places = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.suffix == ".sqlite3" for path in places)
    assert any(b"[hidden: GitHub token]" in data for data in places.values())
    for mail in mails:
        message = read(mail.data)
        assert "[hidden: GitHub token]" in body(mail.data, "plain")
        attached = next(part for part in message.walk() if part.get_filename() == "conversation.json")
        assert json.loads(attached.get_content())["left_out"] == 2
        parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
        places[Path(str(uuid.uuid4()))] = b"".join([mail.data, *(part for part in parts if isinstance(part, bytes))])
    places[Path("log")] = caplog.text.encode()
    for path, data in places.items():
        for marker in (MARKER, SECRET, text_key):
            assert marker.encode() not in data, path
