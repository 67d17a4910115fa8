"""Nothing is lost: what was typed, the address and the sent ticket, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, make_response, render_template_string, request
from playwright.sync_api import BrowserContext, Page, expect

from flask_kapa_handoff import Conversation, Field, KapaHandoff, QuestionAnswer, Visitor
from tests.browser.chat import BUTTON, DIALOG, answer, fill_and_send, reference, tickets
from tests.browser.conftest import watched

pytestmark = pytest.mark.only("sqlite")

FIELDS = [
    Field("area", "Area", choices=("Billing", "Keys")),
    Field("urgent", "It keeps me from working", kind="checkbox"),
    Field("updates", "Tell me of updates", kind="checkbox", default=True),
    Field("version", "Version", default="2.0"),
]
EMAIL, NOTE = "Your email", "Your note"
STORED = "() => JSON.stringify([{...sessionStorage}, {...localStorage}])"


def open_form(page: Page, button: str = BUTTON) -> None:
    page.click(button)
    expect(page.locator(DIALOG)).to_be_visible()


def leave(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)


def crashed(page: Page) -> Page:
    """What a browser restores of a tab that crashed: its storage at this moment, with nothing done at the end.

    A window that a page opens begins with a copy of it; Playwright itself cannot go on with a crashed tab.
    """
    with page.expect_popup() as opened:
        page.evaluate("void open(location.href)")
    back = watched(opened.value)
    back.site = page.site  # type: ignore[attr-defined]
    back.wait_for_load_state()
    page.close()
    return back


def test_what_was_typed_survives_and_what_was_sent_is_shown(chat: Callable[..., Page]) -> None:
    """Cancel, Escape, a reload and a crash of the tab, in each kind of field; then the ticket, and what is added."""
    page = chat(KAPA_HANDOFF_FIELDS=FIELDS)

    def assert_filled(page: Page, note: str) -> None:
        page.get_by_role("button", name="Create ticket Draft saved", exact=True).click()
        expect(page.get_by_label(EMAIL)).to_have_value("ada@example.com")
        expect(page.get_by_label(NOTE)).to_have_value(note)
        expect(page.get_by_label("Area")).to_have_value("Keys")
        expect(page.get_by_label("It keeps me from working")).to_be_checked()
        expect(page.get_by_label("Tell me of updates")).not_to_be_checked()
        expect(page.get_by_label("Version")).to_have_value("")

    answer(page)
    button = page.get_by_role("button", name="Create ticket", exact=True)
    open_form(page)
    page.get_by_label(EMAIL).fill("ada@example.com")
    page.get_by_role("button", name="Cancel").click()
    expect(button).to_be_visible()  # the address alone is no draft
    open_form(page)
    page.get_by_label(NOTE).fill("First line.\nSecond.")
    page.get_by_label("Area").select_option("Keys")
    page.get_by_label("It keeps me from working").check()
    page.get_by_label("Tell me of updates").uncheck()
    page.get_by_label("Version").fill("")
    leave(page)
    assert_filled(page, "First line.\nSecond.")
    page.reload()
    answer(page)
    assert_filled(page, "First line.\nSecond.")
    page.get_by_label(NOTE).press("Control+End")
    page.get_by_label(NOTE).press_sequentially(" Third.")
    page = crashed(page)
    answer(page)
    assert_filled(page, "First line.\nSecond. Third.")

    page.get_by_role("button", name="Send").click()
    first = reference(page)
    leave(page)
    line = page.locator("[data-kapa-handoff-slot]").get_by_text(f"Ticket {first} sent")
    expect(line).to_be_visible()
    expect(line).to_be_focused()
    expect(page.locator(BUTTON)).to_be_hidden()
    page.reload()
    answer(page)
    expect(line).to_be_visible()
    expect(page.locator(BUTTON)).to_be_hidden()
    page.get_by_role("button", name="Add something", exact=True).click()
    expect(page.get_by_role("heading", name="Add something")).to_be_visible()
    expect(page.get_by_label(EMAIL)).to_have_value("ada@example.com")
    expect(page.get_by_label(NOTE)).to_have_value("")
    expect(page.get_by_label(NOTE)).to_be_focused()
    page.get_by_label(NOTE).fill("And this.")
    leave(page)
    page.get_by_role("button", name="Add something Draft saved", exact=True).click()
    page.get_by_role("button", name="Send").click()
    second = reference(page)
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text(f"Ticket {second} sent")).to_be_visible()
    sent = tickets(page)
    assert [ticket.reference for ticket in sent] == [first, second]
    assert [ticket.note for ticket in sent] == ["First line.\nSecond. Third.", "And this."]
    assert sent[1].follows == sent[0].id
    assert "Draft saved" not in page.locator("body").inner_text()
    assert "And this." not in page.evaluate(STORED)


def test_each_thread_has_its_own(chat: Callable[..., Page]) -> None:
    """What is typed in one thread is not in another, nor cleared by its sending; a reset forgets its own thread's."""
    page = chat(slots=("a1", "b1"))

    def button(id: str) -> str:
        return f"[data-answer-id={id}] {BUTTON}"

    answer(page, id="a1", threadId="a")
    answer(page, id="b1", threadId="a:b")
    for id in ("a1", "b1"):
        open_form(page, button(id))
        expect(page.get_by_label(NOTE)).to_have_value("")
        page.get_by_label(NOTE).fill(f"About {id}.")
        leave(page)
    open_form(page, button("b1"))
    expect(page.get_by_label(NOTE)).to_have_value("About b1.")
    page.get_by_label(EMAIL).fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    reference(page)
    leave(page)
    page.reload()
    answer(page, id="a1", threadId="a")
    expect(page.locator(button("a1"))).to_have_text("Create ticket Draft saved")
    page.evaluate("KapaHandoff.reset('a')")
    expect(page.locator(button("a1"))).to_have_count(0)
    answer(page, id="a1", threadId="a")
    open_form(page, button("a1"))
    expect(page.get_by_label(NOTE)).to_have_value("")
    expect(page.get_by_label(EMAIL)).to_have_value("ada@example.com")
    assert "About" not in page.evaluate(STORED)


