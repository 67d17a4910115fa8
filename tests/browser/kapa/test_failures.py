"""If the site does not accept the ticket: the result of the SDK's promise, and where the ticket goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Response, redirect
from playwright.sync_api import Page, Route

from flask_kapa_handoff.errors import Conflict, RateLimited, Unavailable
from flask_kapa_handoff.offers import OfferInvalid
from tests.browser.kapa.conftest import Site, ask, attached, hand_off
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair

pytestmark = pytest.mark.only("sqlite")

SENT = {"resolved": None}
REFUSED = {"rejected": "Error", "message": "Failed to send handoff"}
SITE, KAPA, BOTH, NOBODY = (1, 0), (0, 1), (1, 1), (0, 0)

QUICK = """
// A page on which the bridge's limit ends ten times as early; the SDK's stays as it is.
const timeout = AbortSignal.timeout.bind(AbortSignal);
window.limits = new Set();
AbortSignal.timeout = (milliseconds) => {
    limits.add(milliseconds);
    return timeout(milliseconds === 15000 ? 1500 : milliseconds);
};
"""


def raising(problem: type[Exception]) -> Callable[[], Any]:
    def answer() -> Any:
        raise problem

    return answer


def page_of_a_proxy() -> Response:
    return Response("<!doctype html><title>Bad gateway</title>", 502)


FAULTS: dict[str, tuple[str, Callable[[], Any]]] = {
    "offer: 500": ("offer", lambda: Response("", 500)),
    "offer: a proxy's 502": ("offer", page_of_a_proxy),
    "offer: 503": ("offer", raising(Unavailable)),
    "offer: 404": ("offer", lambda: Response("<title>Not found</title>", 404)),
    "offer: a login page": ("offer", lambda: Response("<title>Sign in</title>")),
    "offer: other JSON": ("offer", lambda: {"message": "hello"}),
    "offer: JSON that is no object": ("offer", lambda: ["hello"]),
    "tickets: 500": ("tickets", lambda: Response("", 500)),
    "tickets: a proxy's 502": ("tickets", page_of_a_proxy),
    "tickets: 503": ("tickets", raising(Unavailable)),
    "tickets: a proxy's 429": ("tickets", lambda: Response("<title>Slow down</title>", 429)),
    "tickets: 403": ("tickets", raising(OfferInvalid)),
    "tickets: a login page": ("tickets", lambda: redirect("/?part=script")),
    "tickets: 200 without a reference": ("tickets", lambda: {"message": "hello"}),
    "tickets: JSON that is no object": ("tickets", lambda: ["hello"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_site_that_fails_leaves_the_ticket_to_kapa(fault: str, site: Site, page: Page, kapa: Answers) -> None:
    """Any response that is not ours counts as a failure of the site: Kapa gets the request as the SDK made it."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1), pair(2))
    word, answer = FAULTS[fault]
    site.instead[word] = answer
    assert hand_off(page) == SENT
    assert (len(site.tickets()), len(kapa.to("handoff"))) == KAPA
    assert_unchanged(kapa)
    page.problems.clear()  # type: ignore[attr-defined]


def assert_unchanged(kapa: Answers) -> None:
    (handoff,) = kapa.to("handoff")
    assert handoff.method == "POST"
    assert handoff.path == "/proxy/query/v2/thread/t1/handoff/"
    assert handoff.headers["Content-Type"] == "application/json"
    assert handoff.headers["X-WEBSITE-ID"] == "a-website-id"
    assert handoff.headers["X-RECAPTCHA-ENTERPRISE-TOKEN"] == "a-captcha-token"
    assert handoff.json == {
        "recipient_email": "someone.else@example.net",
        "user_email": "visitor@example.com",
        "note": "Please help.",
    }


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, str], int, Any, tuple[int, int]]] = {
    # name: the site's configuration, the form's fields, the number of attempts, the result of the last, and where it
    # is
    "it takes it": ({}, {}, 1, SENT, SITE),
    "422": ({}, {"email": "not an address"}, 1, REFUSED, NOBODY),
    "422 for a note that is too long": ({}, {"note": "x" * 5001}, 1, REFUSED, NOBODY),
    "429": ({"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1}, {}, 2, REFUSED, SITE),
    "409, switched off": ({"KAPA_HANDOFF_EMAIL": None}, {}, 1, REFUSED, NOBODY),
    "413": ({"KAPA_HANDOFF_MAX_PAIRS": 1}, {}, 1, SENT, KAPA),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_that_the_visitor_can_act_on_is_shown(
    case: str, make_site: Callable[..., Site], page: Page, kapa: Answers
) -> None:
    """What another attempt would not fix does not go to Kapa either; a conversation too large for the site does."""
    config, fields, attempts, outcome, place = REFUSALS[case]
    site = make_site(**config)
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1), pair(2))
    for number in range(1, attempts):
        assert hand_off(page, note=f"Try {number}.") == SENT
    assert hand_off(page, **fields) == outcome
    assert (len(site.tickets()), len(kapa.to("handoff"))) == place
    page.problems.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("problem", [Conflict, RateLimited])
def test_the_status_of_a_refusal_is_the_sites(problem: type[Exception], site: Site, page: Page, kapa: Answers) -> None:
    """A page that looks at it sees what the site said, Retry-After and JSON included."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    site.instead["tickets"] = raising(problem)
    status, code = page.evaluate(
        """async () => {
            const answer = await fetch("https://proxy.kapa.ai/proxy/query/v2/thread/t1/handoff/", {
                method: "POST", body: JSON.stringify({user_email: "visitor@example.com"}),
            });
            return [answer.status, (await answer.json()).error.code];
        }"""
    )
    assert (status, code) == (problem.code, problem.error_code)  # type: ignore[attr-defined]
    assert kapa.to("handoff") == []
    page.problems.clear()  # type: ignore[attr-defined]


def unreachable(route: Route) -> None:
    route.abort("connectionrefused")


def lost_on_the_way_back(route: Route) -> None:
    route.fetch()
    route.abort("connectionreset")


@pytest.mark.parametrize("word", ["offer", "tickets"])
def test_a_site_that_is_down_leaves_the_ticket_to_kapa(word: str, site: Site, page: Page, kapa: Answers) -> None:
    """Nothing listens on its port."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1), pair(2))
    page.route(f"{site.url}/handoff/{word}*", unreachable)
    assert hand_off(page) == SENT
    assert (len(site.tickets()), len(kapa.to("handoff"))) == KAPA
    assert_unchanged(kapa)
    page.problems.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["offer", "tickets"])
