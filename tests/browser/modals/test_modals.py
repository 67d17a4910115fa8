"""The form of a chat that is in a modal: of the browser, of the libraries that sites use, and of a site's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, render_template_string, request
from playwright.sync_api import BrowserContext, Frame, Locator, Page

from flask_kapa_handoff.testing import tickets
from tests.browser import libraries
from tests.browser.chat import BUTTON, answer
from tests.browser.conftest import watched
from tests.browser.engines import expect

pytestmark = [pytest.mark.only("sqlite"), pytest.mark.every_browser]

CHATS = Path(__file__).parent / "chats.jsx"
STYLES = {"mantine": "@mantine/core/styles.css", "bootstrap": "bootstrap/dist/css/bootstrap.min.css"}
PAGE = """<!doctype html>
<html lang="en">
<head><meta name="viewport" content="width=device-width"><title>Page</title>
{% if style %}<link rel="stylesheet" href="/style/{{ style }}">{% endif %}
{% if framed %}</head><body><iframe title="Chat" width="340" height="380" src="/?chat=native"></iframe></body>
{% else %}<script defer src="/chats.js"></script>{{ kapa_handoff_script() }}</head><body><h1>Page</h1></body>
{% endif %}
</html>"""

CASES = {
    "the browser's dialog": "native",
    "the browser's dialog, which the page names": "native&floating",
    "a popover": "popover",
    "Radix": "radix",
    "Radix, without a slot": "radix&floating",
    "Mantine": "mantine",
    "Mantine, without a slot": "mantine&floating",
    "MUI": "mui",
    "Headless UI": "headless",
    "React Aria": "aria",
    "Bootstrap": "bootstrap",
    "focus-trap": "focus-trap",
    "a drawer beside which all is inert": "drawer",
    "shadow roots": "shadow",
    "an iframe": "framed",
}


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    app = make_app()
    script = libraries.modals(CHATS)
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    app.add_url_rule("/chats.js", "chats", lambda: Response(script, mimetype="text/javascript"))

    @app.get("/style/<name>")
    def style(name: str) -> Response:
        return Response(libraries.modal_style(STYLES[name]), mimetype="text/css")

    @app.get("/")
    def page() -> str:
        kind = request.args["chat"]
        return render_template_string(PAGE, style=kind if kind in STYLES else None, framed=kind == "framed")

    return app


@pytest.mark.parametrize("case", CASES)
def test_the_form_works_and_the_chat_stays(
    case: str,
    browser_name: str,
    site: Flask,
    open_context: Callable[..., BrowserContext],
    serve: Callable[[Any], str],
) -> None:
    """Typed, scrolled, sent by mouse, Enter and tap, cancelled, closed by Escape: the chat is there each time."""
    # Only Chromium's developer tools touch as a finger does.
    has_touch = browser_name == "chromium"
    page = watched(open_context(viewport={"width": 360, "height": 400}, has_touch=has_touch).new_page())
    page.goto(f"{serve(site)}/?chat={CASES[case]}")
    frame = page.frames[-1]
    frame.wait_for_function("window.KapaHandoff")
    if "names" in case:
        frame.evaluate("KapaHandoff.container = document.querySelector('dialog')")
    chat = frame.get_by_label("Chat", exact=True)
    form = frame.locator(".kapa-handoff-dialog")
    button = (frame if "floating" in CASES[case] else chat).locator(BUTTON)
    email, note = form.get_by_label("Your email"), form.get_by_label("Your note")
    send = form.get_by_role("button", name="Send")

    def open_form(number: int, *, tap: bool = False) -> None:
        told = {"threadId": f"t{number}", "id": "a1", "question": "How?", "answer": "So."}
        with page.expect_response("**/handoff/offer?*"):
            frame.evaluate("pair => KapaHandoff.answer(pair)", told)
        if tap:
            button.tap()
        else:
            button.click()
        # The address is remembered.
        expect(email if number == 1 else note).to_be_focused()

    def is_over(done: str, number: int) -> None:
        expect(form, done).to_have_count(0)
        expect(chat, done).to_be_visible()
        assert len(tickets(site)) == number

    open_form(1)
    page.keyboard.type("visitor@example.com")
    for next_field in (form.get_by_label("Remember my address"), note):
        page.keyboard.press("Tab")
        expect(next_field).to_be_focused()
    email.click()
    note.click()
    page.keyboard.type("By mouse")
    expect(note).to_have_value("By mouse")
    scroll(page, frame, form)
    if has_touch:
        drag(page, frame, form)
    else:  # nothing on the page forbids a finger to scroll
        assert form.evaluate(
            """dialog => dialog.dispatchEvent(
                new TouchEvent("touchmove", { bubbles: true, cancelable: true, composed: true }))"""
        )
    send.click()
    close_thanks(page, form)
    is_over("sent by mouse", 1)

    open_form(2)
    email.press("Enter")
    close_thanks(page, form)
    is_over("sent by Enter", 2)

    if has_touch:
        open_form(3, tap=True)
        note.tap()
        page.keyboard.type("By tap")
        send.tap()
        close_thanks(page, form)
        is_over("sent by a tap", 3)

    sent = len(tickets(site))
    open_form(4)
    page.keyboard.type("A draft")
    form.get_by_role("button", name="Cancel").click()
    is_over("cancelled", sent)
    button.click()
    expect(note).to_have_value("A draft")
    form.locator("h2").click()
    page.keyboard.press("Escape")
    is_over("closed by Escape", sent)
    # The chat's own keys still work.
    chat.get_by_label("Ask").focus()
    page.keyboard.press("Escape")
    expect(chat).to_be_hidden()
    assert page.problems == []  # type: ignore[attr-defined]


def test_a_chat_that_closes_takes_the_form_with_it(site: Flask, page: Page, serve: Callable[[Any], str]) -> None:
    """Such as one that a route change closes: the page stays usable, and the text is kept."""
    page.goto(f"{serve(site)}/?chat=bootstrap")
    answer(page)
    page.locator(BUTTON).click()
    page.get_by_label("Your email").fill("visitor@example.com")
    page.evaluate("hideChat()")
    expect(page.locator(".kapa-handoff-dialog")).to_have_count(0)
    page.get_by_role("heading").click()
    page.evaluate("showChat()")
    page.locator(BUTTON).click()
    expect(page.get_by_label("Your email")).to_have_value("visitor@example.com")


def scroll(page: Page, frame: Frame, form: Locator) -> None:
    """By wheel: the form moves."""
    form.evaluate("dialog => dialog.scrollTo(0, 0)")
    wait_for_scroll(frame, form, "== 0")
    page.mouse.move(*middle(form))
    page.mouse.wheel(0, 40)
    wait_for_scroll(frame, form, "> 0")
    page.mouse.wheel(0, -400)
    wait_for_scroll(frame, form, "== 0")


def drag(page: Page, frame: Frame, form: Locator) -> None:
    """By touch: the form moves."""
    x, y = middle(form)
    touch = page.context.new_cdp_session(page)
    for kind, points in [("Start", [y]), *(("Move", [y - moved]) for moved in range(10, 70, 10)), ("End", [])]:
        at = [{"x": x, "y": point} for point in points]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": at})
    wait_for_scroll(frame, form, "> 0")


def middle(form: Locator) -> tuple[float, float]:
    box = form.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def wait_for_scroll(frame: Frame, form: Locator, where: str) -> None:
    frame.wait_for_function(f"dialog => dialog.scrollTop {where}", arg=form.element_handle())


def close_thanks(page: Page, form: Locator) -> None:
    expect(form.locator("[data-kapa-handoff-reference]")).to_be_visible()
    page.keyboard.press("Escape")
