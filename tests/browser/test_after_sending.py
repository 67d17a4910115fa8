"""A slip in the address: named as one types, and corrected after sending. And the visitor's own copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Visitor, testing
from tests.browser.chat import BUTTON, DIALOG, add_chat, answer, fill_and_send, record_events, reference, seen, tickets
from tests.browser.conftest import TIMEOUT
from tests.browser.engines import launch

pytestmark = pytest.mark.only("sqlite")

EMAIL = "Your email"

MEANT = {
    "ada@gmial.com": "gmail.com",
    "ada@gmail.co": "gmail.com",
    "ada@gmaill.com": "gmail.com",
    "Ada+tag@GNAIL.COM": "gmail.com",
    "ada@hotmial.com": "hotmail.com",
    "ada@yaho.com": "yahoo.com",
    "ada@outlok.com": "outlook.com",
    "ada@icloud.con": "icloud.com",
    "ada@yahooo.fr": "yahoo.fr",
    "ada@t-onlin.de": "t-online.de",
    "ada@yahoo.co.ku": None,
    "ada@gmail.com": None,
    "ada@mail.com": None,
    "ada@ymail.com": None,
    "ada@email.com": None,
    "ada@gmx.at": None,
    "ada@hotmail.be": None,
    "ada@outlook.dk": None,
    "ada@yahoo.co.in": None,
    "ada@gmialx.com": None,
    "ada@example.com": None,
    "ada@": None,
    "@gmial.com": None,
    "gmial.com": None,
}
"""What is typed, and the domain that is suggested; None: none is."""

STILL = "() => Promise.all(document.querySelector('dialog').getAnimations().map(({finished}) => finished))"
BOXES = """() => [...document.querySelectorAll("dialog[open] :is(button, input, textarea, label, summary)")]
    .filter((shown) => !shown.closest("[aria-live]"))
    .map((shown) => [shown.textContent, JSON.stringify(shown.getBoundingClientRect())])"""


def open_form(page: Page, **pair: Any) -> None:
    answer(page, **pair)
    page.click(BUTTON)
    expect(page.locator(DIALOG)).to_be_visible()


def suggestion(page: Page) -> Locator:
    return page.locator(DIALOG).get_by_role("button", name="Did you mean")


def test_a_slip_in_the_domain_is_named_and_nothing_moves(chat: Callable[..., Page]) -> None:
    """As one types, after a pause, in the place of the box below; on leaving the field at once. It never blocks."""
    page = chat()
    open_form(page)
    email, box = page.get_by_label(EMAIL), page.get_by_label("Remember my address on this device")
    page.evaluate(STILL)
    page.clock.install()
    before = page.evaluate(BOXES)
    email.press_sequentially("ada@gmial.com")
    expect(suggestion(page)).to_be_hidden()
    page.clock.run_for(700)
    expect(suggestion(page)).to_have_text("Did you mean gmail.com?")
    expect(page.locator(f"{DIALOG} [aria-live=polite]").filter(has_text="Did you mean")).to_have_count(1)
    expect(box).to_be_hidden()
    assert page.evaluate(BOXES) == before
    suggestion(page).press("Enter")
    expect(email).to_have_value("ada@gmail.com")
    expect(email).to_be_focused()
    expect(suggestion(page)).to_be_hidden()
    expect(box).to_be_visible()
    for typed, meant in MEANT.items():
        email.fill(typed)
        email.blur()
        if meant:
            expect(suggestion(page)).to_have_text(f"Did you mean {meant}?")
        else:
            expect(suggestion(page)).to_be_hidden()
    email.fill("Ada+tag@GNAIL.COM")
    email.blur()
    suggestion(page).click()
    expect(email).to_have_value("Ada+tag@gmail.com")
    email.fill("ada@gmial.com")
    page.keyboard.press("Escape")
    page.reload()
    open_form(page)
    expect(email).to_have_value("ada@gmial.com")
    expect(suggestion(page)).to_be_visible()
    page.get_by_role("button", name="Send").click()
    reference(page)
    assert tickets(page)[0].visitor_email == "ada@gmial.com"


def test_a_signed_in_visitors_address_is_left_alone(chat: Callable[..., Page]) -> None:
    """Neither named nor corrected: the site knows it."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@gmial.com", "Ada"))
    page = chat(handoff=handoff)
    open_form(page)
    expect(page.get_by_label(EMAIL)).to_have_value("ada@gmial.com")
    expect(suggestion(page)).to_be_hidden()
    page.get_by_role("button", name="Send").click()
    reference(page)
    expect(page.get_by_text("Wrong address?")).to_have_count(0)
    expect(page.get_by_role("button", name="Save as text")).to_be_visible()


