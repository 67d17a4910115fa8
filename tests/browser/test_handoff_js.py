"""The visitor's form in a real browser, under a strict Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import BrowserContext, Page, Route
from sqlalchemy import select

from flask_kapa_handoff import KapaHandoff, Visitor
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import transcript
from flask_kapa_handoff.storage.tickets import latest_tickets
from tests.browser.chat import (
    BUTTON,
    DIALOG,
    answer,
    conversation_of,
    fill_and_send,
    reference,
    tickets,
)
from tests.browser.conftest import watched
from tests.browser.engines import expect

pytestmark = pytest.mark.only("sqlite")


def test_from_an_answer_to_a_stored_ticket(chat: Callable[..., Page]) -> None:
    """The button appears, opens the form, and sending it stores the whole conversation with email and note."""
    page = chat()
    answer(page, 1, sources=[{"title": "Keys", "url": "https://example.com/keys"}])
    answer(page, 2, uncertain=True)
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()
    fill_and_send(page)
    shown = reference(page)
    (ticket,) = tickets(page)
    assert ticket.reference == shown
    assert (ticket.visitor_email, ticket.note) == ("visitor@example.com", "Please help.")
    assert (ticket.thread_id, ticket.answer_id, ticket.transcript_source) == ("t1", "a2", "browser")
    assert ticket.page is not None
    assert ticket.page.endswith("/?slot=any")
    assert conversation_of(page, ticket) == [
        {
            "id": "a1",
            "question": "Question 1?",
            "answer": "Answer *1*.",
            "sources": [{"title": "Keys", "url": "https://example.com/keys"}],
            "uncertain": False,
            "reaction": None,
        },
        {
            "id": "a2",
            "question": "Question 2?",
            "answer": "Answer *2*.",
            "sources": [],
            "uncertain": True,
            "reaction": None,
        },
    ]
    page.keyboard.press("Escape")
    expect(page.locator(BUTTON)).to_be_hidden()
    assert page.context.cookies() == []
    # In the button's place stands what came of it, and the keyboard is there.
    left = page.locator("[data-kapa-handoff-slot]").get_by_text(f"Ticket {shown} sent")
    expect(left).to_be_visible()
    expect(left).to_be_focused()


def test_errors_are_shown_at_the_fields_and_the_text_stays(chat: Callable[..., Page]) -> None:
    """A wrong address is named at its field, which has the focus; the note is still there; fixing it sends."""
    page = chat()
    answer(page)
    page.locator(BUTTON).click()
    fill_and_send(page, email="nobody", note="A long story.")
    email = page.get_by_label("Your email")
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_be_focused()
    described = email.get_attribute("aria-describedby") or ""
    expect(page.locator("#" + described.split()[0])).to_contain_text("Check the address: the @ is missing.")
    expect(page.get_by_label("Your note")).to_have_value("A long story.")
    page.problems.clear()  # type: ignore[attr-defined]  # Chromium reports the 422
    email.fill("visitor@example.com")
    page.get_by_role("button", name="Send").click()
    reference(page)
    assert [ticket.note for ticket in tickets(page)] == ["A long story."]


def test_a_failed_sending_loses_nothing_and_can_be_repeated(chat: Callable[..., Page]) -> None:
    """When the network fails an alert says so; sending again stores one ticket, even if the first one had arrived."""
    page = chat()
    answer(page)
    page.locator(BUTTON).click()

    def lose_the_reply(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/handoff/tickets", lose_the_reply, times=1)
    fill_and_send(page, note="Only once.")
    alert = page.locator(DIALOG).get_by_role("alert")
    expect(alert).to_contain_text("Your text is safe")
    expect(page.get_by_label("Your note")).to_have_value("Only once.")
    page.get_by_role("button", name="Send").click()
    shown = reference(page)
    assert [ticket.reference for ticket in tickets(page)] == [shown]
    page.problems.clear()  # type: ignore[attr-defined]  # Chromium reports the lost reply


def test_an_error_page_of_a_proxy_leaves_the_form_as_it_is(chat: Callable[..., Page]) -> None:
    """A reply that is not this package's is an error in the form, not the form's end."""
    page = chat()
    answer(page)
    page.locator(BUTTON).click()
    page.route("**/handoff/tickets", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"), times=1)
    fill_and_send(page, note="Still here.")
    expect(page.locator(DIALOG).get_by_role("alert")).to_contain_text("Your text is safe")
    expect(page.get_by_label("Your note")).to_have_value("Still here.")
    page.problems.clear()  # type: ignore[attr-defined]


def test_the_servers_refusals_keep_the_text(chat: Callable[..., Page]) -> None:
    """Too many tickets: the form says so, and what was typed is still in it."""
    page = chat(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    for number in (1, 2):
        answer(page, number)
        page.click(f"[data-answer-id=a{number}] {BUTTON}")
        fill_and_send(page, note=f"Note {number}.")
        if number == 1:
            reference(page)
            page.keyboard.press("Escape")
            expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator(DIALOG).get_by_role("alert")).to_contain_text("We can't take more messages")
    expect(page.get_by_label("Your note")).to_have_value("Note 2.")
    expect(page.get_by_label("Your email")).to_have_value("visitor@example.com")
    page.problems.clear()  # type: ignore[attr-defined]


def test_a_body_too_large_keeps_the_text(chat: Callable[..., Page]) -> None:
    """A conversation beyond the limit is refused inside the form, which stays as it was."""
    page = chat(KAPA_HANDOFF_MAX_REQUEST_BYTES=5000)
    answer(page, answer="x" * 6000)
    page.locator(BUTTON).click()
    fill_and_send(page, note="Keep me.")
    expect(page.locator(DIALOG).get_by_role("alert")).to_contain_text("too long")
    expect(page.get_by_label("Your note")).to_have_value("Keep me.")
    page.problems.clear()  # type: ignore[attr-defined]


def test_a_closed_form_opens_again_with_what_was_typed(chat: Callable[..., Page]) -> None:
    """Escape closes the form, the focus goes back to the button, and nothing typed is lost."""
    page = chat()
    answer(page)
    page.locator(BUTTON).click()
    expect(page.get_by_label("Your email")).to_be_focused()
    page.get_by_label("Your note").fill("Half a thought")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator(BUTTON)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your note")).to_have_value("Half a thought")


def test_the_keyboard_stays_in_the_dialog(chat: Callable[..., Page]) -> None:
    """Tabbing goes round inside the open form."""
    page = chat()
    answer(page)
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert inside


def test_a_double_click_sends_once(chat: Callable[..., Page]) -> None:
    """Two clicks on Send make one request."""
    page = chat()
    answer(page)
    page.locator(BUTTON).click()
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_role("button", name="Send").dblclick()
    reference(page)
    assert len(tickets(page)) == 1


def test_a_signed_in_visitors_address_is_filled_in(chat: Callable[..., Page]) -> None:
    """The address of the site's visitor_loader is shown and cannot be edited."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("known@example.com", "Kim"))
    page = chat(handoff=handoff)
    answer(page)
    page.locator(BUTTON).click()
    email = page.get_by_label("Your email")
    expect(email).to_have_value("known@example.com")
    expect(email).not_to_be_editable()
    page.get_by_role("button", name="Send").click()
    reference(page)
    assert tickets(page)[-1].visitor_email == "known@example.com"


