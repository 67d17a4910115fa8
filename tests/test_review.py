"""POST /review: what a ticket would store, shown before it is sent; and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.testing import change_settings, conversation_of, tickets
from tests.helpers.fields import FIELDS, FILLED
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import EVIL, Page, json_of
from tests.helpers.tickets import PAIR, SECRET, SHAPES, post, refused, send_ticket, ticket_fields

pytestmark = pytest.mark.only("sqlite")

CARD = "4111 1111 1111 1111"
PAIRS: list[dict[str, Any]] = [
    {"id": "a0", "question": f"My card {CARD} is refused", "answer": f"Use `{SECRET}` **now**.", "uncertain": True},
    {
        "question": "And without an id?",
        "answer": "See [there](/docs).",
        "sources": [{"title": "Guide", "url": f"https://e.example/?token={SECRET}"}],
        "reaction": "downvote",
        "comment": f"wrong, {SECRET}",
        "files": ["log.txt"],
    },
    PAIR,
]


def sent(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    return ticket_fields(client, **{"conversation": json.dumps(PAIRS), **fields})


def review(client: FlaskClient, shape: str, fields: dict[str, Any], **headers: str) -> TestResponse:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/handoff/review", data=fields, headers={**SHAPES[shape], **given})


def words(answer: TestResponse) -> str:
    return " ".join(Page(answer.text).text.split())


def test_each_pair_is_shown_as_it_would_be_stored(app: Flask, client: FlaskClient, shape: str) -> None:
    """With its masks in words, and what they hide is in the visitor's own fields alone; nothing is stored."""
    answer = review(client, shape, sent(client, note=f"My token is {SECRET}", email=""))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert tickets(app) == []
    if shape == "json":
        found = json_of(answer)
        assert found["conversation"][0]["question"] == "My card [hidden: card number] is refused"
        assert [pair["key"] for pair in found["conversation"]][::2] == ["a0", None]
        assert found["note"] == "My token is [hidden: GitHub token]"
        assert SECRET not in answer.text
        return
    page = Page(answer.text)
    assert page.elements[0][0] == ("html" if shape == "page" else "details")
    said = words(answer)
    assert "My card card number hidden is refused" in said
    assert "Use GitHub token hidden now." in said
    assert "wrong, GitHub token hidden" in said
    assert "My token is GitHub token hidden" in said
    for mark in ("Flagged as uncertain", "Voted down", "Files: log.txt", "Guide"):
        assert mark in said
    assert "<strong>now</strong>" in answer.text
    inside = answer.text[answer.text.index("<details") : answer.text.rindex("</details>")]
    assert SECRET not in inside
    assert CARD not in inside
    # One box for each pair but the pressed one, described by its question.
    boxes = page.all("input", name="left_out")
    assert boxes[0]["value"] == "a0"
    assert len(boxes) == 2
    assert "card number hidden" in page.texts[boxes[0]["aria-describedby"]]
    assert not any("checked" in box for box in boxes)
    assert said.count("You asked for help here") == 1


def test_what_is_reviewed_is_what_is_stored(make_app: Callable[..., Flask]) -> None:
    """To the letter: the conversation, the note, the fields and the page."""
    app = make_app(KAPA_HANDOFF_FIELDS=FIELDS, KAPA_HANDOFF_REDACT_PATTERNS=[("order", r"\b\d{6}\b")])
    client = app.test_client()
    fields = sent(
        client,
        offer=signed_offer(client, page=f"http://localhost/docs?token={SECRET}"),
        note=f"  {SECRET}\r\nand 123456",
        left_out="a0",
        **{**FILLED, "order": "123456"},
    )
    shown = json_of(review(client, "json", fields))
    assert post(client, "json", fields).status_code == 201
    (ticket,) = tickets(app)
    assert shown["conversation"] == [
        {**pair, "key": key}
        for pair, key in zip(
            conversation_of(app, ticket).as_json(), (pair["key"] for pair in shown["conversation"]), strict=True
        )
    ]
    assert (shown["note"], shown["fields"], shown["page"]) == (ticket.note, ticket.fields, ticket.page)
    assert shown["left_out"] == ticket.left_out == 1
    assert "[hidden: order]" in shown["note"]
    assert SECRET not in json.dumps(shown)


