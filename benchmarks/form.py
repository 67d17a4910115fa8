"""Measures how soon a visitor sees the form and its first error, in a real browser against a server on loopback."""

from __future__ import annotations

import logging
import statistics
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, render_template_string
from playwright.sync_api import Page, sync_playwright

from flask_kapa_handoff import KapaHandoff
from tests.browser.ensure_browser import find_browser
from tests.helpers.servers import WebServer

_PAGE = """<!doctype html><html lang="en"><title>Chat</title>{{ kapa_handoff_script() }}
<div data-kapa-handoff-slot></div></html>"""

_ANSWER = "KapaHandoff.answer({threadId: 't', id: 'a', question: 'How?', answer: 'So.'})"

# From the press to the second frame in which the element is there: the first one has painted it by then.
_TIME = """([press, seen]) => new Promise((resolve) => {
    const began = performance.now();
    const look = () => {
        if (!document.querySelector(seen)?.checkVisibility()) return requestAnimationFrame(look);
        requestAnimationFrame(() => resolve(performance.now() - began));
    };
    document.querySelector(press).click();
    look();
})"""


@dataclass
class Wait:
    """Milliseconds of what a visitor waits for."""

    name: str
    times: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.times)


def measure(directory: Path, rounds: int) -> list[Wait]:
    """The visitor's two shortest waits: from the press of the button to the form, and of Send to the first error."""
    site = Flask("form", instance_path=str(directory / "form"))
    site.config.update(SECRET_KEY="benchmark" * 4, KAPA_HANDOFF_EMAIL="support@example.com", MAIL_SUPPRESS_SEND=True)
    site.config.update(KAPA_HANDOFF_SENDER="site@example.com", KAPA_HANDOFF_DELIVERY="external")
    KapaHandoff(site)
    site.add_url_rule("/", "chat", lambda: render_template_string(_PAGE))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = WebServer(site)
    form, error = Wait("from the button to the form", []), Wait("from Send to the first error", [])
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            page = browser.new_page()
            _open(page, server.url)  # the first of a process, which loads and compiles
            for _ in range(rounds):
                form.times.append(_open(page, server.url))
                error.times.append(page.evaluate(_TIME, ["dialog [type=submit]", ".kapa-handoff-error"]))
            browser.close()
    finally:
        server.stop()
    return [form, error]


def _open(page: Page, url: str) -> float:
    page.goto(url)
    page.evaluate(_ANSWER)
    page.wait_for_selector(".kapa-handoff-button")
    found: float = page.evaluate(_TIME, [".kapa-handoff-button", "dialog[open] .kapa-handoff-title"])
    return found
