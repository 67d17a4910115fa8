"""Answers of many kinds and languages: every word that a reader finds in them is in the mail and on the admin page.

What they are and where they come from: tests/data/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from flask_kapa_handoff.conversation import QuestionAnswer
from flask_kapa_handoff.text import clean_text, visible
from tests.helpers.mails import body
from tests.helpers.markdown_reader import MarkdownReader, PageReader
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

PAGE = "https://docs.acme.example/guides/keys.html"
A_MAIL, A_TICKET = 10, 60  # pairs


@pytest.fixture(scope="module")
def answers() -> dict[str, list[str]]:
    """The words of each answer, by its text."""
    data = json.loads(Path(__file__).with_name("data").joinpath("answers.json").read_text("utf-8"))
    texts = [visible(clean_text(answer["text"])) for answer in data["answers"]]
    return {text: MarkdownReader(text, PAGE).words for text in texts}


def test_the_corpus_is_large(answers: dict[str, list[str]]) -> None:
    """Three hundred answers and more, each with words."""
    assert len(answers) >= 300
    assert all(answers.values())


def test_mails_have_the_words_of_the_answers(write: Callable[..., bytes], answers: dict[str, list[str]]) -> None:
    """No word is lost, added or joined to another one, and nothing in the HTML could act."""
    for texts in _parts(answers, A_MAIL):
        pairs = [QuestionAnswer(f"Question {number}?", text) for number, text in enumerate(texts)]
        page = PageReader(body(write(pairs=pairs, page=PAGE), "html"), "answer")
        assert [text for text in texts if answers[text] not in page.texts] == []
        assert page.active == []


def test_admin_pages_have_the_words_of_the_answers(
    admin_app: Callable[..., Flask], answers: dict[str, list[str]]
) -> None:
    """The same on the tickets' pages."""
    client = admin_app(KAPA_HANDOFF_REDACT=False).test_client()
    for texts in _parts(answers, A_TICKET):
        pairs = [{"question": f"Question {number}?", "answer": text} for number, text in enumerate(texts)]
        offer = signed_offer(client, page=PAGE)
        reference = send_ticket(client, offer=offer, conversation=json.dumps(pairs))
        page = PageReader(client.get(f"/handoff/admin/tickets/{reference}").text, "handoff-answer")
        assert [text for text in texts if answers[text] not in page.texts] == []
        assert page.active == []


def _parts(answers: dict[str, list[str]], size: int) -> list[list[str]]:
    texts = list(answers)
    return [texts[start : start + size] for start in range(0, len(texts), size)]
