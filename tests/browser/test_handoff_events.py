"""What the script tells a page, and what the page asks of it, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat import (
    BUTTON,
    DIALOG,
    answer,
    fill_and_send,
    record_events,
    reference,
    seen,
)

pytestmark = pytest.mark.only("sqlite")


def test_the_events_tell_what_happened(chat: Callable[..., Page]) -> None:
    """before-open, open, cancel and submit come in order, with the conversation, and with the reference at the end."""
    page = chat()
    record_events(page)
    answer(page)
    page.click(BUTTON)
    expect(page.locator(DIALOG)).to_be_visible()
    with page.expect_request("**/handoff/events") as cancelled:
        page.keyboard.press("Escape")
    assert (cancelled.value.post_data_json or {})["event"] == "cancel"
    page.click(BUTTON)
    fill_and_send(page)
    shown = reference(page)
    events = seen(page)
    assert [name for name, _ in events] == ["before-open", "open", "cancel", "before-open", "open", "submit"]
    payload = {
        "threadId": "t1",
        "conversation": [{"questionAnswerId": "a1", "question": "Question 1?", "answer": "Answer *1*."}],
        "desk": "default",
    }
    assert all(detail == payload for name, detail in events if name != "submit")
    assert events[-1][1] == {**payload, "reference": shown}


def test_before_open_can_stop_the_form(chat: Callable[..., Page]) -> None:
    """A page that prevents the event opens something of its own."""
    page = chat()
    answer(page)
    page.evaluate("document.addEventListener('kapa-handoff:before-open', event => event.preventDefault())")
    record_events(page)
    page.click(BUTTON)
    assert [name for name, _ in seen(page)] == ["before-open"]
    expect(page.locator("dialog")).to_have_count(0)


def test_handlers_can_be_added_and_removed(chat: Callable[..., Page]) -> None:
    """on() gives a function that removes the handler; a handler that throws keeps no other from its call."""
    page = chat()
    page.evaluate(
        """() => {
            window.calls = [];
            KapaHandoff.on("open", () => { throw new Error("broken handler"); });
            window.off = KapaHandoff.on("open", () => calls.push("removed"));
            KapaHandoff.on("open", () => calls.push("kept"));
            off();
        }"""
    )
    answer(page)
    page.click(BUTTON)
    expect(page.locator(DIALOG)).to_be_visible()
    assert page.evaluate("calls") == ["kept"]
    assert any("broken handler" in problem for problem in page.problems)  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]


def test_handlers_registered_kapas_way_are_called_once(chat: Callable[..., Page]) -> None:
    """Kapa(…, "add") and "remove" work before Kapa's bundle is there, after it replaced the stub, and without it."""
    page = chat()
    page.evaluate(
        """() => {
            window.calls = [];
            window.first = (payload) => calls.push(["first", payload.threadId]);
            window.removed = () => calls.push(["removed"]);
            window.later = () => calls.push(["later"]);
            Kapa("onAskAIHandoffOpen", first, "add");
            Kapa("onAskAIHandoffOpen", removed, "add");
            // Kapa's bundle arrives and replaces the stub.
            const bundle = (...call) => bundle.got.push(call[0]);
            bundle.got = [];
            window.Kapa = bundle;
            Kapa("onAskAIHandoffOpen", removed, "remove");
            Kapa("onAskAIHandoffOpen", later, "add");
            Kapa("onModalOpen", () => {}, "add");
        }"""
    )
    answer(page)
    page.click(BUTTON)
    expect(page.locator(DIALOG)).to_be_visible()
    assert page.evaluate("calls") == [["first", "t1"], ["later"]]
    assert page.evaluate("Kapa.got") == ["onAskAIHandoffOpen", "onAskAIHandoffOpen", "onModalOpen"]


def test_open_uses_the_current_conversation(chat: Callable[..., Page]) -> None:
    """KapaHandoff.open() opens the form when the answer is offered, and says so; otherwise nothing happens."""
    page = chat(KAPA_HANDOFF_TRIGGERS="downvote")
    assert page.evaluate("KapaHandoff.open()") is False
    answer(page)
    assert page.evaluate("KapaHandoff.open()") is False
    page.evaluate("KapaHandoff.vote('a1', 'downvote')")
    expect(page.locator(BUTTON)).to_be_visible()
    assert page.evaluate("KapaHandoff.open()") is True
    expect(page.locator(DIALOG)).to_be_visible()


def test_a_new_conversation_forgets_the_old_one(chat: Callable[..., Page]) -> None:
    """reset() removes the thread's button, and its pairs do not count any more."""
    page = chat(KAPA_HANDOFF_TRIGGERS="conversation-length", KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD=2)
    answer(page, 1)
    answer(page, 2)
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate("KapaHandoff.reset('t1')")
    expect(page.locator(BUTTON)).to_have_count(0)
    answer(page, 3)
    expect(page.locator(BUTTON)).to_have_count(0)
