"""A human from the start: the form without an answer, and a question that asks for a human."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Request, expect

from flask_kapa_handoff.settings import DeskSettings
from tests.browser.chat import BUTTON, DIALOG, answer, conversation_of, record_events, reference, seen, tickets

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def open_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The admin allows it."""
    monkeypatch.setattr(DeskSettings, "open_directly", True)


@pytest.mark.usefixtures("open_directly")
def test_the_form_opens_without_any_answer(chat: Callable[..., Page]) -> None:
    """The visitor writes the question, corrects what is missing, cancels and goes on, and sends it."""
    page = chat()
    record_events(page)
    assert page.evaluate("KapaHandoff.open()") is True
    dialog = page.locator(DIALOG)
    expect(dialog.get_by_label("How can we help?")).to_be_visible()
    expect(dialog).not_to_contain_text("conversation")
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_role("button", name="Send").click()
    expect(dialog.get_by_text("Please fill this in.")).to_be_visible()
    page.problems.clear()  # type: ignore[attr-defined]  # the 422
    page.get_by_label("How can we help?").fill("Do you offer training?\nWe are 40 people.")
    page.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert page.evaluate("KapaHandoff.open()") is True
    expect(page.get_by_label("How can we help?")).to_have_value("Do you offer training?\nWe are 40 people.")
    page.get_by_role("button", name="Send").click()
    found = reference(page)
    (ticket,) = tickets(page)
    assert (ticket.reference, ticket.subject, conversation_of(page, ticket)) == (found, "Do you offer training?", [])
    assert [name for name, _ in seen(page)] == ["before-open", "open", "cancel", "before-open", "open", "submit"]
    assert seen(page)[-1][1] == {"threadId": "", "conversation": [], "desk": "default", "reference": found}


@pytest.mark.usefixtures("open_directly")
def test_an_answer_that_does_not_qualify_is_included(chat: Callable[..., Page]) -> None:
    """It gets no button, but the site's own button opens the form about it."""
    page = chat(KAPA_HANDOFF_TRIGGERS="downvote")
    answer(page)
    expect(page.locator(BUTTON)).to_have_count(0)
    assert page.evaluate("KapaHandoff.open()") is True
    expect(page.locator(DIALOG)).to_contain_text("We'll include your conversation (1 question)")
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_role("button", name="Send").click()
    reference(page)
    assert [pair["id"] for pair in conversation_of(page, tickets(page)[0])] == ["a1"]


def test_without_the_admins_leave_it_does_not_open(chat: Callable[..., Page]) -> None:
    """The page is told, so that it can show something else."""
    page = chat()
    assert page.evaluate("KapaHandoff.open()") is False
    expect(page.locator(DIALOG)).to_have_count(0)


def test_a_question_for_a_human_gets_the_button(chat: Callable[..., Page]) -> None:
    """The question is posted once the server has said that it wants it, and is never in an address."""
    page = chat(KAPA_HANDOFF_TRIGGERS="asked-for-human")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/handoff/offer" in request.url else None)
    answer(page, 1, question="How do human agents work?")
    expect(page.locator(BUTTON)).to_have_count(0)
    answer(page, 2, question="Can I talk to a human?")
    expect(page.locator(BUTTON)).to_be_visible()
    page.wait_for_function("() => true")
    assert [request.method for request in asked] == ["GET", "POST", "POST"]
    assert parse_qs(asked[-1].post_data or "") == {"question": ["Can I talk to a human?"]}
    assert not [request for request in asked if "human" in request.url]


def test_without_the_trigger_no_question_is_sent(chat: Callable[..., Page]) -> None:
    """The facts are enough."""
    page = chat(KAPA_HANDOFF_TRIGGERS="downvote")
    methods: list[str] = []
    page.on("request", lambda request: methods.append(request.method) if "/handoff/offer" in request.url else None)
    answer(page, 1, question="Can I talk to a human?")
    answer(page, 2, question="Please, a human!")
    assert methods == ["GET", "GET"]
