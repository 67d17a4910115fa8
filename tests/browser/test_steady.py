"""Nothing moves under a finger: not while the button is asked for, on a vote, or while the form is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, make_response, render_template_string
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.chat import BUTTON, DIALOG, answer, fill_and_send, reference

pytestmark = pytest.mark.only("sqlite")

# What an answer looks like on a real site: its button is followed by more.
PAGE = """<!doctype html>
<html lang="en">
<head><meta name="viewport" content="width=device-width"><title>Chat</title>{{ kapa_handoff_script() }}</head>
<body><p>Answer 1</p><div data-kapa-handoff-slot data-answer-id="a1"></div><p id="after">Answer 2</p>
<div data-kapa-handoff-slot data-answer-id="a2"></div><p>The end</p></body>
</html>"""

# Unlike the metric, these include the shifts right after a press, under the finger.
RECORD = """() => {
    window.shifts = [];
    window.observer = new PerformanceObserver((list) => shifts.push(...list.getEntries()));
    observer.observe({type: "layout-shift"});
}"""
SHIFTS = """() => {
    shifts.push(...observer.takeRecords());
    return shifts.map(({value, sources}) => [value, sources.map(({node}) => node?.outerHTML ?? node?.data)]);
}"""
PLACES = """() => [...document.querySelectorAll("dialog[open] :is(button, .kapa-handoff-input)")].map((shown) => {
    const {x, y, width, height} = shown.getBoundingClientRect();
    return [shown.name || shown.textContent.trim(), x, y, width, height];
})"""
TARGETS = """() => [...document.querySelectorAll(
        "button.kapa-handoff-button, dialog[open] :is(button, summary, .kapa-handoff-input, .kapa-handoff-choice)")]
    .map((one) => one.getBoundingClientRect()).filter(({width}) => width)
    .map(({width, height}) => [width, height])"""
STILL = "() => Promise.all(document.querySelector('dialog').getAnimations().map(({finished}) => finished))"


@pytest.fixture
def phone(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> Callable[..., Page]:
    """Opens a site's chat on a small phone."""

    def open_chat(**config: Any) -> Page:
        site = make_app(**config)
        site.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))

        @site.get("/")
        def chat() -> Any:
            response = make_response(render_template_string(PAGE))
            response.headers["Content-Security-Policy"] = "default-src 'self'"
            return response

        context = open_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
        page = context.new_page()
        page.goto(serve(site))
        return page

    return open_chat


def open_form(page: Page) -> None:
    answer(page)
    page.locator(BUTTON).first.tap()
    expect(page.locator(DIALOG)).to_be_visible()
    page.evaluate(STILL)


def test_from_the_answer_to_the_thanks_nothing_moves(phone: Callable[..., Page]) -> None:
    """Asking for the button, pressing it, sending: the layout does not shift once."""
    page = phone()
    page.evaluate(RECORD)
    answer(page)
    button = page.locator(BUTTON)
    expect(button).to_be_visible()
    button.tap()
    expect(page.locator(DIALOG)).to_be_visible()
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_role("button", name="Send").tap()
    reference(page)
    assert page.evaluate(SHIFTS) == []


def test_a_vote_moves_nothing(phone: Callable[..., Page]) -> None:
    """The button comes and goes in a place that is kept for it, between two answers."""
    page = phone(KAPA_HANDOFF_TRIGGERS="downvote")
    page.evaluate(RECORD)
    place = page.locator("#after").bounding_box()
    for number in (1, 2):
        answer(page, number)
    for vote, shown in (("downvote", 1), (None, 0), ("downvote", 1)):
        page.evaluate("vote => KapaHandoff.vote('a1', vote)", vote)
        expect(page.locator(BUTTON)).to_have_count(shown)
        assert page.locator("#after").bounding_box() == place
    assert page.evaluate(SHIFTS) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_sending_moves_neither_send_nor_cancel(language: str, phone: Callable[..., Page]) -> None:
    """On a narrow screen too, and after a failure, so that a second tap never cancels."""
    page = phone(KAPA_HANDOFF_LANGUAGE=language)
    open_form(page)
    dialog = page.locator(DIALOG)
    held: list[Route] = []
    page.route("**/handoff/tickets", lambda route: held.append(route))
    dialog.locator("[name=email]").fill("visitor@example.com")
    for attempt in (1, 2):
        send = dialog.locator("[type=submit]")
        send.scroll_into_view_if_needed()
        before = page.evaluate(PLACES)
        with page.expect_request("**/handoff/tickets"):
            send.tap()
        expect(dialog.get_by_role("status")).not_to_be_empty()
        assert page.evaluate(PLACES) == before
        if attempt == 1:
            held.pop().abort()
            expect(dialog.get_by_role("alert")).to_be_visible()
    held.pop().continue_()
    reference(page)


