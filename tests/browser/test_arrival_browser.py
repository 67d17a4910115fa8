"""Proof that mails arrive, and tickets that are taken by mail, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from flask_kapa_handoff import testing
from tests.helpers.arrivals import key_of, link_in, mailing_app
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")


def test_a_test_mail_and_a_ticket_reach_somebody(
    page: Page,
    open_context: Callable[..., BrowserContext],
    admin_app: Callable[..., Flask],
    mail_server: MailServer,
    serve: Callable[[Any], str],
) -> None:
    """From the check-up's button to "last confirmed arrival"; then from the settings to a ticket that is taken.

    The reader of the mailbox has no account, and their browser runs no script.
    """
    site = mailing_app(admin_app, mail_server)
    address = serve(site)
    page.set_default_timeout(20_000)
    page.goto(f"{address}/handoff/admin/doctor")
    page.get_by_role("button", name="Send a test mail").click()
    expect(page.locator("#kapa-handoff-admin-outcome")).to_contain_text("Press the button in it")

    reader = open_context(java_script_enabled=False).new_page()

    def press(path: str, label: str) -> None:
        link = link_in(mail_server.received[-1], path)
        reader.goto(f"{address}/handoff/{path}?key={key_of(link)}")
        reader.get_by_role("button", name=label).click()

    press("arrived", "Yes, the test mail arrived")
    expect(reader.get_by_role("heading")).to_have_text("Thanks!")
    page.goto(f"{address}/handoff/admin/doctor")
    expect(page.get_by_role("main")).to_contain_text(
        re.compile(r"Last confirmed arrival: (1 minute ago|just now), at support@example\.com\.")
    )
    expect(page.get_by_role("button", name="Send a test mail")).to_have_count(0)

    page.goto(f"{address}/handoff/admin/")
    page.get_by_text("Your team takes tickets by mail").click()
    page.get_by_label("Mails have a button").check()
    page.get_by_label("Remind", exact=True).fill("boss@example.com")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".handoff-toast")).to_contain_text("Saved. Live now.")
    reference = send_ticket(site.test_client())
    testing.deliver(site)
    mail_server.wait_for(2)
    page.goto(f"{address}/handoff/admin/tickets/{reference}")
    expect(page.get_by_role("region", name="Who's on it")).to_contain_text("a reminder goes to boss@example.com")
    press("take", "I'm on it")
    expect(reader.get_by_role("heading")).to_have_text("You're on it")
    page.reload()
    expect(page.get_by_role("region", name="Who's on it")).to_contain_text("support@example.com took this ticket")
    page.get_by_role("button", name="Nobody has it").click()
    expect(page.get_by_role("button", name="I'm on it")).to_be_visible()
    page.get_by_role("button", name="I'm on it").click()
    page.goto(f"{address}/handoff/admin/tickets")
    expect(page.locator(".handoff-taken")).to_contain_text(re.compile(r"Taken (1 minute ago|just now)"))