def test_a_wrong_address_is_corrected_after_sending(chat: Callable[..., Page]) -> None:
    """Errors are beside the field; then the new one is confirmed, remembered, and goes on in what is added."""
    page = chat()
    record_events(page)
    open_form(page)
    fill_and_send(page, email="ada@gmial.com", note="Please help.")
    shown = reference(page)
    expect(page.get_by_role("heading", name="Thanks, we've got your question")).to_be_focused()
    page.get_by_text("Wrong address?").click()
    email = page.get_by_label(EMAIL)
    expect(email).to_have_value("ada@gmial.com")
    suggestion(page).click()
    expect(email).to_have_value("ada@gmail.com")
    page.mouse.click(5, 5)
    expect(page.get_by_text("Press Done to close it.")).to_be_visible()

    page.route("**/handoff/address", lambda route: route.abort(), times=1)
    correct = page.get_by_role("button", name="Correct it")
    correct.click()
    expect(page.locator(DIALOG).get_by_role("alert")).to_contain_text("We couldn't send this.")
    page.problems.clear()  # type: ignore[attr-defined]
    email.fill("ada@")
    correct.click()
    expect(page.get_by_text("Check the address: the part after the @ is missing.")).to_be_visible()
    expect(email).to_be_focused()
    expect(email).to_have_value("ada@")
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of the 422
    email.fill("ada@gmail.com")
    with page.expect_request("**/handoff/address") as asked:
        email.press("Enter")
    assert set(asked.value.post_data_json or ()) == {"receipt", "email"}
    expect(page.get_by_role("heading", name="We've corrected your address")).to_be_focused()
    expect(page.get_by_text("We'll reply to ada@gmail.com.")).to_be_visible()
    expect(page.get_by_text("Wrong address?")).to_have_count(0)
    assert reference(page) == shown
    page.mouse.click(5, 5)
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.get_by_text(f"Ticket {shown} sent")).to_be_focused()
    assert [name for name, _ in seen(page)] == ["before-open", "open", "submit"]

    page.get_by_role("button", name="Add something").click()
    expect(page.get_by_text(f"This adds to your ticket {shown}. Someone at")).to_be_visible()
    expect(email).to_have_value("ada@gmail.com")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Done").click()
    first, second = tickets(page)
    assert (first.visitor_email, second.visitor_email) == ("ada@gmail.com", "ada@gmail.com")
    assert (second.follows, first.reference) == (first.id, shown)


def test_once_it_is_delivered_the_place_of_the_button_names_the_further_ticket(chat: Callable[..., Page]) -> None:
    """A page hears of it as of every ticket."""
    page = chat(MAIL_SUPPRESS_SEND=True)
    record_events(page)
    open_form(page)
    fill_and_send(page, email="ada@gmial.com")
    first = reference(page)
    testing.deliver(page.site)  # type: ignore[attr-defined]
    page.get_by_text("Wrong address?").click()
    page.get_by_label(EMAIL).fill("ada@gmail.com")
    page.get_by_role("button", name="Correct it").click()
    expect(page.get_by_role("heading", name="We've corrected your address")).to_be_visible()
    second = reference(page)
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text(f"Ticket {second} sent")).to_be_visible()
    references = [detail["reference"] for name, detail in seen(page) if name == "submit"]
    assert references == [first, second]
    assert references == [ticket.reference for ticket in tickets(page)]