def test_correcting_an_error_moves_nothing(phone: Callable[..., Page]) -> None:
    """The error goes while its place stays; until then the focused field has a red ring, and the error an icon."""
    page = phone()
    open_form(page)
    fill_and_send(page, email="nobody")
    email = page.get_by_label("Your email")
    error = page.locator(".kapa-handoff-error")
    expect(email).to_be_focused()
    danger = error.evaluate("error => getComputedStyle(error).color")
    expect(email).to_have_css("outline-color", danger)
    expect(email).to_have_css("outline-style", "solid")
    assert error.evaluate("error => getComputedStyle(error, '::before').content").startswith('"!"')
    before = page.evaluate(PLACES)
    email.press("End")
    email.type("@example.com")
    expect(error).to_be_hidden()
    assert page.evaluate(PLACES) == before


def test_everything_is_large_enough_for_a_finger(phone: Callable[..., Page]) -> None:
    """At least 44 pixels in both directions: the button, the form's buttons and inputs, the line of a checkbox.

    And what comes after sending.
    """
    page = phone(KAPA_HANDOFF_FIELDS=[{"name": "urgent", "label": "Urgent", "kind": "checkbox"}])
    open_form(page)
    page.route("**/handoff/tickets", lambda route: route.abort(), times=1)
    fill_and_send(page)
    expect(page.get_by_role("button", name="Copy your text")).to_be_visible()
    targets = page.evaluate(TARGETS)
    assert len(targets) == 10
    page.get_by_role("button", name="Send", exact=True).click()
    reference(page)
    page.get_by_text("Wrong address?").click()
    after = page.evaluate(TARGETS)
    assert len(after) == 7
    assert all(min(target) >= 44 for target in targets + after), targets + after


@pytest.mark.parametrize(("language", "said"), [("en", "4,500 of 5,000"), ("de", "4.500 von 5.000")])
def test_the_length_of_a_text_is_shown_near_its_limit(language: str, said: str, phone: Callable[..., Page]) -> None:
    """From 90 % of it, announced politely, in its own place; beyond the limit it is marked. An emoji counts once."""
    page = phone(KAPA_HANDOFF_LANGUAGE=language)
    open_form(page)
    note, counter = page.locator("[name=note]"), page.locator("#kapa-handoff-note-count")
    expect(counter).to_have_attribute("aria-live", "polite")
    before = page.evaluate(PLACES)
    note.fill("x" * 4_499)
    expect(counter).to_be_empty()
    note.fill("x" * 4_498 + "😀😀")
    expect(counter).to_have_text(said)
    assert page.evaluate(PLACES) == before
    note.fill("x" * 5_000)
    expect(counter).not_to_contain_class("kapa-handoff-over")
    note.fill("x" * 5_001)
    expect(counter).to_contain_class("kapa-handoff-over")


def test_a_press_beside_a_filled_form_says_why_it_stays(phone: Callable[..., Page]) -> None:
    """An empty form closes."""
    page = phone()
    open_form(page)
    page.get_by_label("Your note").fill("Half a thought")
    before = page.evaluate(PLACES)
    page.touchscreen.tap(4, 4)
    said = page.locator(DIALOG).get_by_text("This stays open so that you don't lose what you typed.")
    expect(said).to_be_in_viewport()
    assert page.evaluate(PLACES) == before
    page.get_by_label("Your note").fill("")
    expect(said).to_have_count(0)
    page.touchscreen.tap(4, 4)
    expect(page.locator(DIALOG)).to_have_count(0)
