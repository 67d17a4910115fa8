"""How states are told apart in forced colours, what is on paper, what moves, and whose corners are whose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.chat import BUTTON, DIALOG, add_chat, answer, fill_and_send, reference

pytestmark = pytest.mark.only("sqlite")

CONFIG: dict[str, Any] = {"KAPA_HANDOFF_FORM": {"radius": "square", "accent": "#ffd400"}}


@pytest.fixture
def open_form(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> Callable[..., Page]:
    """Opens the form of a desk with an accent and square corners, in a browser with these options."""

    def opened(**options: Any) -> Page:
        page = open_context(**options).new_page()
        page.goto(serve(add_chat(make_app(**CONFIG))) + "/?slot=any")
        answer(page)
        page.click(BUTTON)
        expect(page.locator(DIALOG)).to_be_visible()
        return page

    return opened


def style(locator: Locator, name: str, part: str | None = None) -> str:
    return str(locator.evaluate("(one, [name, part]) => getComputedStyle(one, part)[name]", [name, part]))


def test_every_state_is_seen_in_forced_colours(open_form: Callable[..., Page]) -> None:
    """By a ring, a border, an icon or words, since the colours are the visitor's."""
    page = open_form(forced_colors="active", reduced_motion="reduce")
    dialog = page.locator(DIALOG)
    email, note = dialog.locator("[name=email]"), dialog.locator("[name=note]")
    plain, focused = style(note, "outlineStyle"), style(email, "outlineStyle")
    assert (plain, focused) == ("none", "solid")
    dialog.get_by_role("button", name="Send").click()
    error = dialog.locator(".kapa-handoff-error")
    expect(error).to_be_visible()
    note.focus()
    assert (style(email, "outlineStyle"), style(email, "outlineWidth")) == ("solid", "2px")
    assert style(error, "content", "::before").startswith('"!"')
    email.fill("ada@example.com")
    dialog.get_by_text("Review what we'll send").click()
    shown = dialog.locator(".kapa-handoff-answer")
    expect(shown).to_be_visible()
    assert style(shown, "borderTopColor") not in (style(shown, "backgroundColor"), "rgba(0, 0, 0, 0)")
    page.keyboard.press("Escape")
    page.locator(BUTTON).click()
    note.fill("Half a thought")
    page.keyboard.press("Escape")
    draft = page.locator(".kapa-handoff-draft").first
    expect(draft).to_have_text("Draft saved")
    assert style(draft, "content", "::before").startswith('"●')
    page.locator(BUTTON).click()
    page.route("**/handoff/tickets", lambda route: None, times=1)
    send = dialog.get_by_role("button", name="Send")
    send.click()
    expect(dialog.get_by_role("status")).to_have_text("Sending…")
    gap, ring = (style(send, f"border{side}Color", "::before") for side in ("Right", "Left"))
    assert gap != ring
    assert style(dialog.get_by_role("status"), "borderTopStyle", "::before") == "solid"


def test_paper_is_light_and_has_the_whole_text_but_no_buttons(open_form: Callable[..., Page]) -> None:
    """The form and the confirmation, also of a visitor who prefers the dark."""
    page = open_form(color_scheme="dark", reduced_motion="reduce")
    dialog = page.locator(DIALOG)
    note = dialog.locator("[name=note]")
    note.fill("A line\n" * 60 + "The end")
    assert style(dialog, "backgroundColor") == "rgb(27, 28, 34)"
    page.emulate_media(media="print", color_scheme="dark")
    assert style(dialog, "backgroundColor") == "rgb(255, 255, 255)"
    assert note.evaluate("note => note.scrollHeight <= note.clientHeight")
    assert dialog.evaluate("dialog => dialog.scrollHeight <= dialog.clientHeight")
    expect(dialog.get_by_role("button")).to_have_count(0)
    page.emulate_media(media="screen")
    fill_and_send(page)
    shown = reference(page)
    page.emulate_media(media="print")
    expect(dialog.get_by_text(shown)).to_be_visible()
    expect(dialog.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_only_the_bar_moves_where_motion_is_not_wanted(
    motion: str, moves: bool, open_form: Callable[..., Page]
) -> None:
    """It grows slowly and tells that the form is being sent; the dialog does not slide in, and nothing turns."""
    page = open_form(reduced_motion=motion)
    dialog = page.locator(DIALOG)
    page.route("**/handoff/tickets", lambda route: None, times=1)
    fill_and_send(page)
    expect(dialog.get_by_role("status")).to_have_text("Sending…")
    send = dialog.get_by_role("button", name="Send")
    assert (style(dialog, "animationName") != "none") is moves
    assert (style(send, "animationName", "::before") != "none") is moves
    assert style(dialog.get_by_role("status"), "animationDuration", "::before") == "20s"


def test_an_admins_corners_and_colour_are_those_of_the_whole_form(open_form: Callable[..., Page]) -> None:
    """A pale accent is no ring: that has the colour of the text."""
    page = open_form()
    dialog = page.locator(DIALOG)
    for part in (dialog, dialog.locator("[name=email]"), dialog.get_by_role("button", name="Send")):
        assert style(part, "borderRadius") == "0px"
    assert style(dialog.get_by_role("button", name="Send"), "backgroundColor") == "rgb(255, 212, 0)"
    assert style(dialog.locator("[name=email]"), "outlineColor") == style(dialog.locator("[name=email]"), "color")
