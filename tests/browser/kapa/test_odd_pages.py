"""Events that come late, questions that come early, and pages whose own names or scripts are in the way."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import jsonify
from playwright.sync_api import Page, expect

from flask_kapa_handoff.urls import MAX_PAGE, shortened
from tests.browser.kapa.conftest import (
    Site,
    ask,
    attached,
    conversation_of,
    hand_off,
    stored,
    wait_until,
)
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import Stream, broken_after, chunk, pair

pytestmark = pytest.mark.only("sqlite")

SENT = {"resolved": None}
VOTE = "() => { voted = chat.addFeedback('a1', 'downvote'); }"


def held(number: int) -> tuple[Stream, threading.Event]:
    """An answer that rests in its middle until the gate is open."""
    gate, whole = threading.Event(), pair(number)
    rest = chunk("partial_answer", {"text": whole.answer[4:]}) + chunk("metadata", {"is_uncertain": False})
    end = chunk("identifiers", {"thread_id": "t1", "question_answer_id": whole.id}, end=True)
    return broken_after(whole, whole.answer[:4], gate, rest + end), gate


def start(page: Page, kapa: Answers, number: int) -> threading.Event:
    """Ask, and wait for the beginning of the answer; the gate holds the rest."""
    stream, gate = held(number)
    kapa.streams[pair(number).question] = [stream]
    page.evaluate("question => { asked = ask(question); }", pair(number).question)
    assert stream.started.wait(20)
    return gate


# --- events ----------------------------------------------------------------------------------------------------------


def test_a_vote_while_the_next_answer_comes_leaves_that_answer_alone(site: Site, page: Page, kapa: Answers) -> None:
    """The vote's event carries the conversation as it was at the click; it is told when Kapa has taken the vote."""
    site.open(page, "widget")
    ask(page, kapa, pair(1))
    kapa.gates["feedback"] = threading.Event()
    gate = start(page, kapa, 2)
    page.evaluate(VOTE)
    gate.set()
    page.evaluate("asked")
    kapa.gates["feedback"].set()
    page.evaluate("voted")
    assert hand_off(page) == SENT
    assert conversation_of(site) == stored(pair(1, reaction="downvote"), pair(2))


def test_a_vote_reported_after_a_reset_does_not_restore_the_old_button(site: Site, page: Page, kapa: Answers) -> None:
    """Nor the old conversation."""
    site.open(page, "button", "bare-widget")
    ask(page, kapa, pair(1))
    expect(page.locator("button.kapa-handoff-button")).to_have_count(1)
    offers: list[str] = []
    page.on("request", lambda request: offers.append(request.url) if "/offer?" in request.url else None)
    kapa.gates["feedback"] = threading.Event()
    page.evaluate(VOTE)
    page.evaluate("reset()")
    kapa.gates["feedback"].set()
    page.evaluate("voted")
    ask(page, kapa, pair(3), thread="t2")
    expect(page.locator("button.kapa-handoff-button")).to_have_count(1)
    assert len(offers) == 1
    assert "thread_id=t2" in offers[0]


def test_a_question_asked_during_an_answer_damages_neither(site: Site, page: Page, kapa: Answers) -> None:
    """The SDK mixes the two up, but the requests do not."""
    site.open(page, "widget")
    ask(page, kapa, pair(1))
    gate = start(page, kapa, 2)
    wait_until(page, "chat.isGeneratingAnswer")
    page.evaluate("void chat.submitQuery('And what about this?')")
    gate.set()
    page.evaluate("asked")
    page.problems.clear()  # type: ignore[attr-defined]
    assert hand_off(page) == SENT
    assert [said for said in conversation_of(site) if said["id"] == "a2"] == stored(pair(2))


def test_a_question_before_a_reset_stays_in_the_old_conversation(site: Site, page: Page, kapa: Answers) -> None:
    """Even if Kapa had not yet named the thread."""
    site.open(page, "widget")
    stream = Stream([threading.Event()])
    kapa.streams["A secret?"] = [stream]
    page.evaluate("void chat.submitQuery('A secret?')")
    assert stream.started.wait(20)
    page.evaluate("reset()")
    assert stream.left.wait(20)
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    assert conversation_of(site) == stored(pair(1))


# --- pages -----------------------------------------------------------------------------------------------------------


