"""Conversations that do not go smoothly: stopped, broken, reset, reloaded, several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kapa.conftest import (
    Site,
    ask,
    ask_by_hand,
    conversation_of,
    hand_off,
    hand_off_by_hand,
    press_and_send,
    press_and_send_in,
    stopped,
    stored,
    wait_until,
)
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import DROPPED, Dropped, Pair, Stream, broken_after, chunk, pair, source, stream_of

pytestmark = pytest.mark.only("sqlite")

CHATS = {"the SDK": ("takeover", "chat"), "the widget": ("widget",)}


@pytest.fixture(params=CHATS)
def chat(request: pytest.FixtureRequest, site: Site, page: Page) -> Page:
    """A page with a chat whose handoffs the site takes over."""
    return site.open(page, *CHATS[request.param])


def stop(page: Page, kapa: Answers, asked: Pair) -> None:
    """Ask, and stop the answer when its beginning is there."""
    stream = broken_after(asked, asked.answer, threading.Event())
    kapa.streams[asked.question] = [stream]
    page.evaluate("question => { asked = ask(question); }", asked.question)
    wait_until(page, "chat.isGeneratingAnswer")
    page.evaluate("() => { chat.stopGeneration(); return asked; }")
    assert stream.left.wait(20)


def fail(page: Page, kapa: Answers, asked: Pair, stream: Stream) -> None:
    """Ask, and get an error for an answer."""
    kapa.streams[asked.question] = [stream]
    page.evaluate("question => ask(question)", asked.question)
    assert page.evaluate("!!chat.error")
    page.problems.clear()  # type: ignore[attr-defined]


def break_off(page: Page, kapa: Answers, asked: Pair, end: bytes | Dropped) -> None:
    """Ask, and let the answer break off when its beginning is there."""
    gate = threading.Event()
    kapa.streams[asked.question] = [broken_after(asked, asked.answer, gate, end)]
    page.evaluate("question => { asked = ask(question); }", asked.question)
    wait_until(page, "chat.isGeneratingAnswer")
    gate.set()
    page.evaluate("asked")
    assert page.evaluate("!!chat.error")
    page.problems.clear()  # type: ignore[attr-defined]


def test_a_stopped_answer_is_kept_as_far_as_it_came(site: Site, chat: Page, kapa: Answers) -> None:
    """It is at its place, and says that it was stopped; the conversation goes on."""
    first, half, last = pair(1, sources=[source(1)]), stopped(2, "It begins"), pair(3)
    ask(chat, kapa, first)
    stop(chat, kapa, half)
    ask(chat, kapa, last)
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site) == stored(first, half, last)


def test_a_conversation_may_end_with_a_stopped_answer(site: Site, chat: Page, kapa: Answers) -> None:
    """Also when it is the only one."""
    half = stopped(1, "It begins")
    stop(chat, kapa, half)
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site) == stored(half)


BREAKS: dict[str, bytes | Dropped] = {
    "an error of Kapa's": chunk("error", {"reason": "The model is busy."}, end=True),
    "a lost connection": DROPPED,
}

REFUSALS: dict[str, Callable[[], Stream]] = {
    "429": lambda: Stream([b"{}"], status=429),
    "403 for the captcha": lambda: Stream([b"Captcha failed"], status=403),
    "500": lambda: Stream([], status=500),
    "a lost connection": lambda: Stream([DROPPED]),
    "an error at once": lambda: Stream([chunk("error", {"reason": "No."}, end=True)]),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_an_answer_that_breaks_off_is_kept(kind: str, site: Site, chat: Page, kapa: Answers) -> None:
    """As far as it came, at its place, whether it is the first or a later one."""
    begun, first, broken, last = stopped(1, "It begins"), pair(2), stopped(3, "So does this"), pair(4)
    break_off(chat, kapa, begun, BREAKS[kind])
    ask(chat, kapa, first)
    break_off(chat, kapa, broken, BREAKS[kind])
    ask(chat, kapa, last)
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site) == stored(begun, first, broken, last)


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_question_that_gets_no_answer_is_kept(kind: str, site: Site, chat: Page, kapa: Answers) -> None:
    """If there is no thread yet, it joins the one that the next question starts."""
    early, first, later, last = stopped(1, ""), pair(2), stopped(3, ""), pair(4)
    fail(chat, kapa, early, REFUSALS[kind]())
    ask(chat, kapa, first)
    fail(chat, kapa, later, REFUSALS[kind]())
    ask(chat, kapa, last)
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site) == stored(early, first, later, last)


def test_a_question_that_is_asked_again_is_there_twice(site: Site, chat: Page, kapa: Answers) -> None:
    """The same words, stopped, broken and answered: three pairs in their order."""
    halves = [stopped(1, "It begins"), stopped(1, "It begins again")]
    stop(chat, kapa, halves[0])
    break_off(chat, kapa, halves[1], DROPPED)
    ask(chat, kapa, pair(1))
    ask(chat, kapa, pair(1, id="a2"))
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site) == stored(*halves, pair(1), pair(1, id="a2"))


def test_each_conversation_has_its_own_transcript(site: Site, chat: Page, kapa: Answers) -> None:
    """After a reset, a new conversation begins, and its transcript has nothing of the old one."""
    ask(chat, kapa, pair(1), pair(2), thread="t1")
    stop(chat, kapa, stopped(3, "It begins"))
    chat.evaluate("reset()")
    ask(chat, kapa, pair(4), thread="t2")
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site) == stored(pair(4))
    chat.evaluate("reset()")
    ask(chat, kapa, pair(5), pair(6), thread="t3")
    assert hand_off(chat) == {"resolved": None}
    assert conversation_of(site, 2) == stored(pair(5), pair(6))


def test_two_chats_on_a_page_do_not_mix(site: Site, page: Page, kapa: Answers) -> None:
    """Answers that arrive at the same time belong to their own threads, and so do votes."""
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    for number in (1, 2):
        ask_by_hand(page, kapa, pair(number, id=f"first-{number}"), f"t{number}", is_first=True)
    gates, asked = [threading.Event(), threading.Event()], [pair(3, id="last-1"), pair(4, id="last-2")]
    for number, (gate, each) in enumerate(zip(gates, asked, strict=True), 1):
        begun, *rest = stream_of(each, f"t{number}", cuts=2).pieces
        kapa.streams[each.question] = [Stream([begun, gate, *rest])]
        page.evaluate(
            """([path, query]) => {
                window.both = [...(window.both || []), fetch("https://proxy.kapa.ai/proxy/query/v2/" + path, {
                    method: "POST", body: JSON.stringify({query}),
                }).then((answer) => answer.text())];
            }""",
            [f"thread/t{number}/chat/stream/", each.question],
        )
    gates[1].set()
    page.evaluate("both[1]")
    gates[0].set()
    page.evaluate("Promise.all(both)")
    assert hand_off_by_hand(page, "t1") == 201
    assert conversation_of(site) == stored(pair(1, id="first-1"), asked[0])
    assert hand_off_by_hand(page, "t2") == 201
    assert conversation_of(site, 2) == stored(pair(2, id="first-2"), asked[1])


def test_the_order_is_that_of_the_questions(site: Site, page: Page, kapa: Answers) -> None:
    """Even if the second answer of a thread arrives before the first."""
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    ask_by_hand(page, kapa, pair(1), is_first=True)
    gate = threading.Event()
    begun, *rest = stream_of(pair(2), cuts=2).pieces
    kapa.streams[pair(2).question] = [Stream([begun, gate, *rest])]
    page.evaluate(
        """(query) => {
            late = fetch("https://proxy.kapa.ai/proxy/query/v2/thread/t1/chat/stream/", {
                method: "POST", body: JSON.stringify({query}),
            }).then((answer) => answer.text());
        }""",
        pair(2).question,
    )
    ask_by_hand(page, kapa, pair(3))
    gate.set()
    page.evaluate("late")
    assert hand_off_by_hand(page) == 201
    assert conversation_of(site) == stored(pair(1), pair(2), pair(3))


def test_a_handoff_during_an_answer_includes_its_beginning(site: Site, page: Page, kapa: Answers) -> None:
    """The visitor need not wait for the end of an answer to ask for help."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    gate, half = threading.Event(), stopped(2, "It begins")
    kapa.streams[half.question] = [broken_after(half, half.answer, gate)]
    page.evaluate("question => { asked = ask(question); }", half.question)
    wait_until(page, "chat.isGeneratingAnswer")
    assert hand_off(page) == {"resolved": None}
    assert conversation_of(site) == stored(pair(1), half)
    page.evaluate("() => { chat.stopGeneration(); return asked; }")


