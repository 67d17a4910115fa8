"""Desks in a real browser: set up by a support person, and chosen by the page that a visitor reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Browser, Page, expect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from tests.helpers.admin import let_pass

Serve = Callable[[Any], str]

pytestmark = pytest.mark.only("sqlite")

PAGE = """<!doctype html><html lang="en"><title>Docs</title>{{ kapa_handoff_script(desk=desk) }}
<div data-kapa-handoff-slot></div>
<script type="module">
KapaHandoff.answer({threadId: "t1", id: "a1", question: "What does it cost?", answer: "It depends."});
</script></html>"""


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    """A site with docs pages."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass))
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    app.add_url_rule("/docs/<path:name>", "docs", lambda name: render_template_string(PAGE, desk=None))
    return app


def test_a_sales_desk_for_the_pricing_pages(page: Page, site: Flask, serve: Serve) -> None:
    """From the settings page to a visitor's ticket; nothing jumps when the rules are saved."""
    address = serve(site)
    page.set_viewport_size({"width": 1000, "height": 500})
    page.goto(f"{address}/handoff/admin/")
    page.get_by_role("link", name="Send some tickets elsewhere").click()
    page.get_by_label("Name", exact=True).and_(page.locator("#kapa-handoff-admin-add-label")).fill("Sales")
    page.get_by_label("Send tickets to").fill("sales@example.com, deals@example.com")
    page.get_by_role("button", name="Add a desk").click()
    page.get_by_label("Button text").fill("Ask sales")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".handoff-toast")).to_contain_text("Saved.")
    page.get_by_role("link", name="All desks and page rules").click()
    page.get_by_label("Pages whose path is").fill("/docs/pricing/*")
    page.get_by_label("Try a page").fill("/docs/pricing/teams")
    expect(page.locator("#kapa-handoff-admin-tryout")).to_contain_text("belongs to Sales, by the rule")
    save = page.get_by_role("button", name="Save rules").last
    save.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    save.click()
    expect(page.locator(".handoff-toast")).to_contain_text("Saved. Live now.")
    expect(page.get_by_label("Pages whose path is")).to_have_count(2)
    assert abs(page.evaluate("scrollY") - before) < 120  # the new empty row is one row high
    remove = page.locator(".handoff-desk-list > li").filter(has_text="sales@example.com")
    links = remove.locator("summary")
    places = links.evaluate_all("links => links.map((link) => link.offsetLeft)")
    for link in links.all():
        link.click()
        expect(remove.locator("details[open] form")).to_be_visible()  # one at a time
        assert links.evaluate_all("links => links.map((link) => link.offsetLeft)") == places
    expect(remove).to_contain_text("Its 1 page rule stays, without effect.")
    remove.get_by_role("button", name="Remove Sales").click()
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Button text")).to_have_value("Ask sales")
    page.goto(f"{address}/docs/about")
    expect(page.get_by_role("button", name="Create ticket")).to_be_visible()
    page.goto(f"{address}/docs/pricing/teams")
    page.get_by_role("button", name="Ask sales").click()
    page.get_by_label("Your email").fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("dialog")).to_contain_text("T-")
    (ticket,) = tickets(site)
    assert (ticket.desk, ticket.recipient) == ("sales", "sales@example.com, deals@example.com")


def test_desks_without_script(browser: Browser, site: Flask, serve: Serve) -> None:
    """Each form is a form: add, rename, rules, try, move, remove and Undo."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{serve(site)}/handoff/admin/desks")
    for name in ("Sales", "Bugs"):
        page.locator("#kapa-handoff-admin-add-label").fill(name)
        page.get_by_label("Send tickets to").fill(f"{name.lower()}@example.com")
        page.get_by_role("button", name="Add a desk").click()
        page.get_by_role("link", name="All desks and page rules").click()
    for number, desk in enumerate(("sales", "bugs")):
        page.get_by_label("Pages whose path is").nth(number).fill("/pricing*")
        page.get_by_label("Desk", exact=True).nth(number).select_option(desk)
        page.get_by_role("button", name="Save rules").last.click()
    page.get_by_label("Try a page").fill("/pricing")
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.locator("#kapa-handoff-admin-tryout")).to_contain_text("/pricing belongs to Sales")
    page.get_by_role("button", name="Move up").click()
    assert [rule.desk for rule in state_of(site).desks.rules] == ["bugs", "sales"]
    item = page.get_by_role("listitem").filter(has_text="bugs@example.com")
    item.get_by_text("Remove", exact=False).first.click()
    item.get_by_role("button", name="Remove Bugs").click()
    expect(page.get_by_role("status").first).to_contain_text("Bugs was removed. Its tickets are kept.")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    assert list(state_of(site).desks.present) == ["default", "bugs", "sales"]
    context.close()
