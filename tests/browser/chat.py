"""A site's own chat in a browser: what it tells the script, and what a visitor does with the form."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, render_template_string, request
from playwright.sync_api import Page

from flask_kapa_handoff import testing
from flask_kapa_handoff.storage.tickets import Ticket
from tests.browser.engines import expect

CHAT = """<!doctype html>
<html lang="en">
<head><title>Chat</title>{{ kapa_handoff_script() }}</head>
<body>
<h1>Chat</h1>
{% for id in slots %}<section><p>Answer {{ id }}</p><div data-kapa-handoff-slot
  {%- if id != "any" %} data-answer-id="{{ id }}"{% endif %}></div></section>{% endfor %}
</body>
</html>"""

BUTTON = "button.kapa-handoff-button"
DIALOG = "dialog[open]"


def add_chat(app: Flask) -> Flask:
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))

    @app.get("/")
    def chat() -> Any:
        response = make_response(render_template_string(CHAT, slots=request.args.getlist("slot")))
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    return app


def answer(page: Page, number: int = 1, **pair: Any) -> None:
    """Tell the script of an answer, as a chat does, and wait for the server's decision."""
    told = {
        "threadId": "t1",
        "id": f"a{number}",
        "question": f"Question {number}?",
        "answer": f"Answer *{number}*.",
        **pair,
    }
    with page.expect_response("**/handoff/offer?*"):
        page.evaluate("pair => KapaHandoff.answer(pair)", told)


def tickets(page: Page) -> list[Ticket]:
    return testing.tickets(page.site)  # type: ignore[attr-defined]


def conversation_of(page: Page, ticket: Ticket) -> list[dict[str, Any]]:
    return testing.conversation_of(page.site, ticket).as_json()  # type: ignore[attr-defined]


def fill_and_send(page: Page, email: str = "visitor@example.com", note: str = "Please help.") -> None:
    page.get_by_label("Your email").fill("")  # in Firefox, Playwright adds to what is in a field for an address
    page.get_by_label("Your email").fill(email)
    page.get_by_label("Your note").fill(note)
    page.get_by_role("button", name="Send", exact=True).click()


def reference(page: Page) -> str:
    shown = page.locator("[data-kapa-handoff-reference]")
    expect(shown).to_be_visible()
    return shown.get_attribute("data-kapa-handoff-reference") or ""


def record_events(page: Page) -> None:
    page.evaluate(
        """() => {
            window.seen = [];
            for (const name of ["before-open", "open", "submit", "cancel"])
                document.addEventListener("kapa-handoff:" + name, (event) => seen.push([name, event.detail]));
        }"""
    )


def seen(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate("seen")
    return found
