"""What a visitor of any application does and types."""

from __future__ import annotations

from playwright.sync_api import Page, expect

QUESTION, ANSWER = "How do I rotate a key?", "keys rotate"
NOTE = "It does not work on Tuesdays."


def send(page: Page) -> str:
    """Press the button, fill in the form, send it; returns the ticket's reference."""
    page.locator("button.kapa-handoff-button").click()
    form = page.locator("form[action$='/handoff/tickets']")
    form.locator("[name=email]").fill("visitor@example.com")
    form.locator("[name=note]").fill(NOTE)
    form.locator("[type=submit]").last.click()
    shown = page.locator("[data-kapa-handoff-reference]")
    expect(shown).to_be_visible()
    return shown.get_attribute("data-kapa-handoff-reference") or ""
