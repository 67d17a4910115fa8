"""With every message 40 % longer, nothing is cut or scrolls sideways: on a desktop, at 400 % zoom, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.testing import deliver, send_ticket, tickets
from flask_kapa_handoff.web import form_words
from tests.browser.chat import BUTTON, DIALOG, add_chat, answer
from tests.helpers.admin import let_pass, save
from tests.helpers.fields import FIELDS, FILLED
from tests.helpers.files import png
from tests.helpers.pseudo_locale import LANGUAGE, lengthened, write_pseudo_locale
from tests.helpers.servers import MailServer
from tests.helpers.tickets import SECRET

pytestmark = pytest.mark.only("sqlite")

# A desktop of 1280 x 1024 at 400 % has 320 x 256 (WCAG 2.2, 1.4.10).
SIZES = {"zoomed": (320, 256), "phone": (360, 640), "desktop": (1280, 800)}

AGREE = lengthened("I agree to the rules of this site.")
FORM = {
    "texts": {
        "": {
            "title": lengthened("Ask the people of our support department"),
            "lead": lengthened("We know every key, and reply as soon as we can."),
            "note_label": lengthened("What is missing in the answer?"),
            "consent": f"[{AGREE}]",
            "privacy": lengthened("Read [how we use your data]."),
            "privacy_url": "https://example.com/privacy",
            "thanks": lengthened("You'll hear from our support department"),
        }
    },
    "office_days": [0],
    "time_zone": "Europe/Berlin",
    "attachments": True,
    "show_address": True,
}
PAIRS: list[dict[str, Any]] = [
    {"id": "a1", "question": f"My key {SECRET} is wrong?", "answer": f"Run\n\n```\nkeys rotate {SECRET} --all\n```"},
    {"id": "a2", "question": "Kraftfahrzeughaftpflichtversicherung" * 3, "answer": "https://example.com/" + "x" * 90},
    {
        "id": "a3",
        "question": "And then?",
        "answer": "Wait.",
        "uncertain": True,
        "reaction": "downvote",
        "comment": "?",
    },
]
SHOT = FilePayload(name="screenshot_of_the_settings_page.png", mimeType="image/png", buffer=png())
PROGRAM = FilePayload(name="program.exe", mimeType="application/octet-stream", buffer=b"MZ\0\0")

# What scrolls in itself (a text field, a wide table) is no overflow, and neither is what only a screen reader reads.
WIDER = """() => [...document.querySelectorAll("html, body *")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("svg, .kapa-handoff-trap"))
    .filter((one) => {
        const { display, overflowX, clipPath } = getComputedStyle(one);
        const scrolls = overflowX !== "visible" && one !== document.documentElement && !one.matches("dialog");
        return display !== "inline" && !scrolls && clipPath === "none" && one.scrollWidth > one.clientWidth
            && one.clientWidth > 1 && !one.matches("input, textarea, select");
    })
    .map((one) => `${one.localName}.${one.className}: ${one.scrollWidth} > ${one.clientWidth}: ${one.innerText}`)"""


class Sunday(datetime):
    """A clock on which offices are closed."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Sunday:
        return cls(2026, 11, 29, 12, tzinfo=tz)


