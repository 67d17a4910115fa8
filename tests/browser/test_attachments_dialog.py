"""Files in the form, in a real browser, under a strict policy: chosen, dropped, pasted, removed, sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Route, expect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.testing import tickets
from tests.browser.chat import BUTTON, DIALOG, add_chat, answer, fill_and_send, reference
from tests.helpers.files import WITH_FILES, jpeg, png

pytestmark = pytest.mark.only("sqlite")

SHOT = FilePayload(name="shot.png", mimeType="image/png", buffer=png())
LOG = FilePayload(name="server.log", mimeType="text/plain", buffer=b"GET / 500\n")
PROGRAM = FilePayload(name="program.exe", mimeType="application/octet-stream", buffer=b"MZ\0\0")

GIVE = """([target, kind, name, type, octets]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(octets)], name, {type}));
    const options = {bubbles: true, cancelable: true};
    const event = kind === "paste"
        ? new ClipboardEvent("paste", {...options, clipboardData: data})
        : new DragEvent(kind, {...options, dataTransfer: data});
    return document.querySelector(target).dispatchEvent(event);
}"""
"""Pastes or drops a file; returns false if the form takes it and the browser does nothing else with it."""

IS_RED = """() => {
    const [preview, copy] = [document.querySelector(".kapa-handoff-file canvas"), document.createElement("canvas")];
    const drawing = preview && copy.getContext("2d");
    drawing?.drawImage(preview, 0, 0);
    return String(drawing?.getImageData(9, 9, 1, 1).data) === "255,0,0,255";
}"""


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    return add_chat(make_app(**WITH_FILES))


def open_form(page: Page, address: str) -> Locator:
    page.goto(f"{address}/?slot=any")
    answer(page)
    page.locator(BUTTON).click()
    expect(page.locator(DIALOG)).to_be_visible()
    return page.locator(DIALOG)


def names(site: Flask) -> list[str]:
    with site.app_context():
        return [file.name for file in KapaHandoff().attachments(tickets(site)[0])]


def test_files_are_chosen_dropped_pasted_removed_and_sent(
    site: Flask, serve: Callable[[Any], str], page: Page
) -> None:
    """Images are previewed, whatever the site's policy; the focus stays where the visitor goes on."""
    form = open_form(page, serve(site))
    files = form.locator(".kapa-handoff-file")
    picker = form.get_by_label("Add files")
    picker.set_input_files([SHOT])
    expect(files).to_have_count(1)
    page.wait_for_function(IS_RED)
    expect(picker).to_be_focused()
    given = [DIALOG, "dragover", "a.jpg", "image/jpeg", list(jpeg())]
    assert page.evaluate(GIVE, given) is False
    assert page.evaluate(GIVE, [DIALOG, "drop", *given[2:]]) is False
    expect(files).to_have_count(2)
    assert page.evaluate(GIVE, [f"{DIALOG} textarea", "paste", "image.png", "image/png", list(png(b""))]) is False
    expect(files).to_have_count(3)
    # No room for a fourth one, and the previews stay.
    expect(picker).to_have_count(0)
    expect(form.locator(".kapa-handoff-files")).to_contain_text("a.jpg")
    form.get_by_role("button", name="Remove a.jpg").click()
    expect(files).to_have_count(2)
    expect(picker).to_be_focused()
    page.wait_for_function(IS_RED)
    picker.set_input_files([LOG])
    expect(files).to_have_count(3)
    fill_and_send(page, email="nobody")
    expect(form.locator("#kapa-handoff-email-error")).to_be_visible()
    expect(files).to_have_count(3)
    fill_and_send(page)
    assert reference(page)
    assert names(site) == ["shot.png", "image.png", "server.log"]
    page.problems.clear()  # type: ignore[attr-defined]  # the browser reports the 422


def test_a_file_that_is_refused_says_why(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """Beside the others, and announced; text that is pasted stays text."""
    form = open_form(page, serve(site))
    form.get_by_label("Add files").set_input_files([LOG, PROGRAM])
    expect(form.get_by_role("alert").filter(has_text="program.exe can't be added")).to_be_visible()
    expect(form.locator(".kapa-handoff-file")).to_have_count(1)
    page.context.set_offline(True)
    fill_and_send(page)
    expect(form.locator(".kapa-handoff-alert")).to_contain_text("You're offline.")
    expect(form.locator("#kapa-handoff-files-error")).to_contain_text("program.exe can't be added")
    page.context.set_offline(False)
    expect(form.get_by_label("Add files")).to_have_attribute("aria-invalid", "true")
    pasted = page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/plain", "a cell");
            data.items.add(new File(["x"], "image.png"));
            const event = new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData: data});
            return document.querySelector("dialog textarea").dispatchEvent(event);
        }"""
    )
    assert pasted is True
    page.problems.clear()  # type: ignore[attr-defined]  # the browser reports the 422


def test_the_form_waits_for_a_file_that_is_under_way(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """The ticket has it; if it fails, the form is not sent without it, and a second press sends the rest."""
    form = open_form(page, serve(site))
    held: list[Route] = []
    page.route("**/handoff/attachments", lambda route: held.append(route))
    form.get_by_label("Add files").set_input_files([SHOT])
    fill_and_send(page)
    expect(form.get_by_role("button", name="Send", exact=True)).to_have_attribute("aria-disabled", "true")
    held.pop().abort()
    expect(form.get_by_role("alert").filter(has_text="try again")).to_be_visible()
    assert tickets(site) == []
    form.get_by_label("Add files").set_input_files([LOG])
    form.get_by_role("button", name="Send", exact=True).click()
    expect(form.get_by_role("status")).to_have_text("Sending…")
    held.pop().continue_()
    assert reference(page)
    assert names(site) == ["server.log"]
    page.problems.clear()  # type: ignore[attr-defined]  # the browser reports the request that failed


def test_an_upload_that_stalls_ends(site: Flask, serve: Callable[[Any], str], page: Page) -> None:
    """After two minutes, and not after the 20 seconds of other requests; the visitor can send without the file."""
    form = open_form(page, serve(site))
    page.clock.install()
    page.route("**/handoff/attachments", lambda route: None)
    with page.expect_request("**/handoff/attachments"):
        form.get_by_label("Add files").set_input_files([SHOT])
    page.clock.run_for(119_000)
    expect(form.get_by_role("status")).to_have_text("Sending…")
    page.clock.run_for(1_500)
    expect(form.get_by_role("alert").filter(has_text="This is taking too long.")).to_be_visible()
    expect(form.get_by_role("status")).to_be_empty()
    fill_and_send(page)
    assert reference(page)
    assert names(site) == []


def test_the_page_without_script_sends_files(
    site: Flask, serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """They stay in the form that comes back, each with a box to leave it out."""
    address = serve(site)
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{address}/handoff/offer?pairs=1&thread_id=t1&answer_id=a1")
    page.locator(BUTTON).click()
    page.get_by_label("Add files").set_input_files([SHOT, LOG])
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_label("shot.png")).to_be_checked()
    expect(page.get_by_label("server.log")).to_be_checked()
