"""``KapaHandoff.request`` makes each request of the visitor's script, and a site may replace it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.only("sqlite")

GUIDE = (Path(__file__).parents[2] / "docs" / "javascript.md").read_text("utf-8")
BUTTON = "button.kapa-handoff-button"
PAIR = {"threadId": "t1", "id": "a1", "question": "How?", "answer": "So."}
PAGE = '<!doctype html><html lang="en"><head><title>Chat</title>{{ kapa_handoff_script() }}</head><body></body></html>'

OWN_FETCH = """() => {
    window.routed = [];
    KapaHandoff.request = async (url, options) => {
        routed.push([options.method || "GET", new URL(url).pathname]);
        return fetch(url, {...options, headers: {...options.headers, "X-Tenant": "acme"}});
    };
}"""
ALL_FOUR = ["/handoff/offer", "/handoff/form", "/handoff/events", "/handoff/tickets"]


class Site:
    """A site with a chat. ``heard`` holds the visitor's requests: path, and what their X-Tenant header says."""

    def __init__(self, app: Flask) -> None:
        self.app, self.heard = app, []  # type: ignore[var-annotated]
        app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        app.add_url_rule("/", "chat", lambda: render_template_string(PAGE))
        app.before_request(self._hear)

    def _hear(self) -> None:
        if request.blueprint == "kapa_handoff" and request.endpoint != "kapa_handoff.static":
            self.heard.append((request.path, request.headers.get("X-Tenant")))


@pytest.fixture
def site(make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page) -> Site:
    """The site, its chat opened on the page."""
    made = Site(make_app())
    page.goto(serve(made.app))
    return made


def answer_cancel_and_send(page: Page) -> None:
    """Each of the script's requests: offer, form, cancel, ticket."""
    page.evaluate("pair => KapaHandoff.answer(pair)", PAIR)
    page.click(BUTTON)
    expect(page.locator("dialog[open]")).to_be_visible()
    with page.expect_response("**/handoff/events"):
        page.keyboard.press("Escape")
    page.click(BUTTON)
    page.get_by_label("Your email").fill("visitor@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-kapa-handoff-reference]")).to_be_visible()


def test_the_guides_example_adds_a_header_to_each_request(site: Site, page: Page) -> None:
    """The function returns another Request."""
    (example,) = {block for block in re.findall(r"```js\n(.*?)```", GUIDE, re.DOTALL) if ".request = " in block}
    page.evaluate("() => {" + example + "}")
    answer_cancel_and_send(page)
    assert site.heard == [(path, "acme") for path in ALL_FOUR]


def test_the_calls_of_the_guide_bring_a_button(site: Site, page: Page) -> None:
    """docs/your-chat.md: an answer, and a vote on it."""
    guide = (Path(__file__).parents[2] / "docs" / "your-chat.md").read_text("utf-8")
    (example,) = re.findall(r"```js\n(.*?)```", guide, re.DOTALL)
    page.evaluate("() => {" + example + "}")
    expect(page.locator(BUTTON)).to_be_visible()
    assert {path for path, _ in site.heard} == {"/handoff/offer"}


def test_a_function_of_the_site_can_make_the_requests(site: Site, page: Page) -> None:
    """It returns the response of its own fetch."""
    page.evaluate(OWN_FETCH)
    answer_cancel_and_send(page)
    assert site.heard == [(path, "acme") for path in ALL_FOUR]
    methods = ["GET", "GET", "POST", "POST"]
    assert page.evaluate("routed") == [[method, path] for method, path in zip(methods, ALL_FOUR, strict=True)]


@pytest.mark.parametrize("failing", ["() => { throw new RangeError('mine'); }", "async () => null", "null"])
def test_a_failed_request_is_reported_to_visitor_and_developer(failing: str, site: Site, page: Page) -> None:
    """The form stays closed with a word beside the button, the console names the cause, and the next press works."""
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    page.evaluate("pair => KapaHandoff.answer(pair)", PAIR)
    expect(page.locator(BUTTON)).to_be_visible()
    page.evaluate(f"() => {{ window.before = KapaHandoff.request; KapaHandoff.request = {failing}; }}")
    page.click(BUTTON)
    expect(page.get_by_role("alert")).to_contain_text("couldn't open the form")
    assert len(warnings) == 1
    assert "kapa-handoff: a request failed." in warnings[0]
    page.evaluate("KapaHandoff.request = before")
    page.click(BUTTON)
    expect(page.locator("dialog[open]")).to_be_visible()
    assert [path for path, _ in site.heard] == ["/handoff/offer", "/handoff/form"]