class Looker:
    """Looks at each state of a page for what is wider than its place."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []

    def look(self, state: str) -> None:
        self.wrong += [f"{state}: {found}" for found in self.page.evaluate(WIDER)]


@pytest.fixture
def pseudo_app(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Flask]:
    """Builds sites that speak the pseudo-locale from a folder of their own; their office is closed."""
    monkeypatch.setattr(form_words, "datetime", Sunday)
    write_pseudo_locale(tmp_path / "translations")

    def build(**config: Any) -> Flask:
        return make_app(
            handoff=KapaHandoff(admin_required=let_pass),
            BABEL_TRANSLATION_DIRECTORIES=str(tmp_path / "translations"),
            KAPA_HANDOFF_LANGUAGE=LANGUAGE,
            KAPA_HANDOFF_FIELDS=FIELDS,
            KAPA_HANDOFF_FORM=FORM,
            **config,
        )

    return build


@pytest.fixture
def looker(open_context: Callable[..., BrowserContext]) -> Callable[..., Looker]:
    """Opens a browser of one of the sizes."""

    def make(size: str, **options: Any) -> Looker:
        width, height = SIZES[size]
        viewport = {"width": width, "height": height}
        return Looker(open_context(viewport=viewport, reduced_motion="reduce", **options).new_page())

    return make


def choose(page: Page, *files: FilePayload) -> None:
    with page.expect_response("**/handoff/attachments"):
        page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_role("status")).to_be_empty()


@pytest.mark.parametrize("size", SIZES)
def test_the_button_and_the_form(
    size: str, pseudo_app: Callable[..., Flask], serve: Callable[[Any], str], looker: Callable[..., Looker]
) -> None:
    """From the button to what is added later, with everything that a desk can show."""
    seen = looker(size)
    page, look = seen.page, seen.look
    page.goto(serve(add_chat(pseudo_app())) + "/?slot=any")
    for number, pair in enumerate(PAIRS, 1):
        answer(page, number, **pair)
    expect(page.locator(BUTTON)).to_contain_text("Čréáté tíčkét")
    look("button")
    page.context.set_offline(True)
    page.locator(BUTTON).click()
    expect(page.get_by_role("alert").first).not_to_be_empty()
    look("button without a server")
    page.context.set_offline(False)
    page.locator(BUTTON).click()
    dialog = page.locator(DIALOG)
    send = dialog.locator("[type=submit]")
    expect(dialog).to_be_visible()
    look("form")
    send.click()
    expect(dialog.locator("[aria-invalid]").first).to_be_visible()
    look("form with errors")
    choose(page, SHOT)
    choose(page, PROGRAM)
    expect(dialog.locator("#kapa-handoff-files-error")).to_be_visible()
    look("form with files")
    dialog.locator("summary").first.click()
    dialog.locator("[name=left_out]").first.check()
    for answer_of_pair in dialog.locator(".kapa-handoff-pair summary").all():
        if not answer_of_pair.evaluate("summary => summary.parentElement.open"):
            answer_of_pair.click()
    expect(dialog.locator(".kapa-handoff-mask").first).to_be_visible()
    look("review")
    dialog.locator("[name=email]").fill("ada.lovelace.of.the.analytical.engine@example.com")
    dialog.locator("[name=note]").fill(f"{SECRET} " * 115)
    dialog.locator("[name=area]").select_option(index=1)
    dialog.locator("[name=consent]").check()
    look("form that is filled in")
    page.context.set_offline(True)
    send.click()
    expect(dialog.locator(".kapa-handoff-alert")).not_to_be_empty()
    look("form offline")
    page.keyboard.press("Escape")
    expect(page.locator(BUTTON)).to_contain_text("Dráft")
    look("button with a draft")
    page.context.set_offline(False)
    page.locator(BUTTON).click()
    page.route("**/handoff/tickets", lambda route: None, times=1)
    send.click()
    expect(dialog.get_by_role("status")).not_to_be_empty()
    look("form being sent")
    page.reload()
    for number, pair in enumerate(PAIRS, 1):
        answer(page, number, **pair)
    page.locator(BUTTON).click()
    send.click()
    expect(dialog.locator("[data-kapa-handoff-reference]")).to_be_visible()
    look("confirmation")
    page.keyboard.press("Escape")
    expect(page.locator(".kapa-handoff-sent")).to_be_visible()
    look("what was sent")
    page.locator(".kapa-handoff-again").click()
    dialog.locator("[name=note]").fill("More.")
    look("form for more")
    page.keyboard.press("Escape")
    look("what was sent, with a draft")
    page.evaluate("document.querySelector('[data-kapa-handoff-slot]').remove()")
    answer(page, 4)
    expect(page.locator(".kapa-handoff-floating")).to_be_visible()
    look("floating button")
    assert seen.wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_without_script(
    size: str, pseudo_app: Callable[..., Flask], serve: Callable[[Any], str], looker: Callable[..., Looker]
) -> None:
    """The form with errors, files and its review, the thanks, a problem."""
    app = pseudo_app()
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))

    @app.get("/")
    def rendered() -> str:
        conversation = Conversation([QuestionAnswer(**pair) for pair in PAIRS], "t1")
        return render_template_string(
            "<!doctype html>{{ kapa_handoff_button(conversation) }}", conversation=conversation
        )

    address = serve(app)
    seen = looker(size, java_script_enabled=False)
    page, look = seen.page, seen.look
    page.goto(f"{address}/handoff/form?offer=x")
    look("problem")
    page.goto(address)
    page.locator(BUTTON).click()
    look("form")
    page.locator("input[type=file]").set_input_files([SHOT, PROGRAM])
    page.locator(".kapa-handoff-primary").click()
    expect(page.locator("[aria-invalid]").first).to_be_visible()
    look("form with errors and files")
    page.locator("[formaction]").click()
    page.locator("[name=left_out]").first.check()
    look("review")
    page.locator("[name=email]").fill("ada.lovelace.of.the.analytical.engine@example.com")
    page.locator("[name=area]").select_option(index=1)
    page.locator(".kapa-handoff-primary").click()
    look("form without consent")
    page.locator("[name=consent]").check()
    page.locator(".kapa-handoff-primary").click()
    expect(page.locator("[data-kapa-handoff-reference]")).to_be_visible()
    look("confirmation")
    assert seen.wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_the_admin_pages(
    size: str,
    pseudo_app: Callable[..., Flask],
    serve: Callable[[Any], str],
    looker: Callable[..., Looker],
    mail_server: MailServer,
) -> None:
    """Settings with all that can be unfolded, their history and their errors; tickets; the check-up."""
    app = pseudo_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    client = app.test_client()
    mail_server.replies["RCPT"] = ["250 OK", "550 5.1.1 <support@example.com>: Recipient address rejected"]
    conversation = Conversation([QuestionAnswer(**pair) for pair in PAIRS], "t1")
    filled: dict[str, Any] = {"conversation": conversation, "consent": AGREE, **FILLED}
    for _number in range(2):
        send_ticket(client, **filled)
        deliver(app)
    send_ticket(client, **filled)
    save(client, button_text="Ask a human being of our support department")
    address = f"{serve(app)}/handoff/admin"
    seen = looker(size)
    page, look = seen.page, seen.look

    def look_unfolded(state: str) -> None:
        look(state)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        look(f"{state}, unfolded")

    page.goto(address)
    look_unfolded("settings")
    page.locator("#kapa-handoff-admin-send-test-mail").click()
    expect(page.locator("#kapa-handoff-admin-outcome .handoff-notice")).to_be_visible()
    look("test mail")
    page.locator("#kapa-handoff-admin-email").fill("nonsense")
    page.locator("#kapa-handoff-admin-save").click()
    expect(page.locator("#kapa-handoff-admin-email-error")).to_be_visible()
    look("settings with errors")
    page.goto(f"{address}/tickets")
    look_unfolded("tickets")
    for ticket in tickets(app):
        page.goto(f"{address}/tickets/{ticket.reference}")
        look_unfolded(f"ticket that is {ticket.status}")
    page.goto(f"{address}/tickets/T-000000")
    look("no such ticket")
    page.goto(f"{address}/doctor")
    look_unfolded("check-up")
    assert seen.wrong == []
