"""Handlers that are registered as Kapa documents it get each handoff event once, whichever form is shown."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kapa.conftest import Site, ask, hand_off, press_and_send
from tests.browser.kapa.pages import REMOVED
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair

pytestmark = pytest.mark.only("sqlite")

REGISTER = """() => {
    window.late = [];
    for (const name of ["Open", "Submit", "Cancel"])
        Kapa("onAskAIHandoff" + name, (detail) => late.push([name, detail]), "add");
}"""
SEND = "widget.sendForm({userEmail: 'visitor@example.com', note: 'Please help.'})"


def names(page: Page, which: str) -> list[str]:
    return [name for name, _ in page.evaluate(which)]


NATIVE = {
    "the widget's tag alone": ("widget", "early"),
    "beside our script": ("script", "widget", "early"),
    "our script after it": ("widget", "early", "script"),
    "beside a bridge": ("takeover", "widget", "early"),
}


@pytest.mark.parametrize("parts", NATIVE.values(), ids=NATIVE)
def test_the_widgets_own_form_fires_each_event_once(
    parts: tuple[str, ...], site: Site, page: Page, kapa: Answers
) -> None:
    """Handlers from before the bundle and from after it: open, cancel, open, submit, and no second submit of ours."""
    site.open(page, *parts)
    page.evaluate(REGISTER)
    ask(page, kapa, pair(1))
    page.evaluate("widget.openForm(); widget.closeForm(); widget.openForm();")
    assert page.evaluate(SEND) == {"resolved": None}
    assert names(page, "early") == names(page, "late") == ["Open", "Cancel", "Open", "Submit"]
    _, detail = page.evaluate("early.at(-1)")
    assert detail["threadId"] == "t1"
    assert [said["questionAnswerId"] for said in detail["conversation"]] == ["a1"]
    assert len(site.tickets()) == 1


def test_the_widgets_submit_event_comes_when_kapa_accepted_it(site: Site, page: Page, kapa: Answers) -> None:
    """Once, also if the site failed; not at all if both did."""
    site.open(page, "widget", "early")
    ask(page, kapa, pair(1))
    site.instead["tickets"] = lambda: ("", 500)
    assert page.evaluate(SEND) == {"resolved": None}
    assert names(page, "early") == ["Submit"]
    kapa.statuses["handoff"] = [500]
    assert page.evaluate(SEND)["rejected"] == "Error"
    assert names(page, "early") == ["Submit"]
    page.problems.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("parts", [("takeover", "early", "chat"), ("chat", "takeover", "early")])
def test_with_the_sdk_alone_the_submit_event_comes_once(
    parts: tuple[str, ...], site: Site, page: Page, kapa: Answers
) -> None:
    """With the ticket's reference; the SDK itself has no such event."""
    site.open(page, *parts)
    page.evaluate(REGISTER)
    page.evaluate("document.addEventListener('kapa-handoff:submit', ({detail}) => { told = detail; })")
    ask(page, kapa, pair(1), pair(2))
    assert hand_off(page) == {"resolved": None}
    (ticket,) = site.tickets()
    detail = {
        "threadId": "t1",
        "desk": "default",
        "reference": ticket.reference,
        "conversation": [
            {"questionAnswerId": each.id, "question": each.question, "answer": each.answer}
            for each in (pair(1), pair(2))
        ],
    }
    assert page.evaluate("early") == page.evaluate("late") == [["Submit", detail]]
    assert page.evaluate("told") == detail


def test_with_the_sdk_alone_kapas_tickets_fire_no_event(site: Site, page: Page, kapa: Answers) -> None:
    """Neither tickets that went on to Kapa nor refused ones."""
    site.open(page, "takeover", "early", "chat")
    ask(page, kapa, pair(1))
    site.instead["tickets"] = lambda: ("", 500)
    assert hand_off(page) == {"resolved": None}
    del site.instead["tickets"]
    assert hand_off(page, email="not an address")["rejected"] == "Error"
    assert page.evaluate("early") == []
    page.problems.clear()  # type: ignore[attr-defined]


OWN = {"the widget": ("button", "bare-widget", "early"), "the SDK": ("button", "early", "chat")}


@pytest.mark.parametrize("parts", OWN.values(), ids=OWN)
def test_our_own_form_fires_each_event_once(parts: tuple[str, ...], site: Site, page: Page, kapa: Answers) -> None:
    """Opened, closed, opened again and sent: the same names, with our own payload."""
    site.open(page, *parts)
    page.evaluate(REGISTER)
    ask(page, kapa, pair(1))
    page.click("button.kapa-handoff-button")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    reference = press_and_send(page, "a1")
    assert names(page, "early") == names(page, "late") == ["Open", "Cancel", "Open", "Submit"]
    _, detail = page.evaluate("late.at(-1)")
    assert (detail["threadId"], detail["desk"], detail["reference"]) == ("t1", "default", reference)
    assert detail["conversation"] == [
        {"questionAnswerId": "a1", "question": pair(1).question, "answer": pair(1).answer}
    ]


@pytest.mark.parametrize(
    "parts", [("widget", "removed"), ("takeover", "removed", "chat"), ("button", "removed", "chat")]
)
def test_a_handler_that_was_removed_is_not_called(
    parts: tuple[str, ...], site: Site, page: Page, kapa: Answers
) -> None:
    """Whether it was removed in the queue, before the bundle loaded, or afterwards."""
    site.open(page, *parts)
    page.evaluate(
        "() => {" + REMOVED.replace("window.removed", "window.afterwards").replace("removed.", "afterwards.") + "}"
    )
    ask(page, kapa, pair(1))
    if "widget" in parts:
        page.evaluate(SEND)
    elif "button" in parts:
        press_and_send(page, "a1")
    else:
        hand_off(page)
    assert len(site.tickets()) == 1
    assert page.evaluate("[removed, afterwards]") == [[], []]


def test_a_handler_that_throws_breaks_nothing(site: Site, page: Page, kapa: Answers) -> None:
    """The ticket is sent, the promise resolves, and the next handler is called."""
    site.open(page, "takeover", "chat")
    page.evaluate("Kapa('onAskAIHandoffSubmit', () => { throw new RangeError('mine'); }, 'add')")
    page.evaluate(REGISTER)
    ask(page, kapa, pair(1))
    assert hand_off(page) == {"resolved": None}
    assert names(page, "late") == ["Submit"]
    assert page.problems == ["mine"]  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]


def test_other_events_of_the_widget_reach_their_handlers(site: Site, page: Page, kapa: Answers) -> None:
    """Each once, including those that the bridge listens to."""
    site.open(page, "button", "widget")
    page.evaluate(
        """() => {
            heard = [];
            for (const name of ["QuerySubmit", "AnswerCompleted", "FeedbackSubmit", "ConversationReset"])
                Kapa("onAskAI" + name, () => heard.push(name));
        }"""
    )
    ask(page, kapa, pair(1))
    page.evaluate("chat.addFeedback('a1', 'upvote')")
    page.evaluate("reset()")
    heard: list[Any] = page.evaluate("heard")
    assert heard == ["QuerySubmit", "AnswerCompleted", "FeedbackSubmit", "ConversationReset"]
