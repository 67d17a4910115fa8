"""Answers in Kapa's own chat are reported for the answer records; our own button asks the server anyway."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request

from tests.browser.kapa.conftest import Site, ask, hand_off, vote
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair
from tests.helpers.answers import records

pytestmark = pytest.mark.only("sqlite")


def is_report(request: Request) -> bool:
    return request.url.endswith("/handoff/events")


@pytest.mark.parametrize("parts", [("takeover", "chat"), ("takeover", "widget")], ids=["SDK", "widget"])
def test_each_answer_is_one_record(site: Site, page: Page, kapa: Answers, parts: tuple[str, ...]) -> None:
    """With its pairs, its uncertainty and its vote; and with its ticket."""
    site.open(page, *parts)
    first = pair(1)
    with page.expect_event("requestfinished", is_report):
        ask(page, kapa, first)
    with page.expect_event("requestfinished", is_report) as reported:
        ask(page, kapa, pair(2, uncertain=True))
    sent = reported.value.post_data or ""
    assert "event=answer" in sent
    assert "Question" not in sent
    with page.expect_event("requestfinished", is_report):
        vote(page, first, "downvote")
    assert hand_off(page) == {"resolved": None}
    names = ("pairs", "uncertain", "downvoted", "offered", "sent")
    found = sorted(tuple(row[name] for name in names) for row in records(site.app))
    assert found == [(1, False, True, True, False), (2, True, False, True, True)]


def test_our_own_button_reports_nothing_twice(site: Site, page: Page, kapa: Answers) -> None:
    """The server has recorded the answer when it was asked for the button."""
    site.open(page, "button", "chat")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url.partition("?")[0].rpartition("/")[2]))
    with page.expect_response("**/handoff/offer?*"):
        ask(page, kapa, pair(1))
    with page.expect_response("**/handoff/offer?*"):
        ask(page, kapa, pair(2))
    assert len(records(site.app)) == 2
    assert "events" not in sent
