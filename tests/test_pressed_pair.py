"""The question under which the visitor asked for help: it names the ticket and stands first, wherever it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.testing import tickets
from tests.helpers.commands import invoke
from tests.helpers.mails import body, read
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

SIX = [
    {"id": f"a{number}", "question": f"Question {number}?", "answer": f"Answer {number}."} for number in range(1, 7)
]
PAIRS = [QuestionAnswer(pair["question"], pair["answer"], pair["id"]) for pair in SIX]


def send(app: Flask, answer_id: str | None, conversation: list[dict[str, Any]]) -> str:
    client = app.test_client()
    offer = signed_offer(client, pairs=len(conversation), answer_id=answer_id)
    return send_ticket(client, offer=offer, conversation=json.dumps(conversation))


@pytest.mark.parametrize(
    ("answer_id", "conversation", "subject"),
    [
        ("a6", SIX, "Question 6?"),
        ("a4", SIX, "Question 4?"),
        (None, SIX, "Question 6?"),
        ("a9", [{**pair, "id": None} for pair in SIX], "Question 6?"),
        ("a2", [SIX[0], {**SIX[1], "question": "again"}, {**SIX[1], "question": "and again"}], "and again"),
        ("a2", [SIX[0], {**SIX[1], "question": " "}, SIX[2]], "Question 1?"),
        ("a1", [{**SIX[0], "question": ""}, SIX[1]], "Question 2?"),
        ("a1", [{**SIX[0], "question": ""}], ""),
    ],
)
def test_the_pressed_question_names_the_ticket(
    app: Flask, answer_id: str | None, conversation: list[dict[str, Any]], subject: str
) -> None:
    """Not the first one; the last one if nobody knows better, and another one only if it has no text."""
    send(app, answer_id, conversation)
    assert tickets(app)[0].subject == subject


def test_the_admin_pages_show_it_first(make_app: Callable[..., Flask]) -> None:
    """In the list, as the title of the ticket's page, above the conversation, and marked in it."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view))
    reference = send(app, "a4", SIX)
    client = app.test_client()
    assert ">Question 4?</a>" in client.get("/handoff/admin/tickets").text
    page = client.get(f"/handoff/admin/tickets/{reference}").text
    assert '<h1 dir="auto">Question 4?</h1>' in page
    assert page.count("Asked for help here") == 2
    assert page.index("Answer 4.") < page.index("Question 1?") < page.index("Answer 3.") < page.index("Answer 5.")
    marked = page[page.index("Answer 3.") : page.index("Answer 5.")]
    assert marked.index("Asked for help here") < marked.index("Question 4?")
    assert page.count("Answer 4.") == 1
    assert "Question 4?" in invoke(app, "tickets").output


def test_the_admin_page_of_one_question_shows_it_once(make_app: Callable[..., Flask]) -> None:
    """There is no conversation around it."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: view))
    page = app.test_client().get(f"/handoff/admin/tickets/{send(app, 'a1', SIX[:1])}").text
    assert page.count("Answer 1.") == 1
    assert "kapa-handoff-admin-transcript-title" not in page


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(("answer_id", "pressed"), [("a4", 4), ("a1", 1), (None, 6)])
def test_the_mail_shows_it_first_and_marked(
    write: Callable[..., bytes], kind: str, answer_id: str | None, pressed: int
) -> None:
    """Its answer once, at the top; in the conversation its question has the mark."""
    text = body(write(pairs=PAIRS, answer_id=answer_id), kind)
    text = text[text.index("sked for help here") :]
    assert f"{pressed} of 6" in text
    first, rest = text.split("The conversation", 1)
    assert first.index(f"Question {pressed}?") < first.index(f"Answer {pressed}.")
    assert f"Answer {pressed}." not in rest
    others = [number for number in range(1, 7) if number != pressed]
    places = [rest.index(f"Answer {number}.") for number in others]
    assert places == sorted(places)
    assert [rest.count(f"Question {number}?") for number in range(1, 7)] == [1] * 6
    assert rest.count("sked for help here (see above)") == 1
    assert rest[: rest.index(f"Question {pressed}?")].count("Question") == pressed - 1


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_one_question_is_shown_once(write: Callable[..., bytes], kind: str) -> None:
    """No conversation below it, and no count."""
    text = body(write(pairs=PAIRS[:1]), kind)
    assert text.count("Answer 1.") == 1
    assert "The conversation" not in text
    assert "1 of 1" not in text


def test_the_order_of_the_mail(write: Callable[..., bytes]) -> None:
    """Note, address, fields, context, reason, page, reference, the pressed pair, the others, whose word it is."""
    data = write(
        pairs=PAIRS,
        answer_id="a4",
        note="NOTE",
        fields={"order": "FIELD"},
        context={"Plan": "CONTEXT"},
        page="https://docs.example.com/PAGE",
    )
    words = ["NOTE", "visitor@example.net", "FIELD", "CONTEXT", "flagged as uncertain", "PAGE", "Ticket", "Answer 4."]
    words += ["Answer 1.", "Answer 6.", "browser sent"]
    for kind in ("plain", "html"):
        text = body(data, kind)
        text = text[text.find("<body") :] if kind == "html" else text
        places = [text.index(word) for word in words]
        assert places == sorted(places), kind


def test_the_subject_is_the_tickets(write: Callable[..., bytes]) -> None:
    """The header has what the lists show."""
    assert read(write(subject="Question 4?", pairs=PAIRS))["Subject"] == "[Docs] T-7F3K2Q: Question 4?"


def test_the_pressed_pair_is_found_by_its_id() -> None:
    """The last one that has it, since an answer may be given again."""
    conversation = Conversation((*PAIRS, PAIRS[1]))
    assert [conversation.pressed(found) for found in ("a1", "a2", "a9", None)] == [0, 6, 6, 6]