def test_the_page_keeps_everything_that_was_typed(make_app: Callable[..., Flask]) -> None:
    """Without script: the same form, with the review unfolded, no error at a field that is not filled in yet, and the
    boxes as they were ticked. Sending it leaves the ticked pairs out."""
    app = make_app(KAPA_HANDOFF_FIELDS=FIELDS)
    client = app.test_client()
    opened = Page(
        client.post("/handoff/form", data={"offer": signed_offer(client), "conversation": json.dumps(PAIRS)}).text
    )
    button = opened.one("button", formaction="/handoff/review#kapa-handoff-review")
    assert "formnovalidate" in button or "novalidate" in opened.one("form")
    # On Enter, a browser presses the first button.
    assert opened.all("button", type="submit")[0] == {
        "class": "kapa-handoff-trap",
        "type": "submit",
        "tabindex": "-1",
        "aria-hidden": "true",
    }
    typed = {**opened.fields, "note": "Half a note", "email": "ada@", "order": "A-1", "left_out": "a0"}
    answer = review(client, "page", typed)
    page = Page(answer.text)
    assert answer.status_code == 200
    assert {**page.fields, "left_out": "a0"} == typed
    assert "open" in page.one("details", id="kapa-handoff-review")
    assert not page.all("input", aria_invalid="true")
    assert [box["value"] for box in page.all("input", name="left_out") if "checked" in box] == ["a0"]
    # An error: the choice is still there, though the review is folded.
    again = Page(client.post("/handoff/tickets", data=page.fields).text)
    assert again.said_at("email")
    assert again.all("input", type="hidden", name="left_out", value="a0")
    assert "Some of it is left out." in again.text
    assert (
        client.post("/handoff/tickets", data={**again.fields, **FILLED, "email": "ada@example.com"}).status_code == 201
    )
    (ticket,) = tickets(app)
    assert [pair.id for pair in conversation_of(app, ticket).pairs] == [None, "a1"]


def test_the_sites_own_record_is_reviewed(make_app: Callable[..., Flask]) -> None:
    """Where the site keeps the transcript, that is what would be sent; the page says what else is added."""
    handoff = KapaHandoff()
    handoff.conversation_loader(
        lambda thread_id: Conversation((QuestionAnswer("Own?", f"Own: {SECRET}", "x"), QuestionAnswer("Q", "A", "a1")))
    )
    handoff.context_loader(lambda: {"Plan": "secretly churning"})
    client = make_app(handoff=handoff).test_client()
    offer = signed_offer(client, page="http://localhost/docs")
    answer = review(client, "fragment", sent(client, offer=offer))
    said = words(answer)
    assert "Own: GitHub token hidden" in said
    assert "And without an id?" not in said
    assert "We also include the address of the page: http://localhost/docs" in said
    assert "We also include details of your account with us." in said
    assert "churning" not in answer.text


def test_unmasked_texts_are_shown_as_they_are(make_app: Callable[..., Flask]) -> None:
    """With KAPA_HANDOFF_REDACT off, the review promises no mask."""
    client = make_app(KAPA_HANDOFF_REDACT=False).test_client()
    answer = review(client, "fragment", sent(client))
    assert SECRET in answer.text
    assert "<mark" not in answer.text


def test_hostile_texts_stay_texts(app: Flask, client: FlaskClient) -> None:
    """In every place, with what looks like a mask in the worst places."""
    evil = f"[hidden: {EVIL}] [hidden: <img src=x onerror=alert(1)>] {EVIL}"
    pair = {
        "id": EVIL,
        "question": evil,
        "answer": f'{evil} [x](https://a.example/?[hidden:%20x]"onclick=alert(1)) <a title="[hidden: x]">',
        "comment": evil,
        "files": [evil],
        "sources": [
            {"title": evil, "url": "https://a.example/?[hidden: x]"},
            {"title": "x", "url": "javascript:alert(1)"},
        ],
    }
    answer = review(client, "fragment", sent(client, conversation=json.dumps([pair, PAIR]), note=evil, left_out=EVIL))
    page = Page(answer.text)
    tags = {tag for tag, _ in page.elements}
    assert tags <= {
        "details", "summary", "span", "p", "div", "ol", "ul", "li", "mark", "bdi", "label", "input", "code", "a", "br",
        "strong",
    }  # fmt: skip
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all(link["href"].startswith("https://") and link["target"] == "_blank" for link in page.all("a"))
    assert "checked" in page.one("input", name="left_out", value=EVIL)


def test_a_box_that_no_longer_exists_is_no_error(client: FlaskClient) -> None:
    """The review shows what there is now; only sending must not go on."""
    answer = review(client, "fragment", sent(client, left_out=["gone", "a1", "a0"]))
    assert answer.status_code == 200
    assert [box["value"] for box in Page(answer.text).all("input", name="left_out") if "checked" in box] == ["a0"]


