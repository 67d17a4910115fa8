"""Kapa's own form on a page that belongs to a further desk: the bridge delivers to that desk."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from flask_kapa_handoff.settings_api import Settings
from tests.browser.kapa.conftest import Site, ask, hand_off
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair
from tests.helpers.desks import save_desk, save_rules

pytestmark = pytest.mark.only("sqlite")

LISTEN = 'window.told = []; document.addEventListener("kapa-handoff:submit", ({detail}) => told.push(detail))'


def handed_off(site: Site, page: Page, kapa: Answers, part: str) -> dict[str, Any]:
    """Hand a conversation off on a page with this part; returns what the page's own scripts are told."""
    page.add_init_script(LISTEN)
    site.open(page, part, "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == {"resolved": None}
    (detail,) = page.evaluate("told")
    return dict(detail)


def test_a_page_that_names_a_desk_hands_off_to_it(site: Site, page: Page, kapa: Answers) -> None:
    """``data-desk`` on the bridge's tag: the ticket, its mail and the event are of that desk."""
    save_desk(site.app)
    detail = handed_off(site, page, kapa, "sales")
    (ticket,) = site.tickets()
    assert page.locator("script[data-bridge]").get_attribute("data-desk") == "sales"
    assert (ticket.desk, ticket.recipient) == ("sales", "sales@example.com")
    assert (detail["desk"], detail["reference"]) == ("sales", ticket.reference)
    (mail,) = site.mails(1)
    assert mail.recipients == ["sales@example.com"]


def test_a_page_rule_hands_off_to_its_desk(site: Site, page: Page, kapa: Answers) -> None:
    """The page names none, so its path decides."""
    save_desk(site.app)
    save_rules(site.app, ("/", "sales"))
    detail = handed_off(site, page, kapa, "takeover")
    (ticket,) = site.tickets()
    assert (ticket.desk, detail["desk"]) == ("sales", "sales")


def test_a_desk_that_is_gone_hands_off_to_the_default_one(site: Site, page: Page, kapa: Answers) -> None:
    """The visitor is served, and the event says by whom."""
    save_desk(site.app)
    with site.app.app_context():
        Settings().remove("sales", changed_by="ada")
    detail = handed_off(site, page, kapa, "sales")
    (ticket,) = site.tickets()
    assert (ticket.desk, detail["desk"]) == ("default", "default")
