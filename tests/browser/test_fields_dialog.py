"""The site's fields in a real browser: in the dialog and on the page without script, with all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, make_response, render_template_string
from playwright.sync_api import BrowserContext, Locator, Page

from flask_kapa_handoff import Conversation, QuestionAnswer
from flask_kapa_handoff.testing import tickets
from tests.browser.engines import expect
from tests.helpers.fields import FIELDS, FILLED

PAGE = """<!doctype html>
<html lang="en">
<head><meta name="viewport" content="width=device-width"><title>Chat</title>{{ kapa_handoff_script() }}</head>
<body><h1>Chat</h1><div data-kapa-handoff-slot>{{ kapa_handoff_button(conversation) if conversation }}</div></body>
</html>"""
CONVERSATION = Conversation((QuestionAnswer("How?", "So.", "a1"),))


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    app = make_app(KAPA_HANDOFF_FIELDS=FIELDS)
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))

    @app.get("/", defaults={"conversation": None})
    @app.get("/rendered", defaults={"conversation": CONVERSATION})
    def chat(conversation: Conversation | None) -> Response:
        response = make_response(render_template_string(PAGE, conversation=conversation))
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    return app


def open_dialog(page: Page) -> Locator:
    page.evaluate("KapaHandoff.answer({threadId: 't1', id: 'a1', question: 'How?', answer: 'So.', sources: []})")
    page.locator("button.kapa-handoff-button").click()
    dialog = page.locator("dialog.kapa-handoff-dialog")
    expect(dialog).to_be_visible()
    return dialog


def fill(form: Locator) -> None:
    form.get_by_label("Your email").fill("ada@example.com")
    form.get_by_label("Order number").fill(FILLED["order"])
    form.get_by_label("What have you tried?").fill(FILLED["steps"])
    form.get_by_label("It keeps me from working").check()


def assert_kept(form: Locator) -> None:
    expect(form.get_by_label("Order number")).to_have_value(FILLED["order"])
    expect(form.get_by_label("What have you tried?")).to_have_value(FILLED["steps"])
    expect(form.get_by_label("It keeps me from working")).to_be_checked()


def test_the_dialog_sends_every_field(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """The message about a missing value is at its field, which gets the focus; the rest stays as it was."""
    page.goto(serve(site))
    dialog = open_dialog(page)
    fill(dialog)
    dialog.get_by_role("button", name="Send", exact=True).click()
    area = dialog.get_by_label("Area")
    expect(area).to_have_attribute("aria-invalid", "true")
    expect(area).to_have_accessible_description("Please choose one.")
    expect(area).to_be_focused()
    expect(dialog.get_by_label("Order number")).to_have_accessible_description("It stands at the top of your invoice.")
    assert_kept(dialog)
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of the 422
    area.select_option("Vaults & keys")
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".kapa-handoff-reference").first).to_be_visible()
    assert tickets(site)[-1].fields == FILLED


def test_a_dialog_that_was_closed_keeps_its_fields(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """Opened again it is as it was left; a press beside it closes it only while nothing is typed."""
    page.goto(serve(site))
    dialog = open_dialog(page)
    page.mouse.click(2, 2)
    expect(dialog).to_be_hidden()
    dialog = open_dialog(page)
    fill(dialog)
    dialog.get_by_label("Area").select_option("Billing")
    page.mouse.click(2, 2)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("button.kapa-handoff-button").click()
    assert_kept(dialog)
    expect(dialog.get_by_label("Area")).to_have_value("Billing")


@pytest.mark.only("sqlite")
@pytest.mark.every_browser
def test_a_wrong_field_comes_into_view_with_its_label(
    site: Flask, serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """Although the form is longer than a phone is high, and the press is at its end."""
    page = open_context(viewport={"width": 360, "height": 500}).new_page()
    page.goto(serve(site))
    dialog = open_dialog(page)
    dialog.get_by_label("Your email").fill("nobody")
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(dialog.get_by_label("Your email")).to_be_focused()
    page.wait_for_function(
        """() => document.querySelector("label[for=kapa-handoff-email]").getBoundingClientRect().top
            > document.querySelector("dialog").getBoundingClientRect().top"""
    )


@pytest.mark.only("sqlite")
@pytest.mark.every_browser
def test_the_page_without_script_sends_every_field(
    site: Flask, serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """And keeps them when something is wrong."""
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{serve(site)}/rendered")
    page.locator("button.kapa-handoff-button").click()
    form = page.locator("form.kapa-handoff-form")
    fill(form)
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form.get_by_label("Area")).to_have_attribute("aria-invalid", "true")
    assert_kept(form)
    form.get_by_label("Area").select_option("Vaults & keys")
    form.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".kapa-handoff-reference").first).to_be_visible()
    assert tickets(site)[-1].fields == FILLED


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("width", [360, 1280])
def test_no_field_is_wider_than_the_dialog(
    make_app: Callable[..., Flask],
    serve: Callable[[Any], str],
    open_context: Callable[..., BrowserContext],
    width: int,
) -> None:
    """However long its label and its choices are."""
    long = "Donaudampfschifffahrtsgesellschaft " * 2
    fields = [
        {"name": "area", "label": long, "choices": [long, long * 2], "help": long},
        {"name": "urgent", "label": long, "kind": "checkbox"},
        {"name": "order", "label": long, "required": True},
    ]
    app = make_app(KAPA_HANDOFF_FIELDS=fields)
    app.add_url_rule("/", "chat", lambda: render_template_string(PAGE, conversation=None))
    page = open_context(viewport={"width": width, "height": 700}).new_page()
    page.goto(serve(app))
    dialog = open_dialog(page)
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_error_goes_as_soon_as_its_field_is_corrected(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """Its text, its mark and its description; the others stay, and so does the hint."""
    page.goto(serve(site))
    dialog = open_dialog(page)
    email, area, order = (dialog.get_by_label(label) for label in ("Your email", "Area", "Order number"))
    email.fill("nobody")
    order.fill("4" * 41)
    dialog.get_by_role("button", name="Send", exact=True).click()
    errors = dialog.locator(".kapa-handoff-error:visible")
    expect(errors).to_have_count(3)
    page.problems.clear()  # type: ignore[attr-defined]  # the console tells of the 422
    email.fill("ada@example.com")
    expect(errors).to_have_count(2)
    expect(email).not_to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description("")
    expect(area).to_have_attribute("aria-invalid", "true")
    order.fill("4711")
    expect(order).to_have_accessible_description("It stands at the top of your invoice.")
    area.select_option("Billing")
    expect(errors).to_have_count(0)
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(dialog.locator("[data-kapa-handoff-reference]")).to_be_visible()
    assert len(tickets(site)) == 1


@pytest.mark.only("sqlite")
def test_wrong_fields_stand_out_in_forced_colors(
    site: Flask, serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """A high contrast mode gives all borders and texts one color, so a wrong field has a bolder frame."""
    page = open_context(forced_colors="active").new_page()
    page.goto(serve(site))
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(dialog.locator(".kapa-handoff-error")).not_to_have_count(0)
    expect(dialog.get_by_label("Area")).to_have_css("outline-style", "solid")
    expect(dialog.get_by_label("What have you tried?")).to_have_css("outline-style", "none")
