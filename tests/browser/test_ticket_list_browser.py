"""The list of tickets in a real browser: found while typing, ticked, sent again, and told when something has moved."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from benchmarks.many_tickets import fill
from flask_kapa_handoff import testing
from flask_kapa_handoff.state import state_of
from tests.helpers.deliveries import rewrite
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

LIST = "/handoff/admin/tickets"


def test_a_ticket_is_found_while_typing_and_sent_again(
    page: Page, admin_app: Callable[..., Flask], serve: Callable[[Any], str]
) -> None:
    """The list, the counts, the downloads and the address follow; what is typed stays; all are ticked by one box."""
    app = admin_app()
    client = app.test_client()
    wanted = [send_ticket(client, email=f"maria.gonzalez@acme{number}.example") for number in range(3)]
    send_ticket(client)
    for reference in wanted:
        rewrite(app, reference, status="failed", next_attempt_at=None, last_error="550 5.1.1 no such user")
    address = serve(app)
    page.goto(f"{address}{LIST}")
    search = page.get_by_role("searchbox", name="Search")
    search.press_sequentially("gonzalez@ac")
    expect(page.locator(".handoff-tickets > li")).to_have_count(3)
    expect(page).to_have_url(re.compile(r"\?q=gonzalez(@|%40)ac$"))
    expect(search).to_be_focused()
    expect(page.get_by_role("link", name="Failed 3")).to_be_visible()
    expect(page.get_by_role("link", name="CSV")).to_have_attribute("href", re.compile("q=gonzalez"))
    # htmx would keep a copy of the page in the browser; its own address may stay.
    assert "acme" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")

    send = page.get_by_role("button", name="Send again")
    expect(send).to_be_hidden()
    page.get_by_role("checkbox", name=f"Select {wanted[0]}").check()
    expect(page.get_by_text("Selected: 1")).to_be_visible()
    everything = page.get_by_role("checkbox", name="All on this page")
    expect(everything).not_to_be_checked()
    everything.check()
    expect(page.locator(".handoff-pick:checked")).to_have_count(3)
    expect(page.get_by_text("Selected: 3")).to_be_visible()
    send.click()
    expect(page.get_by_role("status").filter(has_text="3 tickets will be sent now.")).to_be_visible()
    expect(search).to_have_value("gonzalez@ac")

    # Now they move, and the page shows it without being loaded again.
    page.evaluate("window.stays = true")
    for reference in wanted:
        rewrite(app, reference, status="delivered", next_attempt_at=None)
    expect(page.locator(".handoff-tickets .handoff-delivered")).to_have_count(3)
    assert page.evaluate("window.stays")
    expect(page.locator("#kapa-handoff-admin-live")).not_to_have_attribute("hx-get", re.compile("."))


@pytest.mark.parametrize("script", [True, False])
def test_all_that_match_are_deleted_with_their_number(
    open_context: Callable[..., BrowserContext],
    admin_app: Callable[..., Flask],
    serve: Callable[[Any], str],
    script: bool,
) -> None:
    """More than a page: one box chooses them, and none can be taken out; with and without script."""
    app = admin_app()
    fill(state_of(app).database, 120)
    kept = send_ticket(app.test_client(), email="ada@acme.example")
    page = open_context(java_script_enabled=script).new_page()
    page.goto(f"{serve(app)}{LIST}?to=2026-11-01")
    page.get_by_role("checkbox", name="Select T-").first.check()
    page.get_by_role("checkbox", name="Select all 100+ that match").check()
    expect(page.get_by_role("checkbox", name="Select T-")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete these 120 tickets?")).to_be_visible()
    page.get_by_label("Type 120 to confirm").fill("12")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert").filter(has_text="type their number: 120")).to_be_visible()
    page.get_by_label("Type 120 to confirm").fill("120")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("120 tickets were deleted.")).to_be_visible()
    assert [one.reference for one in testing.tickets(app)] == [kept]


def test_without_script_everything_can_be_done(
    open_context: Callable[..., BrowserContext], admin_app: Callable[..., Flask], serve: Callable[[Any], str]
) -> None:
    """Search, choose a state, delete some, forget a visitor."""
    app = admin_app()
    client = app.test_client()
    for name in ("ada", "ada", "ben", "cora"):
        send_ticket(client, email=f"{name}@example.com")
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{serve(app)}{LIST}")
    page.get_by_role("searchbox", name="Search").fill("ben")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Waiting 1").click()
    page.get_by_role("checkbox", name="Select").check()
    expect(page.get_by_text("All on this page")).to_be_hidden()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete this ticket?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 ticket was deleted.")).to_be_visible()
    page.goto(f"{serve(app)}{LIST}?q=ada")
    page.locator(".handoff-tickets a").first.click()
    page.get_by_role("button", name="Forget this visitor").click()
    page.get_by_role("button", name="Forget this visitor").click()
    expect(page.get_by_text("2 tickets were deleted.")).to_be_visible()
    assert [one.visitor_email for one in testing.tickets(app)] == ["cora@example.com"]
