"""The review in a real browser: what the form shows before it sends, and what a visitor leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from flask_kapa_handoff import Conversation, QuestionAnswer
from flask_kapa_handoff.testing import conversation_of as stored
from flask_kapa_handoff.testing import tickets as all_tickets
from tests.browser.chat import BUTTON, DIALOG, add_chat, answer, conversation_of, fill_and_send, reference, tickets

pytestmark = pytest.mark.only("sqlite")

CARD = "4111 1111 1111 1111"


def unfold(form: Locator) -> Locator:
    form.get_by_text("Review what we'll send").click()
    return form.locator("[data-kapa-handoff-sent]")


def box(form: Locator, question: str) -> Locator:
    """The box of a pair, as a screen reader names it."""
    return form.locator(".kapa-handoff-pair", has_text=question).get_by_role("checkbox", name="Leave this out")


def test_a_visitor_reviews_and_leaves_out(chat: Callable[..., Page]) -> None:
    """It is asked for once it is unfolded. The choice survives a wrong address, Escape and a new answer, and
    the review shows what would be sent now."""
    page = chat()
    answer(page, 1, question=f"My card {CARD}?")
    answer(page, 2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.locator(BUTTON).click()
    dialog = page.locator(DIALOG)
    expect(dialog.locator("details.kapa-handoff-review")).not_to_have_attribute("open", "")
    assert "review" not in asked

    review = unfold(dialog)
    expect(review).to_contain_text("My card card number hidden?")
    expect(review.locator("em")).to_have_text(["1", "2"])
    expect(review.get_by_role("checkbox")).to_have_count(1)
    expect(box(dialog, "My card")).to_have_accessible_description("My card card number hidden?")
    expect(dialog.get_by_text("Some of it is left out.")).to_be_hidden()
    box(dialog, "My card").check()
    expect(dialog.get_by_text("Some of it is left out.")).to_be_visible()

    fill_and_send(page, email="wrong")
    expect(dialog.get_by_label("Your email")).to_have_attribute("aria-invalid", "true")
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of the 422
    expect(box(dialog, "My card")).to_be_hidden()
    page.keyboard.press("Escape")
    answer(page, 3)
    page.locator(BUTTON).click()
    review = unfold(dialog)
    expect(review.get_by_role("checkbox")).to_have_count(2)
    expect(box(dialog, "My card")).to_be_checked()
    expect(box(dialog, "Question 2")).not_to_be_checked()
    fill_and_send(page)
    reference(page)
    (ticket,) = tickets(page)
    assert ticket.left_out == 1
    assert [pair["id"] for pair in conversation_of(page, ticket)] == ["a2", "a3"]


def test_a_review_that_fails_loses_no_choice(chat: Callable[..., Page]) -> None:
    """Offline or refused: the review says so, and what was ticked before, or while it loaded, is still ticked."""
    page = chat()
    answer(page, 1)
    answer(page, 2)
    answer(page, 3)
    page.locator(BUTTON).click()
    dialog = page.locator(DIALOG)
    unfold(dialog)
    box(dialog, "Question 1").check()
    for fail, said in (
        (lambda route: route.abort(), "We couldn't load this."),
        (lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"), "We couldn't load this."),
        (
            lambda route: route.continue_(
                post_data=json.dumps({**json.loads(route.request.post_data), "conversation": "broken"})
            ),
            "Some fields need another look. conversation: must be JSON",
        ),
    ):
        unfold(dialog)
        page.route("**/handoff/review", fail)
        unfold(dialog)
        expect(dialog.locator(".kapa-handoff-review > [aria-live]")).to_contain_text(said)
        expect(box(dialog, "Question 1")).to_be_checked()
        page.unroute("**/handoff/review")
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of these failures

    waiting: list[Route] = []
    page.route("**/handoff/review", lambda route: waiting.append(route))
    unfold(dialog)
    with page.expect_request("**/handoff/review"):
        unfold(dialog)
    expect(dialog.get_by_text("Loading…")).to_be_visible()
    box(dialog, "Question 2").check()
    waiting[0].continue_()
    expect(dialog.get_by_text("Loading…")).to_have_count(0)
    expect(box(dialog, "Question 1")).to_be_checked()
    expect(box(dialog, "Question 2")).to_be_checked()
    fill_and_send(page)
    reference(page)
    assert [pair["id"] for pair in conversation_of(page, tickets(page)[0])] == ["a3"]


def test_the_page_without_script_reviews_too(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """What was typed stays, the review is in view, and Enter sends."""
    site = add_chat(make_app())
    conversation = Conversation([QuestionAnswer(f"Question {n}?", f"Answer {n}. " * 200, f"a{n}") for n in (1, 2, 3)])
    site.add_url_rule(
        "/rendered",
        "rendered",
        lambda: render_template_string("<!doctype html>{{ kapa_handoff_button(pairs) }}", pairs=conversation),
    )
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{serve(site)}/rendered")
    page.locator(BUTTON).click()
    form = page.locator("form.kapa-handoff-form")
    form.get_by_label("Your note").fill("Half a note")
    form.get_by_role("button", name="Review what we'll send").click()
    expect(form.locator("#kapa-handoff-review")).to_be_in_viewport()
    expect(form.get_by_label("Your note")).to_have_value("Half a note")
    expect(form.locator("[aria-invalid]")).to_have_count(0)
    box(form, "Question 2").check()
    form.get_by_label("Your email").fill("ada@example.com")
    form.get_by_label("Your email").press("Enter")
    expect(page.locator(".kapa-handoff-reference")).to_be_visible()
    (ticket,) = all_tickets(site)
    assert [pair.id for pair in stored(site, ticket).pairs] == ["a1", "a3"]
    assert ticket.note == "Half a note"