def test_our_button_knows_of_stopped_answers(site: Site, page: Page, kapa: Answers) -> None:
    """With the SDK, too, the ticket of our own form includes them."""
    site.open(page, "button", "chat")
    half = stopped(1, "It begins")
    stop(page, kapa, half)
    ask(page, kapa, pair(2))
    press_and_send(page, "a2")
    assert conversation_of(site) == stored(half, pair(2))


def test_a_failed_or_stopped_answer_gets_our_button_as_an_uncertain_one_does(
    make_site: Callable[..., Site], page: Page, kapa: Answers
) -> None:
    """Also the first question, for which Kapa has named no thread; later it is part of the thread that begins."""
    site = make_site(KAPA_HANDOFF_TRIGGERS="uncertainty")
    site.open(page, "button", "chat")
    early, half = stopped(1, ""), stopped(3, "It begins")
    fail(page, kapa, early, REFUSALS["500"]())
    press_and_send_in(page, ".kapa-handoff-floating")
    assert conversation_of(site) == stored(early)
    ask(page, kapa, pair(2))
    expect(page.locator("[data-answer-id=a2] button.kapa-handoff-button")).to_have_count(0)
    with page.expect_response("**/offer?pairs=3&*stopped=true*"):
        stop(page, kapa, half)
    press_and_send_in(page, ".kapa-handoff-floating")
    assert conversation_of(site, 2) == stored(early, pair(2), half)
    assert [ticket.triggers for ticket in site.tickets()] == ["uncertainty", "uncertainty"]