def test_what_was_sent_is_copied_or_saved(chat: Callable[..., Page], tmp_path: Path) -> None:
    """Both have the same text; if it cannot be copied, it can still be saved."""
    page = chat()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_form(page, question="Wie geht das? 请问")
    fill_and_send(page, note="First line.\nSecond.")
    shown = reference(page)
    dialog, copy = page.locator(DIALOG), page.get_by_role("button", name="Copy", exact=True)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as text").click()
    saving.value.save_as(tmp_path / "copy.txt")
    assert saving.value.suggested_filename == f"{shown}.txt"
    expect(dialog).to_be_visible()
    copy.click()
    expect(dialog.get_by_text("Copied.")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == (tmp_path / "copy.txt").read_text()
    assert "| First line.\n| Second." in text
    assert "| Wie geht das? 请问" in text
    page.route("**/handoff/copy", lambda route: route.abort())
    copy.click()
    expect(dialog.get_by_text("We couldn't copy this. Save it as text instead.")).to_be_visible()
    page.problems.clear()  # type: ignore[attr-defined]


@pytest.fixture
def plain_page(playwright: Playwright) -> Iterator[Callable[[str], Page]]:
    """Opens a site under a name that is not the machine's own, where browsers do without what needs HTTPS."""
    started: list[Browser] = []

    def open_plain(address: str) -> Page:
        started.append(launch(playwright, "--host-resolver-rules=MAP plain.example 127.0.0.1"))
        page = started[-1].new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(address.replace("127.0.0.1", "plain.example"))
        assert page.evaluate("isSecureContext") is False
        return page

    yield open_plain
    for browser in started:
        browser.close()


def test_it_is_copied_without_https(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], plain_page: Callable[[str], Page]
) -> None:
    """Where there is no clipboard for scripts."""
    page = plain_page(serve(add_chat(make_app(KAPA_HANDOFF_TRUSTED_HOSTS="plain.example"))) + "/?slot=any")
    open_form(page)
    fill_and_send(page, note="Only here.")
    shown = reference(page)
    copy = page.get_by_role("button", name="Copy", exact=True)
    copy.click()
    expect(page.locator(DIALOG).get_by_text("Copied.")).to_be_visible()
    expect(copy).to_be_focused()
    page.get_by_text("Wrong address?").click()
    page.evaluate("document.querySelector('dialog details').append(document.createElement('textarea'))")
    page.locator("dialog textarea").press("Control+V")
    pasted = page.locator("dialog textarea").input_value()
    assert shown in pasted
    assert "| Only here." in pasted


def test_without_script_the_page_does_both(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """Folded, with a mistake and without; the file is saved by the browser."""
    site = make_app()
    conversation = Conversation((QuestionAnswer("How?", "So.", "a1"),))

    @site.get("/")
    def chat() -> str:
        return render_template_string("{{ kapa_handoff_button(c) }}", c=conversation)

    page = open_context(java_script_enabled=False).new_page()
    page.goto(serve(site))
    page.get_by_role("button", name="Create ticket", exact=True).click()
    fill_and_send(page, email="ada@gmial.com")
    expect(page.get_by_role("button", name="Correct it")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy", exact=True)).to_have_count(0)
    page.get_by_text("Wrong address?").click()
    page.get_by_label(EMAIL).fill("ada@")
    page.get_by_role("button", name="Correct it").click()
    expect(page.get_by_text("the part after the @ is missing")).to_be_visible()
    page.get_by_label(EMAIL).fill("ada@gmail.com")
    page.get_by_role("button", name="Correct it").click()
    expect(page.get_by_text("We'll reply to ada@gmail.com.")).to_be_visible()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as text").click()
    (ticket,) = testing.tickets(site)
    assert saving.value.suggested_filename == f"{ticket.reference}.txt"
    assert ticket.visitor_email == "ada@gmail.com"
    page.get_by_role("link", name="Back to the page").click()
    expect(page.get_by_role("button", name="Create ticket", exact=True)).to_be_visible()
