"""The whole way in a real browser, on the example app, started as its README says in its own process."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Example, watched
from tests.browser.engines import expect

pytestmark = pytest.mark.every_browser

BUTTON = "button.kapa-handoff-button"


def ask(page: Page, question: str) -> None:
    """Ask in the chat, and wait for the answer."""
    answers = page.locator(".answer-footer")
    count = answers.count()
    box = page.locator("#conversation ~ form, form.ask").last.locator("input[name=question], textarea[name=question]")
    box.fill(question)
    box.press("Enter")
    expect(answers).to_have_count(count + 1)


def create_ticket(page: Page, note: str) -> str:
    """Press the newest button, fill in the form, send it; returns the reference."""
    page.locator(BUTTON).last.click()
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_label("Your note").fill(note)
    page.get_by_role("button", name="Send", exact=True).click()
    shown = page.locator("[data-kapa-handoff-reference]")
    expect(shown).to_be_visible()
    return shown.get_attribute("data-kapa-handoff-reference") or ""


def read_mail(page: Page, example: Example, reference: str) -> Page:
    """Wait in the inbox until the mail is there, and open it."""
    page.goto(f"{example.address}/inbox/")
    page.get_by_role("link", name=re.compile(reference)).first.click()
    return page


def sign_in(page: Page, example: Example) -> None:
    page.goto(f"{example.address}/handoff/admin/")
    page.get_by_label("User").fill("admin")
    page.get_by_label("Password").fill(example.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/handoff/admin/"))


def test_ask_downvote_send_and_read_the_mail(example: Example, page: Page) -> None:
    """A good answer has no button; voted down it has one; the ticket arrives in the inbox with note and transcript."""
    page.goto(f"{example.address}/ask/")
    ask(page, "How do I restore a single file?")
    expect(page.locator(BUTTON)).to_have_count(0)
    page.get_by_role("button", name="Not helpful").click()
    expect(page.locator(BUTTON)).to_be_visible()
    reference = create_ticket(page, "It says that there is no such snapshot.")
    assert page.context.cookies() == []
    read_mail(page, example, reference)
    headers = page.locator("main")
    expect(headers).to_contain_text("visitor@example.com")
    expect(headers).to_contain_text("support@pebblecask.example.com")
    html = page.frame_locator("iframe")
    expect(html.locator("body")).to_contain_text("It says that there is no such snapshot.")
    expect(html.locator("body")).to_contain_text("How do I restore a single file?")
    expect(html.locator("body")).to_contain_text("Voted down")
    expect(html.locator("body")).to_contain_text("own record of the conversation")


def test_an_admins_change_shows_without_a_restart(
    example: Example, page: Page, open_context: Callable[..., BrowserContext]
) -> None:
    """Other text and other triggers, saved on the settings page, hold for the next answer of another visitor."""
    admin = watched(open_context().new_page())
    sign_in(admin, example)
    admin.get_by_label("Button text").fill("Ask a human")
    admin.get_by_role("radio", name="Every answer").check()
    admin.get_by_role("button", name="Save changes").click()
    expect(admin.get_by_role("status").filter(has_text=re.compile("saved", re.IGNORECASE)).first).to_be_visible()

    page.goto(f"{example.address}/ask/")
    ask(page, "How do I restore a single file?")
    expect(page.locator(BUTTON)).to_have_text("Ask a human")
    reference = create_ticket(page, "")
    admin.goto(f"{example.address}/handoff/admin/tickets")
    expect(admin.get_by_role("main")).to_contain_text(reference)
    assert admin.problems == []  # type: ignore[attr-defined]


def test_the_whole_way_works_without_script(example: Example, open_context: Callable[..., BrowserContext]) -> None:
    """Ask, button, form page, confirmation page, mail: with JavaScript switched off."""
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{example.address}/ask/")
    ask(page, "Will it rain tomorrow?")
    reference = create_ticket(page, "Sent without script.")
    page.goto(f"{example.address}/inbox/")
    link = page.get_by_role("link", name=re.compile(reference)).first
    for _ in range(500):  # without script the page does not ask again automatically
        if link.count():
            break
        page.reload()
    link.click()
    expect(page.locator("main")).to_contain_text("Sent without script.")
    assert page.context.cookies() == []
