"""Transcripts arrive complete: generated conversations, both ways, with SDK and widget, by real mail."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kapa.conftest import Site, attached, hand_off, press_and_send
from tests.browser.kapa.conversations import as_stored, conversation
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import Pair, stream_of

pytestmark = pytest.mark.only("sqlite")

CONVERSATIONS = 96
WAYS = {
    "the SDK's handoff": ("takeover", "chat"),
    "the widget's handoff": ("widget",),
    "our button beside the SDK": ("button", "chat"),
    "our button beside the widget": ("button", "bare-widget"),
}
TRIGGERS = ("always", "conversation-length", "uncertainty", "downvote")
BATCHES = list(product(WAYS, TRIGGERS))
HOLD = """async ([questions, votes]) => {
    for (const question of questions) await ask(question);
    for (const [id, reaction] of votes) await chat.addFeedback(id, reaction);
}"""


def hold(page: Page, kapa: Answers, pairs: list[Pair], number: int) -> None:
    """Have a conversation: ask, wait for each answer, vote."""
    for pair in pairs:
        # Large answers in few pieces: the SDK itself copies all that it has at each.
        cuts = 12 if len(pair.answer) < 20_000 else 5
        kapa.streams[pair.question].append(stream_of(pair, f"thread-{number}", seed=number, cuts=cuts))
    votes = [[pair.id, pair.reaction] for pair in pairs if pair.reaction]
    page.evaluate(HOLD, [[pair.question for pair in pairs], votes])


@pytest.mark.parametrize("batch", range(len(BATCHES)), ids=[" – ".join(batch) for batch in BATCHES])
def test_what_arrives_is_what_was_said(batch: int, make_site: Callable[..., Site], page: Page, kapa: Answers) -> None:
    """Order, text, sources, votes and uncertainty of each conversation: in the mail, and in the database."""
    way, trigger = BATCHES[batch]
    site = make_site(KAPA_HANDOFF_TRIGGERS=trigger, KAPA_HANDOFF_MAX_REQUEST_BYTES=5_000_000)
    site.open(page, *WAYS[way])
    numbers = range(batch, CONVERSATIONS, len(BATCHES))
    for count, number in enumerate(numbers, 1):
        pairs = conversation(number, trigger)
        page.evaluate("reset()")
        hold(page, kapa, pairs, number)
        note = f"Conversation {number} of {way}."
        if "button" in WAYS[way]:
            press_and_send(page, pairs[-1].id, note=note)
        else:
            assert hand_off(page, note=note) == {"resolved": None}, note
        mail = attached(site.mails(count)[-1])
        ticket = site.tickets()[-1]
        wanted = as_stored(pairs)
        assert mail["conversation"] == wanted, note
        assert site.conversation(ticket) == wanted, note
        assert (mail["note"], mail["thread_id"], mail["answer_id"]) == (note, f"thread-{number}", pairs[-1].id)
        assert mail["email"] == "visitor@example.com"
        assert trigger in mail["triggers"], note
    assert len(site.tickets()) == len(numbers)
    assert kapa.to("handoff") == []


def test_the_address_of_the_browser_is_ignored(make_site: Callable[..., Site], page: Page, kapa: Answers) -> None:
    """The mail goes where the site says and nowhere else; answers to it go to the visitor."""
    site = make_site(KAPA_HANDOFF_EMAIL="team@example.com")
    site.open(page, "takeover", "chat")
    hold(page, kapa, conversation(3, "always"), 3)
    assert hand_off(page, email="visitor@example.org") == {"resolved": None}
    (mail,) = site.mails(1)
    assert mail.recipients == ["team@example.com"]
    assert mail.message["To"] == "team@example.com"
    assert mail.message["Reply-To"] == "visitor@example.org"
    assert b"someone.else@example.net" not in mail.data
    (ticket,) = site.tickets()
    assert (ticket.recipient, ticket.visitor_email) == ("team@example.com", "visitor@example.org")


def test_the_button_is_where_the_triggers_say(make_site: Callable[..., Site], page: Page, kapa: Answers) -> None:
    """Beside the SDK's chat the button comes with the uncertain answer and with the downvote, and not before."""
    site = make_site(KAPA_HANDOFF_TRIGGERS="uncertainty,downvote")
    site.open(page, "button", "chat")
    sure, unsure = (
        Pair(f"Question {name}?", "Answer.", name, uncertain=name == "unsure") for name in ("sure", "unsure")
    )
    hold(page, kapa, [sure, unsure], 1)
    expect(page.locator("[data-answer-id=unsure] button:visible")).to_be_visible()
    expect(page.locator("[data-answer-id=sure] button:visible")).to_have_count(0)
    page.evaluate("chat.addFeedback('sure', 'downvote')")
    expect(page.locator("[data-answer-id=sure] button:visible")).to_be_visible()
    page.evaluate("chat.addFeedback('sure', 'upvote')")
    expect(page.locator("[data-answer-id=sure] button:visible")).to_have_count(0)


def test_a_vote_that_kapa_refuses_is_not_in_the_ticket(site: Site, page: Page, kapa: Answers) -> None:
    """The SDK takes such a vote back, so that no visitor sees it."""
    site.open(page, "takeover", "chat")
    pair = Pair("Question?", "Answer.", "a1")
    hold(page, kapa, [pair], 1)
    kapa.statuses["feedback"] = [500]
    page.evaluate("chat.addFeedback('a1', 'downvote')")
    assert len(page.problems) == 2  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]
    assert hand_off(page) == {"resolved": None}
    assert attached(site.mails(1)[0])["conversation"] == as_stored([pair])


def test_the_last_vote_counts(site: Site, page: Page, kapa: Answers) -> None:
    """A visitor may change a vote."""
    site.open(page, "takeover", "chat")
    pair = Pair("Question?", "Answer.", "a1", reaction="downvote")
    hold(page, kapa, [pair], 1)
    page.evaluate("chat.addFeedback('a1', 'upvote')")
    pair.reaction = "upvote"
    assert hand_off(page) == {"resolved": None}
    assert attached(site.mails(1)[0])["conversation"] == as_stored([pair])
