"""Where and when the script shows the button, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chat import (
    BUTTON,
    answer,
)

pytestmark = pytest.mark.only("sqlite")


@pytest.mark.parametrize(
    "triggers",
    [
        "always",
        "conversation-length",
        "uncertainty",
        "downvote",
        "uncertainty,downvote",
        "conversation-length,downvote",
    ],
)
def test_the_button_appears_exactly_where_the_triggers_say(chat: Callable[..., Page], triggers: str) -> None:
    """For each kind of answer the button is there or not as a table says."""
    page = chat(KAPA_HANDOFF_TRIGGERS=triggers, KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD=2)
    for pairs, uncertain, downvoted in product((1, 2, 3), (False, True), (False, True)):
        expected = {
            "always": True,
            "conversation-length": pairs >= 2,
            "uncertainty": uncertain,
            "downvote": downvoted,
        }
        page.evaluate("KapaHandoff.reset('t1')")
        for number in range(1, pairs + 1):
            answer(page, number, uncertain=uncertain and number == pairs)
        if downvoted:
            with page.expect_response("**/handoff/offer?*"):
                page.evaluate("id => KapaHandoff.vote(id, 'downvote')", f"a{pairs}")
        count = 1 if any(expected[name] for name in triggers.split(",")) else 0
        expect(page.locator(BUTTON), f"{pairs} {uncertain} {downvoted}").to_have_count(count)


def test_a_downvote_that_is_taken_back_takes_the_button_along(chat: Callable[..., Page]) -> None:
    """Where only the downvote qualified the answer, the button goes with it."""
    page = chat(KAPA_HANDOFF_TRIGGERS="downvote")
    answer(page)
    expect(page.locator(BUTTON)).to_have_count(0)
    page.evaluate("KapaHandoff.vote('a1', 'downvote')")
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("KapaHandoff.vote('a1', null)")
    expect(page.locator(BUTTON)).to_have_count(0)


def test_each_answer_has_its_own_slot(chat: Callable[..., Page]) -> None:
    """A slot with the answer's id gets its button, whichever stands nearer."""
    page = chat(slots=("a1", "a2", "any"))
    answer(page, 1)
    answer(page, 2)
    expect(page.locator("[data-answer-id=a1] " + BUTTON)).to_be_visible()
    expect(page.locator("[data-answer-id=a2] " + BUTTON)).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(2)


def test_without_a_slot_the_button_floats(chat: Callable[..., Page]) -> None:
    """A page without a slot shows the button in a corner above everything."""
    page = chat(slots=())
    answer(page)
    expect(page.locator(".kapa-handoff-floating " + BUTTON)).to_be_visible()
    box, size = page.locator(BUTTON).bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    assert box["x"] + box["width"] > size["width"] - 60
    assert box["y"] + box["height"] > size["height"] - 60


def test_a_late_decision_about_an_older_state_is_dropped(chat: Callable[..., Page]) -> None:
    """When the reply to an earlier question comes last, the newer one stands."""
    page = chat(KAPA_HANDOFF_TRIGGERS="downvote")
    answer(page)
    held: list[Route] = []
    page.route("**/handoff/offer?*downvoted=true*", lambda route: held.append(route))
    with page.expect_request("**/handoff/offer?*downvoted=true*"):
        page.evaluate("KapaHandoff.vote('a1', 'downvote')")
    with page.expect_response("**/handoff/offer?*downvoted=false*"):
        page.evaluate("KapaHandoff.vote('a1', null)")
    with page.expect_response("**/handoff/offer?*downvoted=true*"):
        held[0].continue_()
    expect(page.locator(BUTTON)).to_have_count(0)


def test_the_button_of_an_answer_that_has_left_the_page_appears_nowhere(chat: Callable[..., Page]) -> None:
    """An app takes the answer and its slot away while the decision is still on its way."""
    page = chat(slots=("a1",))
    held: list[Route] = []
    page.route("**/handoff/offer?*", lambda route: held.append(route))
    with page.expect_request("**/handoff/offer?*"):
        page.evaluate("KapaHandoff.answer({threadId: 't1', id: 'a1', question: 'Question?', answer: 'Answer.'})")
    page.evaluate("document.querySelector('[data-kapa-handoff-slot]').remove()")
    with page.expect_response("**/handoff/offer?*"):
        held[0].continue_()
    page.unroute("**/handoff/offer?*")
    answer(page, 2)
    expect(page.locator(BUTTON)).to_have_count(1)
    expect(page.locator("[data-answer-id=a2]")).to_have_count(1)
