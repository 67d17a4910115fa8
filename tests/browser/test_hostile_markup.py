"""Names in an answer's markup become members of `document`, `window` and forms; none changes what happens.

The pages have no Content-Security-Policy, which would hide some of it, and a stranger who notes what reaches him.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from playwright.sync_api import Page, expect

from flask_kapa_handoff.testing import tickets
from tests.browser.chat import BUTTON, answer, fill_and_send, reference

pytestmark = pytest.mark.only("sqlite")

DIALOG = ".kapa-handoff-dialog[open]"
PAGE = """<!doctype html>
<html lang="en">
<head><title>Chat</title><link rel="icon" href="data:,">{% if in_head %}{{ kapa_handoff_script() }}{% endif %}</head>
<body>
<div id="answer">{{ hostile | safe }}</div>
{% if not in_head %}{{ kapa_handoff_script(bridge=bridge) }}{% endif %}
<div data-kapa-handoff-slot></div>
</body>
</html>"""

MEMBERS = (
    *(
        "addEventListener",
        "body",
        "createElement",
        "currentScript",
        "dispatchEvent",
        "documentElement",
        "getElementById",
    ),
    *("head", "querySelector", "querySelectorAll", "removeEventListener", "scripts"),
)
"""What the scripts ask of a document."""

BEFORE_THE_SCRIPT = {
    "a form as the script, with a base": '<form name="currentScript" data-base="{stranger}/handoff"></form>',
    "an image as the script": '<img name="currentScript" alt="">',
    "two images as the script": '<img name="currentScript" alt=""><img name="currentScript" alt="">',
    "a link as our object": '<a id="KapaHandoff"></a>',
    "two links as our object": '<a id="KapaHandoff"></a><a id="KapaHandoff"></a>',
    "a frame as our object": '<iframe name="KapaHandoff"></iframe>',
    "a stranger's frame as Kapa's function": '<iframe name="Kapa" src="{stranger}/frame"></iframe>',
    "a form as Kapa's function": '<form id="Kapa"><input name="q"></form>',
    "an embed as Kapa's function": '<embed name="Kapa">',
    "images as all that a document can do": "".join(f'<img name="{name}" alt="">' for name in MEMBERS),
    "forms as all that a document can do": "".join(f'<form name="{name}"></form>' for name in MEMBERS),
    "names of the browser": "".join(
        f'<a id="{name}"></a>' for name in ("fetch", "addEventListener", "Document", "real")
    ),
    "a base that leads to the stranger": '<base href="{stranger}/">',
}


class Stranger:
    """Another host. ``asked`` holds what it was asked, but for the frame that a page shows."""

    def __init__(self) -> None:
        self.app, self.asked = Flask("stranger"), []  # type: ignore[var-annotated]
        self.app.add_url_rule("/frame", "frame", lambda: "<title>A frame</title>")
        self.app.before_request(lambda: self.asked.append(request.path) if request.path != "/frame" else None)


@pytest.fixture
def chat(make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page) -> Callable[..., Page]:
    """Opens a page whose answer has this markup: before the script, or put in when the script has run."""

    def open_chat(hostile: str = "", *, later: str = "", bridge: str | None = None) -> Page:
        app, stranger = make_app(), Stranger()
        host = serve(stranger.app).replace("127.0.0.1", "localhost")

        @app.get("/")
        def chat() -> str:
            markup = hostile.replace("{stranger}", host)
            # Behind a base of the stranger's the browser would fetch the script itself from there.
            return render_template_string(PAGE, hostile=markup, bridge=bridge, in_head="<base" in markup)

        page.stranger, page.site = stranger, app  # type: ignore[attr-defined]
        page.goto(serve(app))
        page.evaluate("markup => { answer.innerHTML += markup; }", later)
        return page

    return open_chat


def send(page: Page) -> None:
    """From the answer to the ticket, which is the site's, and the stranger's is nothing."""
    answer(page)
    page.locator(BUTTON).last.click()
    fill_and_send(page)
    shown = reference(page)
    assert [ticket.reference for ticket in tickets(page.site)] == [shown]  # type: ignore[attr-defined]
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.get_by_text(f"Ticket {shown} sent")).to_be_visible()
    assert page.stranger.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("hostile", BEFORE_THE_SCRIPT)
def test_markup_before_the_script_neither_redirects_nor_disables_it(hostile: str, chat: Callable[..., Page]) -> None:
    """The ticket reaches the site, with its events and with the handlers that are registered Kapa's way."""
    page = chat(BEFORE_THE_SCRIPT[hostile])
    page.evaluate(
        """() => {
            window.heard = [];
            KapaHandoff.on("open", () => heard.push("on"));
            Kapa("onAskAIHandoffSubmit", () => heard.push("Kapa"));
        }"""
    )
    send(page)
    assert page.evaluate("heard") == ["on", "Kapa"]