def test_what_was_sent_stays_when_the_vote_is_withdrawn(chat: Callable[..., Page]) -> None:
    """The answer has no offer then, and the visitor still sees the ticket."""
    page = chat(KAPA_HANDOFF_TRIGGERS="downvote")
    with page.expect_response("**/handoff/offer?*"):
        page.evaluate("KapaHandoff.answer({threadId: 't1', id: 'a1', question: 'How?', answer: 'So.'})")
    for vote in ("'downvote'", "null"):
        with page.expect_response("**/handoff/offer?*"):
            page.evaluate(f"KapaHandoff.vote('a1', {vote})")
        if vote == "'downvote'":
            page.click(BUTTON)
            fill_and_send(page)
            shown = reference(page)
            leave(page)
    expect(page.get_by_text(f"Ticket {shown} sent")).to_be_visible()
    assert page.evaluate("KapaHandoff.open()") is False


def test_the_address_is_remembered_on_this_device_only_if_the_visitor_wants_it(chat: Callable[..., Page]) -> None:
    """Another tab knows it then; unticking forgets it, whatever another tab still has open."""
    first = chat()
    box = "Remember my address on this device"

    def another_tab() -> Page:
        tab = watched(first.context.new_page())
        tab.goto(first.url)
        answer(tab)
        open_form(tab)
        return tab

    answer(first)
    open_form(first)
    expect(first.get_by_label(box)).not_to_be_checked()
    first.get_by_label(EMAIL).fill("ada@example.com")
    expect(another_tab().get_by_label(EMAIL)).to_have_value("")
    first.get_by_label(box).check()
    first.get_by_label(EMAIL).fill("ada@example.org")
    second = another_tab()
    expect(second.get_by_label(EMAIL)).to_have_value("ada@example.org")
    expect(second.get_by_label(box)).to_be_checked()
    expect(second.get_by_label(NOTE)).to_be_focused()
    second.get_by_label(box).uncheck()
    first.get_by_label(EMAIL).fill("ada@example.net")
    expect(first.get_by_label(box)).not_to_be_checked()
    third = another_tab()
    expect(third.get_by_label(EMAIL)).to_have_value("")
    expect(third.get_by_label(box)).not_to_be_checked()
    assert "ada" not in third.evaluate(STORED)


BROKEN = {
    "blocked": """for (const name of ["sessionStorage", "localStorage"])
        Object.defineProperty(window, name, {get() { throw new DOMException("blocked", "SecurityError"); }});""",
    "full": """for (const storage of [sessionStorage, localStorage]) for (let size = 2 ** 23; size >= 1; size /= 2)
        try { storage[`x${size}`] = "x".repeat(size); } catch {}""",
    "damaged": """for (const [name, text] of [["t1", "{"], ["t2", "null"], ["t3", '{"default": null}'],
        ["t4", '{"default": {"typed": null, "sent": null}}'], ["t5", '{"default": {"typed": "x", "sent": 5}}'],
        ["t6", "5"]]) sessionStorage["kapa-handoff:" + name] = text;""",
}


