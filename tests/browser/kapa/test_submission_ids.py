"""The ids under which the bridge sends tickets, also on pages that were loaded over plain http."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import Site, ask, hand_off
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair

pytestmark = pytest.mark.only("sqlite")


def test_ids_are_random_uuids_where_the_browser_makes_none(site: Site, page: Page, kapa: Answers) -> None:
    """Without `crypto.randomUUID()`, which is missing on an intranet without https, each ticket has another UUID."""
    page.add_init_script("delete Crypto.prototype.randomUUID")
    site.open(page, "takeover", "chat")
    assert page.evaluate("'randomUUID' in crypto") is False
    ask(page, kapa, pair(1))
    ids = []
    for note in ("One.", "Two."):
        with page.expect_request("**/handoff/tickets") as posted:
            assert hand_off(page, note=note) == {"resolved": None}
        ids.append(uuid.UUID((posted.value.post_data_json or {})["submission_id"]))
    assert len(set(ids)) == 2
    assert {each.version for each in ids} == {4}
    assert {each.variant for each in ids} == {uuid.RFC_4122}
    assert len(site.tickets()) == 2
