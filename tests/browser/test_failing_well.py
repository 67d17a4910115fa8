"""What a visitor reads and can do when a ticket cannot be sent: nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, Route, expect

from flask_kapa_handoff.testing import tickets as stored
from flask_kapa_handoff.urls import MAX_PAGE, shortened
from tests.browser.chat import (
    BUTTON,
    CHAT,
    DIALOG,
    add_chat,
    answer,
    conversation_of,
    fill_and_send,
    reference,
    tickets,
)
from tests.browser.conftest import TIMEOUT
from tests.browser.engines import launch
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

CHINESE = "请问如何轮换密钥？" * 5_000

FAILURES: dict[str, Callable[[Route], None]] = {
    "We couldn't send this.": lambda route: route.abort(),
    "You're offline.": lambda route: route.abort("internetdisconnected"),
    "This conversation is too long to send.": lambda route: route.fulfill(status=413, body="<h1>Too large</h1>"),
    "We can't take more messages right now.": lambda route: route.fulfill(status=429, body="<h1>Slow down</h1>"),
    "We couldn't save your ticket just now.": lambda route: route.fulfill(status=503, body="<h1>Away</h1>"),
}


def alert_of(page: Page) -> Locator:
    return page.locator(DIALOG).get_by_role("alert")


def test_each_failure_has_its_own_sentence_and_the_next_attempt_counts_once(chat: Callable[..., Page]) -> None:
    """The text stays, each attempt has the same id, and the conversation travels as JSON."""
    page = chat()
    answer(page, question=CHINESE)
    page.click(BUTTON)
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if "/tickets" in request.url else None)
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_label("Your note").fill("Only once.")
    for sentence, fail in FAILURES.items():
        page.route("**/handoff/tickets", fail, times=1)
        page.context.set_offline("offline" in sentence)
        page.get_by_role("button", name="Send").click()
        expect(alert_of(page)).to_contain_text(sentence)
        expect(page.get_by_label("Your note")).to_have_value("Only once.")
        expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
    page.context.set_offline(False)
    page.get_by_role("button", name="Send").click()
    shown = reference(page)
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of each failure
    (ticket,) = tickets(page)
    assert ticket.reference == shown
    assert conversation_of(page, ticket)[0]["question"] == CHINESE
    assert len(sent) == len(FAILURES) + 1
    assert len({attempt["submission_id"] for attempt in sent}) == 1
    assert [pair["question"] for pair in sent[0]["conversation"]] == [CHINESE]
    assert (sent[0]["email"], sent[0]["note"]) == ("visitor@example.com", "Only once.")


def test_after_20_seconds_the_visitor_is_told_and_until_then_a_bar_moves(chat: Callable[..., Page]) -> None:
    """It fills for as long as the visitor waits."""
    page = chat()
    answer(page)
    page.click(BUTTON)
    page.clock.install()
    held: list[Route] = []
    page.route("**/handoff/tickets", lambda route: held.append(route))
    with page.expect_request("**/handoff/tickets"):
        fill_and_send(page, note="Slow.")
    status = page.locator(DIALOG).get_by_role("status")
    expect(status).to_have_text("Sending…")
    bar = status.evaluate("status => getComputedStyle(status, '::before').animationDuration")
    assert bar == "20s"
    page.clock.run_for(19_000)
    expect(status).to_have_text("Sending…")
    page.clock.run_for(1_500)
    expect(alert_of(page)).to_contain_text("This is taking too long.")
    expect(status).to_be_empty()
    expect(page.get_by_label("Your note")).to_have_value("Slow.")
    page.unroute("**/handoff/tickets")
    page.get_by_role("button", name="Send").click()
    reference(page)
    assert len(tickets(page)) == 1


@pytest.mark.parametrize(
    ("locale", "pattern", "sentence"),
    [
        ("en-GB", "%-I:%M\N{NARROW NO-BREAK SPACE}%p", "Your text is safe – try again after {}."),
        ("de-DE", "%H:%M", "Ihr Text ist noch da – versuchen Sie es nach {} Uhr noch einmal."),
    ],
)
def test_a_limit_says_when_it_ends_by_the_visitors_clock(
    locale: str,
    pattern: str,
    sentence: str,
    make_app: Callable[..., Flask],
    serve: Callable[[Any], str],
    open_context: Callable[..., BrowserContext],
) -> None:
    """In the visitor's time zone and the form's language; the visitor can send again from where the focus is."""
    site = add_chat(make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1))
    send_ticket(site.test_client())
    page = open_context(timezone_id="Asia/Tokyo", locale=locale).new_page()
    page.goto(f"{serve(site)}/?slot=any")
    page.evaluate("lang => document.documentElement.lang = lang", locale)
    answer(page)
    page.click(BUTTON)
    dialog = page.locator(DIALOG)
    dialog.locator("[name=email]").fill("visitor@example.com")
    dialog.locator("[type=submit]").click()
    time = dialog.locator("[role=alert] time")
    expect(time).to_be_visible()
    ends = datetime.fromisoformat((time.get_attribute("datetime") or "").replace("Z", "+00:00"))
    assert 3000 < (ends - datetime.now(ends.tzinfo)).total_seconds() <= 3660
    expect(time).to_have_text(sentence.format(ends.astimezone(ZoneInfo("Asia/Tokyo")).strftime(pattern)))
    expect(dialog.locator("[type=submit]")).to_be_focused()


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


def test_what_was_typed_can_be_copied_without_https(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], plain_page: Callable[[str], Page]
) -> None:
    """When the desk is switched off meanwhile, sending again does not help."""
    site = add_chat(make_app(KAPA_HANDOFF_TRUSTED_HOSTS="plain.example"))
    page = plain_page(serve(site) + "/?slot=any")
    answer(page)
    page.click(BUTTON)
    copy = page.get_by_role("button", name="Copy your text")
    expect(page.get_by_label("Your email")).to_be_visible()
    expect(copy).to_be_hidden()
    page.route("**/handoff/tickets", lambda route: route.abort(), times=1)
    fill_and_send(page, note="A long story.\nWith an end.")
    copy.click()
    expect(page.locator(DIALOG).get_by_text("Your text is copied.")).to_be_visible()
    expect(copy).to_be_focused()
    note = page.get_by_label("Your note")
    note.fill("")
    expect(page.locator(DIALOG).get_by_text("Your text is copied.")).to_have_count(0)
    note.press("Control+V")
    expect(note).to_have_value("visitor@example.com\n\nA long story.\nWith an end.")


def test_a_sites_own_inputs_travel_with_the_form(chat: Callable[..., Page]) -> None:
    """Several with one name, too; an input that should be a declared field is named in the form."""
    page = chat()
    answer(page)
    page.click(BUTTON)
    page.evaluate(
        """() => document.addEventListener("formdata", ({formData}) => {
            formData.append("_tag", "one");
            formData.append("_tag", "two");
            formData.set("undeclared", "x");
        }, {once: true})"""
    )
    seen: list[Any] = []
    page.on("request", lambda request: seen.append(request.post_data_json) if "/tickets" in request.url else None)
    fill_and_send(page)
    expect(alert_of(page)).to_contain_text("This form has no field “undeclared”")
    assert seen[0]["_tag"] == ["one", "two"]
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of the 422
    page.get_by_role("button", name="Send").click()
    reference(page)


@pytest.mark.parametrize(
    "address",
    [
        "?slot=any&state=" + "s" * 2_726,
        "?slot=any&a=1&b=" + "%E8%AF%B7" * 400 + "&c=3#part",
        "long/" + "%E8%AF%B7" * 300 + "?slot=any",
    ],
)
def test_a_long_address_of_a_page_costs_no_button(
    address: str, make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page
) -> None:
    """The browser shortens it as the server does, and the ticket says where the visitor was."""
    site = add_chat(make_app())
    site.add_url_rule("/long/<path>", "long", lambda path: render_template_string(CHAT, slots=["any"]))
    url = f"{serve(site)}/{address}"
    page.goto(url)
    kept = shortened(url.partition("#")[0])
    with page.expect_request("**/handoff/offer?*") as asked:
        answer(page)
    assert parse_qs(urlsplit(asked.value.url).query)["page"] == [kept]
    page.click(BUTTON)
    fill_and_send(page)
    reference(page)
    (ticket,) = stored(site)
    assert ticket.page == kept
    assert len(kept) <= MAX_PAGE