@pytest.mark.parametrize("state", BROKEN)
def test_without_storage_everything_else_works(state: str, chat: Callable[..., Page]) -> None:
    """Blocked, full, or with other content: the text stays as long as the page does; the ticket is sent and shown."""
    page = chat()
    page.add_init_script(BROKEN[state])
    for thread in ("t1",) if state != "damaged" else ("t1", "t2", "t3", "t4", "t5", "t6"):
        page.reload()
        answer(page, threadId=thread)
        open_form(page)
        box = page.get_by_label("Remember my address on this device")
        if state == "blocked":
            expect(box).to_be_hidden()
        else:
            box.check(force=True) if state == "damaged" else box.click()
            expect(box).to_be_checked(checked=state == "damaged")
        page.get_by_label(EMAIL).fill("ada@example.com")
        page.get_by_label(NOTE).fill(f"Still {thread}.")
        leave(page)
        open_form(page)
        expect(page.get_by_label(EMAIL)).to_have_value("ada@example.com")
        expect(page.get_by_label(NOTE)).to_have_value(f"Still {thread}.")
        page.get_by_role("button", name="Send").click()
        shown = reference(page)
        leave(page)
        expect(page.locator("[data-kapa-handoff-slot]").get_by_text(shown)).to_be_visible()
        assert tickets(page)[-1].note == f"Still {thread}."


def test_a_signed_in_visitors_address_is_not_remembered(chat: Callable[..., Page]) -> None:
    """Their account says it; the note is kept, and there is no box."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", "Ada"))
    page = chat(handoff=handoff)
    answer(page)
    open_form(page)
    expect(page.get_by_label("Remember my address on this device")).to_have_count(0)
    page.get_by_label(NOTE).fill("Mine.")
    leave(page)
    page.reload()
    answer(page)
    open_form(page)
    expect(page.get_by_label(NOTE)).to_have_value("Mine.")
    page.get_by_role("button", name="Send").click()
    reference(page)
    assert "ada@" not in page.evaluate(STORED)


RENDERED = """<!doctype html>
<html lang="en"><head><title>Chat</title>{{ kapa_handoff_script() }}</head><body><h1>Chat</h1>
{% for conversation in conversations %}<section>{{ kapa_handoff_button(conversation) }}</section>{% endfor %}
</body></html>"""


def test_buttons_that_the_server_renders_say_it_as_well(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page
) -> None:
    """Without a thread id too, by the thread's first pair; and buttons that a script puts into the page later."""
    site = make_app()
    site.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    page.site = site  # type: ignore[attr-defined]

    @site.get("/")
    def chat() -> Any:
        later = tuple(QuestionAnswer(f"More {n}?", "Yes.") for n in range(int(request.args.get("more", 0))))
        pairs = [QuestionAnswer("How?", f"Like {name}.") for name in ("this", "that")]
        conversations = [Conversation((pair, *later)) for pair in pairs]
        return make_response(render_template_string(RENDERED, conversations=conversations))

    address = serve(site)
    page.goto(address)
    first, second = (page.locator(f"body > section:nth-of-type({n})") for n in (1, 2))
    second.get_by_role("button", name="Create ticket").click()
    page.get_by_label(NOTE).fill("About that.")
    page.goto(f"{address}/?more=2")
    expect(second.get_by_role("button", name="Create ticket Draft saved")).to_be_visible()
    expect(first.get_by_role("button", name="Create ticket", exact=True)).to_be_visible()
    page.evaluate("fetch('/').then((r) => r.text()).then((text) => document.querySelector('h1').innerHTML = text)")
    expect(page.get_by_role("heading").get_by_role("button", name="Draft saved")).to_have_count(1)
    second.get_by_role("button", name="Create ticket Draft saved").click()
    expect(page.get_by_label(NOTE)).to_have_value("About that.")
    page.get_by_label(EMAIL).fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    shown = reference(page)
    leave(page)
    page.goto(address)
    expect(second.get_by_text(f"Ticket {shown} sent")).to_be_visible()
    expect(first.get_by_role("button", name="Create ticket", exact=True)).to_be_visible()
    second.get_by_role("button", name="Add something").click()
    fill_and_send(page, note="More.")
    reference(page)
    assert [ticket.pairs for ticket in tickets(page)] == [3, 1]


def test_without_script_the_button_is_as_it_was(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]
) -> None:
    """What only the script shows is hidden, and the form's page has no box."""
    site = make_app()

    @site.get("/")
    def chat() -> Any:
        return render_template_string(RENDERED, conversations=[Conversation((QuestionAnswer("How?", "So."),))])

    page = open_context(java_script_enabled=False).new_page()
    page.goto(serve(site))
    expect(page.get_by_text("sent")).to_be_hidden()
    page.get_by_role("button", name="Create ticket", exact=True).click()
    expect(page.get_by_label(EMAIL)).to_be_visible()
    expect(page.locator("[data-kapa-handoff-remember]")).to_have_count(0)