def test_when_the_form_cannot_be_fetched_the_visitor_is_told(chat: Callable[..., Page]) -> None:
    """A failing network is said beside the button, and the next press works."""
    page = chat()
    answer(page)
    page.route("**/handoff/form?*", lambda route: route.abort(), times=1)
    page.locator(BUTTON).click()
    expect(page.get_by_role("alert")).to_contain_text("couldn't open the form")
    page.problems.clear()  # type: ignore[attr-defined]
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()


def test_text_of_the_chat_is_never_markup(chat: Callable[..., Page]) -> None:
    """Questions and answers that look like HTML arrive as they are and run nowhere."""
    page = chat()
    hostile = '</script><img src=x onerror="window.hit=1">\'"`<b>'
    answer(page, question=hostile, answer=hostile, id='a"]<1>')
    page.locator(BUTTON).click()
    fill_and_send(page, note=hostile)
    reference(page)
    assert page.evaluate("window.hit") is None
    (ticket,) = tickets(page)
    assert ticket.note == hostile
    assert conversation_of(page, ticket)[0]["question"] == hostile


def test_a_page_of_another_origin_can_use_it(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page
) -> None:
    """A static site named in KAPA_HANDOFF_ORIGINS loads the script from here and sends tickets, without cookies."""
    static = Flask("static")
    docs = serve(static).replace("127.0.0.1", "localhost")
    site = make_app(KAPA_HANDOFF_ORIGINS=docs)
    address = serve(site)

    @static.get("/")
    def index() -> str:
        return (
            f'<!doctype html><title>Docs</title><link rel="stylesheet" href="{address}/handoff/static/handoff.css">'
            f'<link rel="icon" href="data:,"><script defer src="{address}/handoff/static/handoff.js"></script>'
            "<div data-kapa-handoff-slot></div>"
        )

    page.site = site  # type: ignore[attr-defined]
    page.goto(docs)
    answer(page)
    page.locator(BUTTON).click()
    fill_and_send(page)
    shown = reference(page)
    assert [ticket.reference for ticket in tickets(page)] == [shown]


@pytest.mark.every_browser
def test_without_script_the_button_leads_to_a_page_and_a_confirmation(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """Button, form page with an error, confirmation page: the transcript of a server-rendered chat is included."""
    from flask_kapa_handoff import Conversation, QuestionAnswer

    site = make_app()
    conversation = Conversation((QuestionAnswer('Does it "quote" <b>well</b>?', "Yes & no.", id="a1"),), "t1")

    @site.get("/")
    def server_rendered() -> str:
        return render_template_string("<!doctype html>{{ kapa_handoff_button(c) }}", c=conversation)

    page = watched(open_context(java_script_enabled=False).new_page())
    page.goto(serve(site))
    page.locator(BUTTON).click()
    fill_and_send(page, email="nobody", note="From a page.")
    expect(page.get_by_label("Your note")).to_have_value("From a page.")
    fill_and_send(page, note="From a page.")
    shown = reference(page)
    database = state_of(site).database
    with database.read() as connection:
        (ticket,) = latest_tickets(connection)
        stored = connection.execute(select(transcript.c.conversation)).scalar_one()
    assert (ticket.reference, ticket.visitor_email, ticket.note) == (shown, "visitor@example.com", "From a page.")
    assert 'Does it \\"quote\\" <b>well</b>?' in stored
    assert page.context.cookies() == []
