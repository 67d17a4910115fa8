"""The bridge beside other scripts: earlier, later, twice, and with others that have wrapped ``fetch``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.kapa.conftest import Site, ask, attached, hand_off, press_and_send, vote
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair

pytestmark = pytest.mark.only("sqlite")

ORDERS = {
    "the bridge, then the bundle": ("takeover", "chat"),
    "the bundle, then the bridge": ("chat", "takeover"),
    "two bridges": ("takeover", "takeover", "chat"),
    "two bridges around the bundle": ("takeover", "chat", "takeover"),
    "bridges of both kinds": ("button", "takeover", "chat"),
    "the widget's tag and a bridge": ("widget", "takeover"),
    "a bridge and the widget's tag": ("takeover", "widget"),
    "our button and the widget's tag": ("button", "widget"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_in_any_order_a_handoff_is_one_ticket(order: str, site: Site, page: Page, kapa: Answers) -> None:
    """One ticket, one mail, one request for each step, nothing to Kapa."""
    site.open(page, *ORDERS[order])
    pairs = [pair(1), pair(2, uncertain=True)]
    ask(page, kapa, *pairs)
    vote(page, pairs[0], "downvote")
    site.asked.clear()
    assert hand_off(page) == {"resolved": None}
    assert site.asked.count("POST tickets") == 1
    if "button" not in ORDERS[order]:  # which asks for itself
        assert site.asked == ["GET offer", "POST tickets"]
    (mail,) = site.mails(1)
    assert attached(mail)["conversation"] == [each.as_stored() for each in pairs]
    assert [len(site.tickets()), kapa.to("handoff")] == [1, []]
    assert len(kapa.to("stream")) == 2


@pytest.mark.parametrize("parts", [("button", "takeover"), ("takeover", "button"), ("button", "button")])
def test_two_bridges_show_one_button(parts: tuple[str, str], site: Site, page: Page, kapa: Answers) -> None:
    """Where one of them feeds our own button it appears once, and its ticket is one."""
    site.open(page, *parts, "chat")
    ask(page, kapa, pair(1))
    expect(page.locator("button.kapa-handoff-button")).to_have_count(1)
    press_and_send(page, "a1")
    assert site.asked == ["GET offer", "GET form", "POST tickets"]
    assert len(site.mails(1)) == len(site.tickets()) == 1


def test_what_was_asked_before_the_bridge_came_goes_to_kapa(site: Site, page: Page, kapa: Answers) -> None:
    """It does not know the whole conversation and sends no half of one; the next conversation is the site's."""
    site.open(page, "chat")
    ask(page, kapa, pair(1))
    page.add_script_tag(url="/handoff/static/bridge.js")
    ask(page, kapa, pair(2))
    assert hand_off(page) == {"resolved": None}
    assert [len(site.tickets()), len(kapa.to("handoff"))] == [0, 1]
    page.evaluate("reset()")
    ask(page, kapa, pair(3), thread="t2")
    assert hand_off(page) == {"resolved": None}
    assert [len(site.tickets()), len(kapa.to("handoff"))] == [1, 1]
    assert attached(site.mails(1)[0])["conversation"] == [pair(3).as_stored()]


def counted_on(site: Site, page: Page, kapa: Answers, *parts: str) -> list[str]:
    """What another script's own fetch was called with while a visitor asks, votes, hands off, and asks on."""
    site.open(page, *parts)
    first, second = pair(1), pair(2)
    ask(page, kapa, first)
    vote(page, first, "upvote")
    assert hand_off(page) == {"resolved": None}
    ask(page, kapa, second)
    assert page.evaluate("fetch('/favicon.ico').then(({status}) => status)") == 204
    return [address.partition("?")[0].removeprefix(site.url) for address in page.evaluate("counted")]


def test_another_script_that_wraps_fetch_counts_as_before(
    site: Site, new_page: Callable[[], Page], kapa: Answers
) -> None:
    """Wrapped around the bridge it sees what the page asks; inside it, what goes out; each request once."""
    alone = counted_on(site, new_page(), kapa, "counter", "chat")
    assert len(alone) == 5
    assert counted_on(site, new_page(), kapa, "takeover", "counter", "chat") == alone
    assert counted_on(site, new_page(), kapa, "chat", "takeover", "counter") == alone
    inside = [alone[0], alone[1], "/handoff/offer", "/handoff/tickets", *alone[3:]]
    assert counted_on(site, new_page(), kapa, "counter", "takeover", "chat") == inside
    both = counted_on(site, new_page(), kapa, "counter", "takeover", "counter", "chat")
    assert sorted(both) == sorted(alone + inside)
    assert [len(site.tickets()), len(kapa.to("handoff"))] == [4, 1]