def test_a_site_that_is_slow_leaves_the_ticket_to_kapa(word: str, site: Site, page: Page, kapa: Answers) -> None:
    """After 15 seconds, shortened here, the bridge stops waiting; the SDK waits 30, which leaves time for Kapa."""
    page.add_init_script(QUICK)
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1), pair(2))
    gate = threading.Event()
    site.instead[word] = lambda: (gate.wait(60), page_of_a_proxy())[1]
    assert hand_off(page) == SENT
    assert len(kapa.to("handoff")) == 1
    assert_unchanged(kapa)
    assert sorted(page.evaluate("[...limits]")) == [15000, 30000]
    gate.set()
    assert site.tickets() == []


def test_when_neither_answers_the_visitor_is_told(site: Site, page: Page, kapa: Answers) -> None:
    """The site down and Kapa down: the promise is rejected, as it is without the bridge."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    site.instead["tickets"] = raising(Unavailable)
    kapa.statuses["handoff"] = [500]
    assert hand_off(page) == REFUSED
    assert (len(site.tickets()), len(kapa.to("handoff"))) == KAPA
    page.problems.clear()  # type: ignore[attr-defined]


def test_a_second_attempt_creates_no_second_ticket(site: Site, page: Page, kapa: Answers) -> None:
    """The ticket was stored and the answer lost; Kapa failed; the visitor sends it again: one ticket, one mail."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    page.route(f"{site.url}/handoff/tickets", lost_on_the_way_back)
    kapa.statuses["handoff"] = [500]
    assert hand_off(page) == REFUSED
    assert (len(site.tickets()), len(kapa.to("handoff"))) == BOTH
    page.unroute(f"{site.url}/handoff/tickets")
    assert hand_off(page) == SENT
    assert (len(site.tickets()), len(kapa.to("handoff"))) == BOTH
    assert len(site.mails(1)) == 1
    page.problems.clear()  # type: ignore[attr-defined]


def test_the_same_form_sent_twice_is_one_ticket(site: Site, page: Page, kapa: Answers) -> None:
    """Word for word the same it is the same ticket; with another note, or after another answer, it is one more."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == SENT
    assert hand_off(page) == SENT
    assert len(site.tickets()) == 1
    assert hand_off(page, note="One more thing.") == SENT
    ask(page, kapa, pair(2))
    assert hand_off(page, note="One more thing.") == SENT
    assert [len(attached(mail)["conversation"]) for mail in site.mails(3)] == [1, 1, 2]
    assert len({ticket.reference for ticket in site.tickets()}) == 3


@pytest.mark.parametrize("word", ["offer", "tickets"])
def test_a_page_that_aborts_gets_its_own_error(word: str, site: Site, page: Page, kapa: Answers) -> None:
    """Aborted while the site is asked: the promise is rejected with the page's reason, and Kapa is not asked."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    gate, reached = threading.Event(), threading.Event()

    def wait() -> Response:
        reached.set()
        gate.wait(60)
        return page_of_a_proxy()

    site.instead[word] = wait
    page.evaluate(
        """() => {
            controller = new AbortController();
            sent = outcome(fetch("https://proxy.kapa.ai/proxy/query/v2/thread/t1/handoff/", {
                method: "POST", body: JSON.stringify({user_email: "visitor@example.com"}), signal: controller.signal,
            }));
        }"""
    )
    assert reached.wait(20)
    page.evaluate("controller.abort(new RangeError('enough'))")
    at_once = page.evaluate("Promise.race([sent, new Promise((then) => setTimeout(then, 8000, 'late'))])")
    assert at_once == {"rejected": "RangeError", "message": "enough"}
    gate.set()
    assert (len(site.tickets()), len(kapa.to("handoff"))) == NOBODY