HOSTILE = {
    "a form as the script, with a base": '<form name="currentScript" data-base="/echo" data-bridge></form>',
    "an image as the script": '<img name="currentScript" alt="">',
    "a link as the bridge": '<a id="KapaHandoffBridge"></a>',
    "a link as our object": '<a id="KapaHandoff"></a>',
    "a form as Kapa's function": '<form id="Kapa"></form>',
    "a member of the document": '<img name="dispatchEvent" alt="">',
    "the marks of tags": '<p data-bridge="button" data-website-id src="kapa"></p>',
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_in_markup_neither_redirect_the_bridge_nor_switch_it_off(
    hostile: str, site: Site, page: Page, kapa: Answers
) -> None:
    """The ticket goes to the site and is told of, and nothing goes anywhere else."""
    page.add_init_script(
        """window.told = [];
        document.addEventListener("kapa-handoff:submit", ({detail}) => told.push(detail.reference));"""
    )
    site.open(page, "takeover", "chat", markup=HOSTILE[hostile])
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    assert conversation_of(site) == stored(pair(1))
    assert page.evaluate("told") == [site.tickets()[-1].reference]
    assert site.asked == ["GET offer", "POST tickets"]
    assert kapa.to("handoff") == []
    assert "echoed" not in site.app.extensions


def test_the_bridge_sends_what_its_tag_says_of_requests(site: Site, page: Page, kapa: Answers) -> None:
    """The server wrote it there, and knows by it that the visitor pressed a button of Kapa's form."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    with page.expect_request("**/handoff/offer?*") as asked:
        assert hand_off(page) == SENT
    said = page.locator("script[data-bridge]").get_attribute("data-requested")
    assert said
    assert parse_qs(urlsplit(asked.value.url).query)["requested"] == [said]


def test_a_long_address_of_a_page_costs_no_ticket(site: Site, page: Page, kapa: Answers) -> None:
    """The ticket has as much of it as the server keeps, which ends after a whole parameter."""
    site.open(page, "takeover", "chat")
    address = f"{page.url}&a=1&b={'x' * (MAX_PAGE - len(page.url) - 10)}&c={'%E8%AF%B7' * 4000}"
    page.evaluate("address => history.replaceState(null, '', address)", f"{address}#part")
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    assert kapa.to("handoff") == []
    (ticket,) = site.tickets()
    assert ticket.page == shortened(address) == address.partition("&c=")[0]


def test_a_browser_without_abort_signal_any_sends_as_well(site: Site, page: Page, kapa: Answers) -> None:
    """Then only the page's own time limit applies."""
    page.add_init_script("delete AbortSignal.any")
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    assert conversation_of(site) == stored(pair(1))


def test_another_scripts_website_id_is_not_kapas(site: Site, page: Page, kapa: Answers) -> None:
    """Some analytics scripts have one on their tag, too; tickets from such a page are still reported."""
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            document.head.append(Object.assign(document.createElement("script"), {type: "text/plain"}));
            document.head.lastChild.dataset.websiteId = "analytics";
        });
        window.told = [];
        document.addEventListener("kapa-handoff:submit", ({detail}) => told.push(detail));"""
    )
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    (detail,) = page.evaluate("told")
    assert detail == {
        "threadId": "t1",
        "conversation": [
            {"questionAnswerId": "a1", "question": pair(1).question, "answer": pair(1).answer},
        ],
        "desk": "default",
        "reference": site.tickets()[-1].reference,
    }


def test_a_wrapper_that_expects_text_addresses_gets_text(site: Site, page: Page, kapa: Answers) -> None:
    """Scripts that watch requests often do."""
    page.add_init_script(
        """const inner = window.fetch;
        window.fetch = function (address, ...rest) {
            if ((address.url || address).includes("nothing")) return;
            return inner.call(this, address, ...rest);
        };"""
    )
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    assert len(site.tickets()) == 1


def test_a_conversation_that_this_site_refuses_goes_to_kapa(site: Site, page: Page, kapa: Answers) -> None:
    """The visitor cannot fix it; a wrong address, which a visitor can, is refused as it should be."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page, email="nobody") == {"rejected": "Error", "message": "Failed to send handoff"}
    assert kapa.to("handoff") == []

    def refuse() -> Any:
        problem = {"code": "invalid", "message": "No.", "fields": {"conversation": ["conversation[0]: no."]}}
        return jsonify(error=problem), 422

    site.instead["tickets"] = refuse
    assert hand_off(page) == SENT
    assert (len(site.tickets()), len(kapa.to("handoff"))) == (0, 1)
    page.problems.clear()  # type: ignore[attr-defined]


def test_an_element_named_kapa_is_not_kapas_function(site: Site, page: Page, kapa: Answers) -> None:
    """An `id` creates a global variable; the queue works anyway."""
    page.add_init_script(
        """const anchor = document.createElement("a");
        Object.defineProperty(window, "Kapa", {value: anchor, writable: true, configurable: true});"""
    )
    site.open(page, "widget", "early")
    ask(page, kapa, pair(1))
    assert page.evaluate("widget.sendForm({userEmail: 'visitor@example.com'})") == SENT
    assert [name for name, _ in page.evaluate("early")] == ["Submit"]
    assert attached(site.mails(1)[0])["conversation"] == stored(pair(1))
