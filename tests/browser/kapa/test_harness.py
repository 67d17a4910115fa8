"""Tests the harness itself: other tests prove nothing unless it does what it says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import Site, ask, built_script, hand_off, vote, wait_until
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import (
    DROPPED,
    Stream,
    broken_after,
    bytes_of,
    chunk,
    pair,
    source,
    stream_of,
    whole,
)

pytestmark = pytest.mark.only("sqlite")

SHOWN = "chat.conversation.map(({id, question, answer}) => [id, question, answer])"


def test_the_sdk_shows_what_kapa_streams(site: Site, page: Page, kapa: Answers) -> None:
    """Without the bridge, question and answer are in the SDK's conversation, and the handoff is Kapa's."""
    site.open(page, "chat")
    pairs = [pair(1, sources=[source(1)]), pair(2, uncertain=True)]
    ask(page, kapa, *pairs)
    vote(page, pairs[0], "downvote")
    assert page.evaluate(SHOWN) == [[pair.id, pair.question, pair.answer] for pair in pairs]
    assert hand_off(page) == {"resolved": None}
    (handoff,) = kapa.to("handoff")
    assert handoff.path == "/proxy/query/v2/thread/t1/handoff/"
    assert handoff.headers["X-WEBSITE-ID"] == "a-website-id"
    assert handoff.json == {
        "recipient_email": "someone.else@example.net",
        "user_email": "visitor@example.com",
        "note": "Please help.",
    }
    paths = [request.path.removeprefix("/proxy/query/v2") for request in kapa.requests]
    assert paths == ["/chat/stream/", "/thread/t1/chat/stream/", "/feedback/upsert/", "/thread/t1/handoff/"]


def test_the_browser_receives_the_cuts(site: Site, page: Page, kapa: Answers) -> None:
    """What is sent before a gate arrives before it is opened, though it ends inside a character."""
    site.open(page, "chat")
    streamed = bytes_of(stream_of(pair()).pieces)
    inside = streamed.index("␞".encode()) + 1
    gates = [threading.Event(), threading.Event()]
    kapa.streams["q"] = [Stream([streamed[:inside], gates[0], streamed[inside : inside + 1], gates[1], b"end"])]
    page.evaluate(
        """async () => {
            const response = await fetch("https://proxy.kapa.ai/proxy/query/v2/chat/stream/", {
                method: "POST", headers: {"Content-Type": "application/json"}, body: '{"query": "q"}',
            });
            window.reader = response.body.getReader();
        }"""
    )
    read = "reader.read().then(({value}) => value && [...value])"
    assert bytes(page.evaluate(read)) == streamed[:inside]
    gates[0].set()
    assert bytes(page.evaluate(read)) == streamed[inside : inside + 1]
    gates[1].set()
    assert bytes(page.evaluate(read)) == b"end"


def test_kapa_sees_that_a_page_stopped(site: Site, page: Page, kapa: Answers) -> None:
    """When the visitor stops an answer, the connection is closed."""
    site.open(page, "chat")
    stream = broken_after(pair(), "It begins", threading.Event())
    kapa.streams["Question 1?"] = [stream]
    page.evaluate("() => { asked = ask('Question 1?'); }")
    wait_until(page, "chat.isGeneratingAnswer")
    page.evaluate("chat.stopGeneration()")
    assert stream.left.wait(20)
    assert page.evaluate("asked.then(() => chat.conversation[0].isGenerationAborted)")


@pytest.mark.parametrize("last", ["dropped", "error"])
def test_the_sdk_sees_an_answer_that_breaks_off(site: Site, page: Page, kapa: Answers, last: str) -> None:
    """A lost connection and Kapa's own error end an answer with an error message."""
    site.open(page, "chat")
    error = chunk("error", {"reason": "The model is busy."}, end=True)
    kapa.streams["Question 1?"] = [broken_after(pair(), "It begins", DROPPED if last == "dropped" else error)]
    page.evaluate("ask('Question 1?')")
    wanted = "Network error while fetching answer." if last == "dropped" else "The model is busy."
    assert page.evaluate("chat.error") == wanted
    assert len(page.problems) >= 1  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]


def test_statuses_are_what_the_sdk_gets(site: Site, page: Page, kapa: Answers) -> None:
    """A handoff that Kapa refuses is refused."""
    site.open(page, "chat")
    kapa.statuses["handoff"] = [500]
    ask(page, kapa, pair())
    assert hand_off(page) == {"rejected": "Error", "message": "Failed to send handoff"}
    assert hand_off(page) == {"resolved": None}
    page.problems.clear()  # type: ignore[attr-defined]


def test_an_unknown_question_fails_the_test(site: Site, page: Page, kapa: Answers) -> None:
    """A question that no test has written an answer for is an error, and is remembered."""
    site.open(page, "chat")
    page.evaluate("ask('What?')")
    assert page.evaluate("chat.error") == "Something went wrong. If the issue persists reach out to support."
    assert kapa.unexpected == ["What?"]
    kapa.unexpected.clear()
    page.problems.clear()  # type: ignore[attr-defined]


def test_the_widget_fires_kapas_events(
    make_site: Callable[..., Site], new_page: Callable[[], Page], kapa: Answers
) -> None:
    """Kapa's widget, played with its own SDK, tells handlers what Kapa's documentation says."""
    site, page = make_site(KAPA_HANDOFF_BUTTON_TEXT="Talk to us"), new_page()
    site.open(page, "widget")
    attributes = page.evaluate("widget.attributes")
    assert attributes["websiteId"] == "a-website-id"
    assert attributes["projectName"] == "Acme"
    assert attributes["handoffButtonText"] == "Talk to us"
    page.evaluate(
        """() => {
            seen = [];
            for (const name of ["AnswerCompleted", "FeedbackSubmit", "ConversationReset", "HandoffSubmit"])
                Kapa("onAskAI" + name, (detail) => seen.push([name, detail]));
        }"""
    )
    first, second = pair(1), pair(2)
    ask(page, kapa, first)
    kapa.streams["Question 0?"] = [whole(chunk("error", {"reason": "No."}, end=True))]
    page.evaluate("ask('Question 0?')")
    page.problems.clear()  # type: ignore[attr-defined]
    ask(page, kapa, second)
    vote(page, first, "upvote")
    wait_until(page, "seen.length === 3")
    (_, one), (_, two), (_, voted) = page.evaluate("seen")
    assert one == {
        "threadId": "t1",
        "questionAnswerId": "a1",
        "question": first.question,
        "answer": first.answer,
        "conversation": [{"questionAnswerId": "a1", "question": first.question, "answer": first.answer}],
    }
    assert [said["questionAnswerId"] for said in two["conversation"]] == ["a1", "", "a2"]
    assert (voted["questionAnswerId"], voted["reaction"], voted["question"]) == ("a1", "upvote", second.question)
    page.evaluate("reset()")
    assert page.evaluate("seen.at(-1)[0]") == "ConversationReset"
    assert page.evaluate("seen.at(-1)[1].threadId") == "t1"


def test_without_node_the_tests_fail_and_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Node.js does not skip them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="Install Node"):
        built_script()
