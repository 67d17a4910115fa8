"""If Kapa changes its wire format, nothing is guessed and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import RAW, Site, ask, attached, hand_off_by_hand
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import Pair, Stream, chunk, pair, source, whole

pytestmark = pytest.mark.only("sqlite")


def standard(asked: Pair, *, without: str = "", separator: str = "␞", also: bytes = b"") -> Stream:
    """Kapa's answer, but for one thing."""
    objects: dict[str, dict[str, Any]] = {
        "stream_start": {"thread_id": "t1"},
        "partial_answer": {"text": asked.answer},
        "relevant_sources": {"relevant_sources": asked.sources},
        "metadata": {"is_uncertain": asked.uncertain},
        "identifiers": {"thread_id": "t1", "question_answer_id": asked.id},
    }
    made = [chunk(kind, content, separator=separator) for kind, content in objects.items() if kind != without]
    return whole(*made[:2], also, *made[2:]) if also else whole(*made)


CHANGES: dict[str, Callable[[Pair], Stream]] = {
    "an unknown kind of chunk": lambda asked: standard(asked, also=chunk("answer_correction", {"text": "No!"})),
    "no metadata": lambda asked: standard(asked, without="metadata"),
    "another separator": lambda asked: standard(asked, separator="␟"),
    "line by line": lambda asked: standard(asked, separator="\n"),
    "no object around it": lambda asked: whole('{"type": "partial_answer", "text": "Answer"}␞'.encode()),
    "a text under another name": lambda asked: standard(asked, also=chunk("partial_answer", {"delta": "more"})),
    "a thread under another name": lambda asked: whole(chunk("stream_start", {"thread": "t1"})),
    "an id under another name": lambda asked: standard(
        asked, without="identifiers", also=chunk("identifiers", {"thread_id": "t1", "answer_id": "a1"})
    ),
    "no JSON": lambda asked: whole("event: answer\ndata: Hello\n\n␞".encode()),
}


def stream_by_hand(page: Page, kapa: Answers, asked: Pair, stream: Stream, *, is_first: bool) -> None:
    kapa.streams[asked.question].append(stream)
    path = "chat/stream/" if is_first else "thread/t1/chat/stream/"
    assert page.evaluate(RAW, [path, {"query": asked.question}]) == 200


def warnings_of(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "warning" else None)
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_with_the_sdk_alone_the_handoff_goes_to_kapa(change: str, site: Site, page: Page, kapa: Answers) -> None:
    """Unchanged, with one warning on the page, however many answers had an unknown form."""
    warnings = warnings_of(page)
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    for number in (1, 2):
        asked = pair(number, sources=[source(1)])
        stream_by_hand(page, kapa, asked, CHANGES[change](asked), is_first=number == 1)
    assert hand_off_by_hand(page) == 200
    (handoff,) = kapa.to("handoff")
    assert handoff.json == {"recipient_email": "someone.else@example.net", "user_email": "visitor@example.com"}
    assert site.asked == []
    assert len(warnings) == 1
    assert "kapa-handoff" in warnings[0]


@pytest.mark.parametrize("change", CHANGES)
def test_with_the_widgets_events_only_uncertainty_and_sources_are_missing(
    change: str, site: Site, page: Page, kapa: Answers
) -> None:
    """The widget, which knows its own wire, tells what was said: that is the ticket's transcript."""
    warnings = warnings_of(page)
    site.open(page, "widget")
    said: list[Pair] = []
    for number in (1, 2):
        said.append(pair(number))
        stream_by_hand(page, kapa, said[-1], CHANGES[change](said[-1]), is_first=number == 1)
        told = [{"questionAnswerId": each.id, "question": each.question, "answer": each.answer} for each in said]
        page.evaluate(
            "([pair, conversation]) => widget.fire('onAskAIAnswerCompleted', {threadId: 't1', ...pair, conversation})",
            [told[-1], told],
        )
    page.evaluate(
        "conversation => widget.fire('onAskAIFeedbackSubmit', "
        "{threadId: 't1', questionAnswerId: 'a1', reaction: 'downvote', conversation})",
        told,
    )
    said[0].reaction = "downvote"
    assert hand_off_by_hand(page) == 201
    assert attached(site.mails(1)[0])["conversation"] == [each.as_stored() for each in said]
    assert kapa.to("handoff") == []
    assert len(warnings) <= 1


def test_a_handoff_in_another_form_goes_to_kapa(site: Site, page: Page, kapa: Answers) -> None:
    """Without the visitor's address under the known name, we cannot handle it."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    for body in ({"email": "visitor@example.com"}, {}, "text", [1], None):
        assert page.evaluate(RAW, ["thread/t1/handoff/", body]) == 200, body
    assert [request.json for request in kapa.to("handoff")] == [
        {"email": "visitor@example.com"},
        {},
        "text",
        [1],
        None,
    ]
    assert site.tickets() == []


def test_a_vote_in_another_form_is_ignored(site: Site, page: Page, kapa: Answers) -> None:
    """It reaches Kapa, and leaves the transcript unchanged."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    for body in ({"answer": "a1", "vote": -1}, "text", None, [1]):
        assert page.evaluate(RAW, ["feedback/upsert/", body]) == 200
    assert hand_off_by_hand(page) == 201
    assert attached(site.mails(1)[0])["conversation"] == [pair(1).as_stored()]


@pytest.mark.parametrize("change", ["a vote", "a source", "a source's name", "a question"])
def test_a_conversation_that_the_site_does_not_understand_goes_to_kapa(
    change: str, site: Site, page: Page, kapa: Answers
) -> None:
    """The visitor cannot fix this, so no message asks for it."""
    site.open(page, "takeover", then="window.KapaHandoffBridge")
    sources: dict[str, Any] = {
        "a source": [{"title": "Keys", "href": "https://docs.example.com"}],
        "a source's name": [{"title": 5}],
    }
    asked = pair(1)
    streamed = standard(Pair(asked.question, asked.answer, asked.id, sources.get(change, [])))
    kapa.streams[asked.question].append(streamed)
    name = "question" if change == "a question" else "query"
    kapa.question_field = name
    assert page.evaluate(RAW, ["chat/stream/", {name: asked.question}]) == 200
    if change == "a vote":
        assert page.evaluate(RAW, ["feedback/upsert/", {"question_answer": "a1", "reaction": "heart"}]) == 200
    assert hand_off_by_hand(page) == 200
    assert [len(site.tickets()), len(kapa.to("handoff"))] == [0, 1]
    page.problems.clear()  # type: ignore[attr-defined]
