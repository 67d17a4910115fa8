"""Everything that a visitor may see, and how to get there: one table. A further state is one more row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import FilePayload, Route, expect

from flask_kapa_handoff.mail_links import LinkKind
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings, make_offer, send_ticket
from tests.browser.accessibility.states import State, Step, Visit, click, go_to, hold, see
from tests.browser.chat import BUTTON, DIALOG, answer
from tests.helpers.fields import FIELDS
from tests.helpers.files import png
from tests.helpers.offers import old_offer
from tests.helpers.tickets import PAIR

CHAT = """<!doctype html>
<html lang="{{ request.args.lang }}" dir="{{ request.args.dir }}">
<head><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>Chat</title>{{ kapa_handoff_script() }}</head>
<body><main><h1>Chat</h1>{% if request.args.slot %}<div data-kapa-handoff-slot></div>{% endif %}</main></body>
</html>"""

WORDS = {
    "title": "Ask our team",
    "lead": "We know every key.",
    "note_label": "What is missing?",
    "consent": "I agree, see [our rules].",
    "privacy": "Read [how we use your data].",
    "privacy_url": "https://example.com/privacy",
    "thanks": "You'll hear from us",
}

SITES: dict[str, dict[str, Any]] = {
    "plain": {},
    "limited": {"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1},
    "closing": {"KAPA_HANDOFF_FORM": {"show_address": True}},
    "direct": {"KAPA_HANDOFF_FORM": {"open_directly": True}},
    "fields": {"KAPA_HANDOFF_FIELDS": FIELDS},
    "files": {"KAPA_HANDOFF_FORM": {"attachments": True}},
    "words": {
        "KAPA_HANDOFF_FORM": {
            "texts": {"": WORDS},
            "office_days": [0],
            "time_zone": "Europe/Berlin",
            "accent": "#ffd400",
            "radius": "pill",
            "show_address": True,
        }
    },
}
"""The sites that visitors come to, with their configuration."""


def add_chat(app: Flask) -> Flask:
    """The site's chat, whose page has landmarks and a heading, as axe-core wants of every page."""
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    app.add_url_rule("/", "chat", lambda: render_template_string(CHAT))
    return app


def ask(visit: Visit, *, slot: str = "any", times: int = 1) -> None:
    direction = "rtl" if visit.language == "ar" else "ltr"
    visit.page.goto(f"{visit.address}/?lang={visit.language}&dir={direction}&slot={slot}")
    thread = str(uuid4())
    for number in range(1, times + 1):
        answer(visit.page, number, threadId=thread)
    expect(visit.locate(BUTTON)).to_be_visible()


def ask_twice(visit: Visit) -> None:
    ask(visit, times=2)


def ask_without_slot(visit: Visit) -> None:
    ask(visit, slot="")


def press(visit: Visit) -> None:
    visit.locate(BUTTON).click()


def open_form(visit: Visit) -> None:
    ask(visit)
    press(visit)
    expect(visit.locate(DIALOG)).to_be_visible()


def open_directly(visit: Visit) -> None:
    visit.page.goto(f"{visit.address}/?lang={visit.language}")
    assert visit.page.evaluate("KapaHandoff.open()") is True


def open_page(visit: Visit, **facts: Any) -> None:
    visit.page.goto(f"{visit.address}/handoff/form?offer={make_offer(visit.site.test_client(), **facts)}")


def open_link(visit: Visit) -> None:
    """With the link in a ticket's mail."""
    state = state_of(visit.site)
    ticket = send_ticket(visit.site.test_client())
    visit.page.goto(f"{visit.address}/handoff/take?key={state.link_signer().sign(LinkKind.TAKE, ticket.id)}")


def open_page_directly(visit: Visit) -> None:
    open_page(visit, pairs=0, direct=True)


def fill_address(visit: Visit) -> None:
    visit.locate("[name=email]").fill("ada@example.com")


def fill(visit: Visit) -> None:
    fill_address(visit)
    visit.locate("[name=note]").fill("It stays red.")


def fill_in_every_field(visit: Visit) -> None:
    fill(visit)
    visit.locate("[name=order]").fill("4711")
    visit.locate("[name=urgent]").check()


def mistype(visit: Visit) -> None:
    visit.locate("[name=email]").fill("ada@example")


def slip(visit: Visit) -> None:
    visit.locate("[name=email]").fill("ada@gmial.com")
    visit.locate("[name=email]").blur()


def write_too_much(visit: Visit) -> None:
    visit.locate("[name=note]").fill("x" * 5_001)
    see(".kapa-handoff-over")(visit)


def correct(visit: Visit) -> None:
    visit.locate("[name=email]").press("a")


def send(visit: Visit) -> None:
    visit.locate("form.kapa-handoff-form .kapa-handoff-primary").click()


def send_invalid(visit: Visit) -> None:
    send(visit)
    see("[aria-invalid]")(visit)


def send_in_vain(visit: Visit) -> None:
    send(visit)
    see("[role=alert]:not(:empty)")(visit)


def send_well(visit: Visit) -> None:
    send(visit)
    see("[data-kapa-handoff-reference]")(visit)


def close(visit: Visit) -> None:
    visit.page.keyboard.press("Escape")
    expect(visit.locate("dialog")).to_have_count(0)


def click_beside(visit: Visit) -> None:
    fill(visit)
    visit.page.mouse.click(2, 2)
    see(SAID)(visit)


def copy_text(visit: Visit) -> None:
    visit.locate("[data-kapa-handoff-copy-text]").click()
    see(SAID)(visit)