def test_a_conversation_that_is_missing_or_broken_is_named(client: FlaskClient, shape: str) -> None:
    """As for a ticket, and the text is kept."""
    for conversation in (None, "[]", '[{"question": 1}]'):
        answer = review(client, shape, sent(client, conversation=conversation))
        assert answer.status_code == 422
        assert "conversation" in answer.text
        if shape == "page":
            assert Page(answer.text).fields["note"] == "It does not work on Tuesdays."


def test_it_must_be_about_the_offered_answer(client: FlaskClient) -> None:
    """As a ticket."""
    answer = review(client, "json", sent(client, conversation=json.dumps(PAIRS[:1])))
    assert answer.status_code == 422
    assert "'a1'" in json_of(answer)["error"]["fields"]["conversation"][0]


def refused_review(
    client: FlaskClient, shape: str, fields: dict[str, Any], status: int, code: str, **headers: str
) -> None:
    answer = review(client, shape, fields, **headers)
    if shape == "fragment":  # the form stays: only the reason is sent
        assert answer.status_code == status, answer.text
        assert answer.text.count("data-kapa-handoff-problem") == 1
        assert "data-kapa-handoff-sent" not in answer.text
    else:
        refused(answer, shape, status, code)
    assert SECRET not in answer.text or shape == "page"


@pytest.mark.parametrize("site", ["https://evil.example", "null"])
def test_other_sites_are_refused(client: FlaskClient, shape: str, site: str) -> None:
    refused_review(client, shape, sent(client), 403, "foreign_origin", Origin=site, Sec_Fetch_Site="cross-site")


def test_it_needs_a_valid_offer(client: FlaskClient, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused_review(client, shape, sent(client, offer="forged"), 403, "offer_invalid")
    refused_review(client, shape, sent(client, offer=old_offer(client, monkeypatch)), 409, "offer_expired")


def test_the_limits_are_those_of_a_ticket(make_app: Callable[..., Flask], shape: str) -> None:
    """Where a ticket would be refused, so is its review: a quota, a desk that is off, too large a body."""
    app = make_app(
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1, KAPA_HANDOFF_MAX_PAIRS=3, KAPA_HANDOFF_MAX_REQUEST_BYTES=20_000
    )
    client = app.test_client()
    fields = sent(client)
    assert review(client, shape, {**fields, "conversation": json.dumps([*PAIRS, PAIR])}).status_code == 413
    assert review(client, shape, {**fields, "note": "x" * 20_000}).status_code == 413
    assert review(client, shape, fields).status_code == 200
    send_ticket(client)
    refused_review(client, shape, fields, 429, "rate_limited")
    change_settings(app, enabled=False)
    refused_review(client, shape, fields, 409, "disabled")


def test_a_review_uses_no_quota(make_app: Callable[..., Flask]) -> None:
    client = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1).test_client()
    fields = sent(client)
    assert {review(client, "json", fields).status_code for _ in range(3)} == {200}
    assert post(client, "json", fields).status_code == 201


def test_a_program_gets_refused_fields_by_name(client: FlaskClient) -> None:
    body = {**sent(client), "unknown": "x"}
    answer = client.post("/handoff/review", json=body)
    assert answer.status_code == 422
    assert list(json_of(answer)["error"]["fields"]) == ["unknown"]


def test_a_huge_conversation_costs_little(client: FlaskClient) -> None:
    """Storing half a megabyte takes longer than rendering so much Markdown as is rendered; the rest is plain text."""
    answers = [f"See [the guide {n}](https://e.example/{n}) and **{n}**." * 60 for n in range(100)]
    pairs = [*({"id": f"p{n}", "question": "Q?", "answer": text} for n, text in enumerate(answers)), PAIR]
    answer = review(client, "fragment", sent(client, conversation=json.dumps(pairs)))
    assert answer.status_code == 200
    rendered = answer.text.count("<a ")
    assert 0 < rendered < 1_000
    assert words(answer).count("[the guide 99](https://e.example/99)") == 60


def test_its_words_are_the_visitors(client: FlaskClient) -> None:
    """Masks, too."""
    answer = review(client, "fragment", sent(client), Accept_Language="de")
    assert "My card Kartennummer ausgeblendet is refused" in words(answer)
    assert "GitHub token ausgeblendet" in words(answer)
    assert "Weglassen" in words(answer)
