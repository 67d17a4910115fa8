"""A conversation continues after a reload of the page."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import (
    Site,
    ask,
    ask_by_hand,
    conversation_of,
    hand_off,
    hand_off_by_hand,
    stopped,
    stored,
    wait_until,
)
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import broken_after, pair, source

pytestmark = pytest.mark.only("sqlite")


def test_a_reload_goes_on(site: Site, page: Page, kapa: Answers) -> None:
    """The conversation from before it is in the ticket, votes that come later included; another tab's is not."""
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    first, last = pair(1, sources=[source(1)], uncertain=True), pair(2)
    ask_by_hand(page, kapa, first, is_first=True)
    page.reload()
    wait_until(page, "window.KapaHandoffBridge")
    ask_by_hand(page, kapa, last)
    page.reload()
    wait_until(page, "window.KapaHandoffBridge")
    page.evaluate(
        """() => fetch("https://proxy.kapa.ai/proxy/query/v2/feedback/upsert/", {
            method: "POST", body: JSON.stringify({question_answer: "a1", reaction: "downvote"}),
        })"""
    )
    first.reaction = "downvote"
    page.evaluate(
        """() => fetch("https://proxy.kapa.ai/proxy/query/v2/thread/t9/handoff/", {
            method: "POST", body: JSON.stringify({user_email: "visitor@example.com"}),
        })"""
    )
    assert len(kapa.to("handoff")) == 1
    assert hand_off_by_hand(page) == 201
    assert conversation_of(site) == stored(first, last)


def test_a_reload_in_the_middle_of_an_answer_keeps_what_was_there(site: Site, page: Page, kapa: Answers) -> None:
    """The answer that the visitor saw begin is in the transcript, stopped."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    half = stopped(2, "It begins")
    kapa.streams[half.question] = [broken_after(half, half.answer, threading.Event())]
    page.evaluate("question => { asked = ask(question); }", half.question)
    wait_until(page, "chat.isGeneratingAnswer")
    page.reload()
    wait_until(page, "window.chat")
    ask_by_hand(page, kapa, pair(3))
    assert hand_off_by_hand(page) == 201
    assert conversation_of(site) == stored(pair(1), half, pair(3))


def test_a_full_storage_affects_only_reloads(site: Site, page: Page, kapa: Answers) -> None:
    """If the browser stores nothing, the handoff of this page's conversation still works."""
    page.add_init_script(
        "for (let size = 5e6; size >= 1; size /= 2) try { sessionStorage['x' + size] = 'x'.repeat(size); } catch {}"
    )
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1), pair(2))
    assert hand_off(page) == {"resolved": None}
    assert conversation_of(site) == stored(pair(1), pair(2))