@pytest.mark.parametrize("hostile", ["images as all that a document can do", "forms as all that a document can do"])
def test_markup_after_the_script_does_not_disable_it(hostile: str, chat: Callable[..., Page]) -> None:
    """An answer that is shown later has the same names."""
    send(chat(later=BEFORE_THE_SCRIPT[hostile]))


def test_a_form_as_kapas_function_leaves_the_queue_alone(chat: Callable[..., Page]) -> None:
    """Handlers that are registered before Kapa's bundle is there are queued."""
    page = chat('<form id="Kapa"></form>', bridge="button")
    page.evaluate("Kapa('onModalOpen', () => {}, 'add')")
    assert "onModalOpen" in page.evaluate("Kapa.q.map(call => call[0])")
    send(page)


LOOKALIKES = {
    "a slot that is a form": '<form data-kapa-handoff-slot action="https://stranger.example.com/">'
    '<input name="querySelector"><input name="replaceChildren"></form>',
    "a dialog that is open": "<dialog open data-kapa-handoff-dialog>Hello</dialog>",
    "a box that is no dialog, around a slot": "<div data-kapa-handoff-dialog data-kapa-handoff-close>"
    "<div data-kapa-handoff-slot></div></div>",
    "a floating box": '<form class="kapa-handoff-floating"><input name="remove"></form>',
    "the bridge's mark": '<div data-bridge="button" data-website-id src="kapa"></div>',
}


@pytest.mark.parametrize("hostile", LOOKALIKES)
def test_markup_that_looks_like_ours_shows_our_form_at_most(hostile: str, chat: Callable[..., Page]) -> None:
    """It may say where the button is; the form is ours, and so is where it leads."""
    page = chat()
    page.evaluate("markup => document.body.insertAdjacentHTML('beforeend', markup)", LOOKALIKES[hostile])
    send(page)


FORM = '<form data-kapa-handoff-offer action="https://stranger.example.com/">'
OFFERS = {
    "without a button": FORM + '<input name="offer" value="x"><a data-kapa-handoff-open>Press</a></form>',
    "without anything": FORM + "<a data-kapa-handoff-open>Press</a></form>",
    "with our names": FORM + '<input name="dataset"><input name="querySelector"><input name="offer" value="x">'
    "<button data-kapa-handoff-open>Press</button></form>",
    "with a conversation that is none": FORM + '<input name="offer" value="x"><input name="conversation" value="{">'
    "<button data-kapa-handoff-open>Press</button></form>",
}


@pytest.mark.parametrize("hostile", OFFERS)
def test_an_offer_that_is_not_ours_leads_to_our_server_alone(hostile: str, chat: Callable[..., Page]) -> None:
    """Pressing it shows our own refusal at most, and the real button works after it."""
    page = chat(OFFERS[hostile])
    if hostile == "with a conversation that is none":
        with page.expect_event("pageerror"):
            page.get_by_text("Press").click()
    else:
        page.get_by_text("Press").click()
        expect(page.locator(DIALOG)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(DIALOG)).to_have_count(0)
    page.problems.clear()  # type: ignore[attr-defined]  # Chromium reports the 403
    send(page)


def test_an_offer_that_is_not_ours_does_not_keep_ours_when_a_conversation_is_over(chat: Callable[..., Page]) -> None:
    """A form whose `remove` is a field of it goes with the others."""
    page = chat('<form data-kapa-handoff-offer data-thread-id="t1"><input name="remove"><input name="dataset"></form>')
    answer(page)
    expect(page.locator(BUTTON)).to_have_count(1)
    page.evaluate("KapaHandoff.reset('t1')")
    expect(page.locator(BUTTON)).to_have_count(0)
    expect(page.locator("[data-kapa-handoff-offer]")).to_have_count(0)