def attach(*files: FilePayload) -> Step:
    def choose(visit: Visit) -> None:
        with visit.page.expect_response("**/handoff/attachments"):
            visit.locate("input[type=file]").set_input_files(files)
        expect(visit.locate("[role=status]")).to_be_empty()

    return choose


def attach_on_page(*files: FilePayload) -> Step:
    return lambda visit: visit.locate("input[type=file]").set_input_files(files)


def fail(reply: Callable[[Route], None]) -> Step:
    """Sending fails this way."""
    return lambda visit: visit.page.route("**/handoff/tickets", reply)


def go_offline(visit: Visit) -> None:
    visit.page.context.set_offline(True)


def break_offer(visit: Visit) -> None:
    visit.locate("[name=offer]").last.evaluate("field => field.value = 'x'")


def let_offer_expire(visit: Visit) -> None:
    with pytest.MonkeyPatch.context() as patch:
        expired = old_offer(visit.site.test_client(), patch)
    visit.locate("[name=offer]").last.evaluate("(field, expired) => field.value = expired", expired)


def switch_off(visit: Visit) -> None:
    change_settings(visit.site, enabled=False)


def bring_conversation(visit: Visit) -> None:
    pairs = json.dumps([PAIR, {**PAIR, "id": "a2", "question": "And my card 4111 1111 1111 1111?"}])
    visit.locate("[name=conversation]").evaluate("(field, pairs) => field.value = pairs", pairs)


def agree(visit: Visit) -> None:
    visit.locate("[name=consent]").check()


SHOT = FilePayload(name="shot.png", mimeType="image/png", buffer=png())
LOG = FilePayload(name="server.log", mimeType="text/plain", buffer=b"GET / 500\n")
PROGRAM = FilePayload(name="program.exe", mimeType="application/octet-stream", buffer=b"MZ\0\0")


SAID = ".kapa-handoff-note:not(:empty)"
CORRECTION, CORRECT = ".kapa-handoff-correction summary", ".kapa-handoff-correction [type=submit]"
WRONG, CORRECTED = "[aria-invalid]", ".kapa-handoff-confirmation:not(:has(.kapa-handoff-correction))"
REVIEW = ".kapa-handoff-review > summary"

STATES = {
    "button": State("plain", ask),
    "button busy": State("plain", hold("form?*"), press, see("[aria-busy]")),
    "form": State("plain", see(DIALOG)),
    "form with a suggestion": State("plain", slip, see("[data-kapa-handoff-suggestion]")),
    "form with errors": State("plain", mistype, send_invalid),
    "form with an error corrected": State("plain", correct),
    "form near its limit": State("plain", write_too_much),
    "form that stays": State("plain", click_beside),
    "form offline": State("plain", fill, go_offline, send_in_vain),
    "form with the text copied": State("plain", copy_text),
    "form after 503": State("plain", fail(lambda route: route.fulfill(status=503)), send_in_vain),
    "form expired": State("plain", let_offer_expire, send_in_vain),
    "form being sent": State("plain", hold("tickets"), send, see("[role=status]:not(:empty)")),
    "confirmation": State("plain", see("[data-kapa-handoff-reference]")),
    "confirmation copied": State("plain", click("[data-kapa-handoff-copy-ticket]"), see(SAID)),
    "confirmation with a wrong address": State("plain", click(CORRECTION), mistype, click(CORRECT), see(WRONG)),
    "confirmation corrected": State("plain", fill_address, click(CORRECT), see(CORRECTED)),
    "button after sending": State("plain", close),
    "form to add something": State("plain", click(".kapa-handoff-again"), see(DIALOG)),
    "form with the review": State("plain", ask_twice, press, click(REVIEW), see(".kapa-handoff-pair")),
    "form with a question left out": State("plain", click("[name=left_out]")),
    "button with a draft": State("plain", fill, close, see(".kapa-handoff-draft:not(:empty)")),
    "button without a slot": State("plain", ask_without_slot),
    "button without a server": State("plain", go_offline, press, see("[role=alert]:not(:empty)")),
    "problem": State("plain", break_offer, press, see("dialog [data-kapa-handoff-problem]")),
    "form after 429": State("limited", open_form, fill, send_in_vain),
    "form of a desk that was switched off": State("closing", open_form, fill, switch_off, send_in_vain),
    "form from the start": State("direct", open_directly),
    "form of a desk with words": State("words", open_form),
    "form without consent": State("words", fill, send_invalid),
    "confirmation of a desk with words": State("words", agree, send_well),
    "form with the site's fields": State("fields", open_form),
    "form with errors at the site's fields": State("fields", fill_in_every_field, send_invalid),
    "form with files": State("files", open_form, attach(SHOT, LOG)),
    "form with a file refused": State("files", attach(PROGRAM)),
    "page form": State("plain", open_page),
    "page form with errors": State("plain", bring_conversation, mistype, send_invalid),
    "page form with the review": State("plain", click(".kapa-handoff-review button"), see(".kapa-handoff-pair")),
    "page form with the site's fields": State("fields", open_page, send_invalid),
    "page form with files": State("files", open_page, attach_on_page(SHOT, LOG), send_invalid),
    "page form of a desk with words": State("words", open_page),
    "page confirmation": State("direct", open_page_directly, fill, send_well),
    "page of a link in a mail": State("plain", open_link),
    "page of a ticket that is taken": State("plain", click("[type=submit]"), see("main:not(:has(form))")),
    "page problem": State("plain", go_to("/handoff/form?offer=x")),
}

WALKED = (
    "form with a question left out",
    "confirmation of a desk with words",
    "form with errors at the site's fields",
    "form with a file refused",
    "page form of a desk with words",
)
"""The states whose stops of the Tab key are looked at."""
