"""What the site itself knows takes precedence over what the browser says, in Kapa's form as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Visitor
from tests.browser.kapa.conftest import Site, ask, attached, conversation_of, hand_off, stored
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair

pytestmark = pytest.mark.only("sqlite")


def test_a_signed_in_visitors_address_is_the_sites(make_site: Callable[..., Site], page: Page, kapa: Answers) -> None:
    """Whatever was typed into Kapa's form, replies go to the address that the site knows."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("known@example.com", "Ada"))
    site = make_site(handoff=handoff)
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page, email="typed@example.net") == {"resolved": None}
    assert site.mails(1)[0].message["Reply-To"].addresses[0].addr_spec == "known@example.com"


def test_a_transcript_that_the_site_keeps_is_the_sites(
    make_site: Callable[..., Site], page: Page, kapa: Answers
) -> None:
    """It is loaded by Kapa's thread id; a thread that the site does not know has the browser's."""
    kept = Conversation((QuestionAnswer("As the site has it?", "Yes.", "a1"),), "t1")
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: kept if thread_id == "t1" else None)
    site = make_site(handoff=handoff)
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == {"resolved": None}
    assert conversation_of(site) == kept.as_json()
    assert attached(site.mails(1)[0])["transcript_source"] == "site"
    page.evaluate("reset()")
    ask(page, kapa, pair(2), thread="t2")
    assert hand_off(page) == {"resolved": None}
    assert conversation_of(site, 2) == stored(pair(2))
    assert attached(site.mails(2)[1])["transcript_source"] == "browser"
