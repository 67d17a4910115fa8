"""What an admin writes about the form, in a real browser under a strict policy: from the settings to the ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, render_template_string
from playwright.sync_api import Page, expect

from flask_kapa_handoff.testing import make_offer, tickets

pytestmark = pytest.mark.only("sqlite")

CHAT = """<!doctype html><html lang="en"><head><title>Chat</title>{{ kapa_handoff_script() }}</head>
<body><h1>Chat</h1></body></html>"""
ACCENT, ON_ACCENT = "rgb(255, 212, 0)", "rgb(0, 0, 0)"


@pytest.fixture
def site(admin_app: Callable[..., Flask]) -> Flask:
    app = admin_app()
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))

    @app.get("/")
    def chat() -> Response:
        policy = {"Content-Security-Policy": "default-src 'self'"}
        return Response(render_template_string(CHAT), headers=policy)

    return app


def test_from_the_settings_page_to_the_ticket(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """An admin writes, sees it at once and saves; a visitor sees the same colours and words, agrees and sends."""
    address = serve(site)
    page.goto(f"{address}/handoff/admin/")
    page.get_by_text("What the form says").click()
    page.get_by_label("Title").fill("Ask our team")
    page.get_by_label("Consent box").fill("I agree, see [our rules].")
    page.get_by_label("Privacy link").fill("/rules")
    page.get_by_label("Accent colour").fill("#ffd400")
    page.get_by_label("Corners").select_option("Square")
    previewed = page.locator("#kapa-handoff-admin-preview")
    expect(previewed).to_contain_text("I agree, see our rules.")
    expect(previewed.locator(".kapa-handoff-primary").first).to_have_css("background-color", ACCENT)

    page.get_by_label("Texts in another language").select_option("German")
    page.get_by_role("button", name="Add language").click()
    expect(page.locator("[name='form_button_text--de']")).to_be_focused()
    expect(page.get_by_label("Title").first).to_have_value("Ask our team")
    page.locator("[name='form_title--de']").fill("Fragen Sie uns")
    page.get_by_label("Preview in").select_option("German")
    expect(previewed).to_contain_text("Fragen Sie uns")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status").filter(has_text="Saved. Live now.")).to_be_visible()
    expect(page.get_by_label("Consent box").first).to_be_visible()

    page.goto(address)
    page.evaluate("KapaHandoff.answer({threadId: 't1', id: 'a1', question: 'How?', answer: 'So.', sources: []})")
    button = page.locator("button.kapa-handoff-button")
    expect(button).to_have_css("background-color", ACCENT)
    expect(button).to_have_css("color", ON_ACCENT)
    button.click()
    dialog = page.get_by_role("dialog", name="Ask our team")
    send = dialog.get_by_role("button", name="Send", exact=True)
    expect(send).to_have_css("background-color", ACCENT)
    expect(send).to_have_css("border-radius", "0px")
    expect(dialog.get_by_role("link", name="our rules")).to_have_attribute("target", "_blank")
    dialog.get_by_label("Your email").fill("ada@example.com")
    send.click()
    box = dialog.get_by_role("checkbox", name="I agree, see our rules.")
    expect(dialog).to_contain_text("Please tick this box to continue.")
    expect(box).to_be_focused()
    page.problems.clear()  # type: ignore[attr-defined]  # the status 422, which the browser reports
    box.check()
    expect(send).to_have_css("background-color", ACCENT)
    send.click()
    expect(page.get_by_role("dialog", name="Thanks, we've got your question")).to_be_visible()
    (ticket,) = tickets(site)
    assert dict(ticket.fields) == {"consent": "I agree, see our rules."}

    offer = make_offer(site.test_client(), thread_id="t2", answer_id="a2")
    page.goto(f"{address}/handoff/form?offer={offer}")
    expect(page.get_by_role("button", name="Send", exact=True)).to_have_css("background-color", ACCENT)
    expect(page.get_by_role("button", name="Send", exact=True)).to_have_css("border-radius", "0px")
