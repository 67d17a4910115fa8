"""The example's chat with Kapa's real SDK, in a real browser: both ways from a question to the mail in the inbox."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from example_app.kapa_bundle import bundle
from example_app.kapa_chat import SCRIPT
from tests.browser.conftest import Example

BUTTON = "button.kapa-handoff-button"
FILE, RAIN, NAS = "How do I restore a single file?", "Will it rain tomorrow?", "Can I back up a Synology NAS?"


def visit(page: Page, example: Example, way: str) -> None:
    bundle(SCRIPT)  # raises what to do where Node.js is missing
    page.goto(f"{example.address}/kapa/?way={way}")
    expect(page.get_by_label("Your question")).to_be_visible()


def ask(page: Page, question: str) -> None:
    """Ask in the chat, and wait until the answer is complete."""
    votes = page.get_by_role("button", name="Not helpful")
    count = votes.count()
    page.locator("#kapa-question").fill(question)
    page.locator("#kapa-question").press("Enter")
    expect(votes).to_have_count(count + 1)


def send(page: Page) -> None:
    """Fill in the form, and send it."""
    page.get_by_label("Your email").fill("ada@example.com")
    page.get_by_label("Your note").fill("Hurry!")
    page.get_by_role("button", name="Send").click()


def read_mail(page: Page, example: Example) -> None:
    """Wait in the inbox until the one mail is there; every text that the visitor saw must be in it."""
    page.goto(f"{example.address}/inbox/")
    page.get_by_role("link", name=re.compile("ada@example.com")).click()
    expect(page.locator("main")).to_contain_text("support@pebblecask.example.com")
    body = page.frame_locator("iframe").locator("body")
    for text in (FILE, "Voted down", "an existing file is not overwritten", RAIN, "I could not find this", "Hurry!"):
        expect(body).to_contain_text(text, ignore_case=True)


def test_with_the_own_button_a_ticket_goes_from_the_sdk_to_the_inbox(example: Example, page: Page) -> None:
    """The button appears under the answers that qualify; the mail has the conversation as the SDK showed it."""
    visit(page, example, "button")
    ask(page, FILE)
    expect(page.get_by_role("listitem").filter(has_text="Restore a single file")).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(0)
    page.get_by_role("button", name="Not helpful").click()
    expect(page.locator(".pair").first.locator(BUTTON)).to_be_visible()
    ask(page, RAIN)
    page.locator(".pair").last.locator(BUTTON).click()
    send(page)
    expect(page.locator("[data-kapa-handoff-reference]")).to_be_visible()
    read_mail(page, example)


def test_taken_over_a_handoff_of_the_sdk_goes_to_the_inbox(example: Example, page: Page) -> None:
    """What `submitHandoff()` sends becomes this site's ticket, and nothing goes to Kapa's address."""
    visit(page, example, "takeover")
    ask(page, FILE)
    page.get_by_role("button", name="Not helpful").click()
    ask(page, RAIN)
    expect(page.locator(BUTTON)).to_have_count(0)
    page.get_by_role("button", name="Create ticket").click()
    send(page)
    expect(
        page.get_by_role("status").filter(has_text=re.compile("Your ticket T-[0-9A-Z]+ is on its way"))
    ).to_be_visible()
    read_mail(page, example)


def test_a_handoff_that_fails_keeps_what_was_typed(example: Example, page: Page) -> None:
    """Where neither this site nor Kapa takes the handoff, the form says so and stays as it is, to be sent again."""
    visit(page, example, "takeover")
    ask(page, RAIN)
    page.get_by_role("button", name="Create ticket").click()
    page.route(f"{example.address}/handoff/**", lambda route: route.abort())
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("what you typed is still here")
    expect(page.get_by_label("Your note")).to_have_value("Hurry!")
    page.unroute_all()
    page.get_by_role("button", name="Send").click()
    expect(
        page.get_by_role("status").filter(has_text=re.compile("Your ticket T-[0-9A-Z]+ is on its way"))
    ).to_be_visible()
    page.problems.clear()  # type: ignore[attr-defined]  # the browser logs what this test broke


def test_an_address_that_this_site_refuses_is_refused_before_it_is_sent(example: Example, page: Page) -> None:
    """An address without a dot after its @ is not sent; the form says in words what is wrong with it."""
    visit(page, example, "takeover")
    ask(page, RAIN)
    page.get_by_role("button", name="Create ticket").click()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    email = page.get_by_label("Your email")
    email.fill("bob@nowhere")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("input:user-invalid")).to_be_focused()
    assert "name@example.com" in email.evaluate("input => input.validationMessage")
    assert sent == []
    email.fill("bob@nowhere.example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").filter(has_text="is on its way")).to_be_visible()


@pytest.mark.parametrize("way", ["button", "takeover"])
def test_the_chat_asks_no_other_server_and_sets_no_cookie(example: Example, page: Page, way: str) -> None:
    """Captcha and tracking of the SDK stay away: all requests go to the example itself."""
    hosts = set()

    def note_host(request: Request) -> None:
        hosts.add(urlsplit(request.url).netloc)

    page.on("request", note_host)
    visit(page, example, way)
    ask(page, FILE)
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    assert hosts == {urlsplit(example.address).netloc}
    assert page.context.cookies() == []


def test_an_answer_shows_its_markdown_its_sources_and_its_doubt(example: Example, page: Page) -> None:
    """Code and sources are rendered; an answer that is a guess says so, a good one does not."""
    visit(page, example, "button")
    ask(page, FILE)
    expect(page.locator(".prose pre code")).to_contain_text("pebblecask restore home latest")
    expect(page.get_by_text("Uncertain", exact=True)).to_have_count(0)
    ask(page, NAS)
    expect(page.locator(".pair").last.get_by_text("Uncertain", exact=True)).to_be_visible()
    expect(page.locator(".pair").last.locator(".sources a")).to_have_attribute("href", re.compile("/docs/faq#"))


def test_nothing_in_an_answer_runs(example: Example, page: Page) -> None:
    """HTML in an answer is shown as text, and a link that would run a script leads nowhere."""
    visit(page, example, "button")
    chunks = [
        (
            "partial_answer",
            {"text": "<img src=none onerror=alert(1)> <b>bold</b> [click](javascript:alert(1)) **strong**"},
        ),
        ("identifiers", {"thread_id": "t", "question_answer_id": "a"}),
    ]
    body = "".join(json.dumps({"chunk": {"type": kind, "content": content}}) + "␞" for kind, content in chunks)
    page.route("**/chat/stream/", lambda route: route.fulfill(body=body))
    ask(page, "?")
    prose = page.locator(".prose")
    expect(prose).to_contain_text("<img src=none onerror=alert(1)> <b>bold</b>")
    expect(prose.locator("strong")).to_have_text("strong")
    expect(prose.locator("img, b, [href*=javascript]")).to_have_count(0)


def test_a_vote_can_be_changed(example: Example, page: Page) -> None:
    """One of the two is pressed: the one that was chosen last."""
    visit(page, example, "button")
    ask(page, FILE)
    up, down = (page.get_by_role("button", name=name, exact=True) for name in ("Helpful", "Not helpful"))
    for chosen, other in ((down, up), (up, down)):
        chosen.click()
        expect(chosen).to_have_attribute("aria-pressed", "true")
        expect(other).to_have_attribute("aria-pressed", "false")
    expect(page.locator(BUTTON)).to_have_count(0)


def test_an_answer_can_be_stopped_and_another_conversation_begun(
    start_example: Callable[..., Example], page: Page
) -> None:
    """A stopped answer stays as far as it came, and qualifies as uncertain; a new conversation has nothing of it."""
    example = start_example(FLASK_KAPA_CHAT_SECONDS="60")
    visit(page, example, "button")
    page.get_by_role("button", name=FILE).click()
    expect(page.locator(".prose")).to_contain_text("From the doc")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.locator(".prose")).to_contain_text("From the doc")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.locator(BUTTON)).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".pair")).to_have_count(0)
    expect(page.locator(BUTTON)).to_have_count(0)
    expect(page.get_by_role("button", name=RAIN)).to_be_visible()


def test_a_stopped_answer_has_its_button_in_its_own_place(start_example: Callable[..., Example], page: Page) -> None:
    """Where every answer qualifies, a stopped one does as well: its button appears under it, not above the page."""
    example = start_example(FLASK_KAPA_CHAT_SECONDS="60", FLASK_KAPA_HANDOFF_TRIGGERS="always")
    visit(page, example, "button")
    page.get_by_role("button", name=FILE).click()
    expect(page.locator(".prose")).to_contain_text("From the doc")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".pair").locator(BUTTON)).to_be_visible()
    expect(page.locator(BUTTON)).to_have_count(1)


def test_a_new_conversation_begins_a_new_thread_without_the_old_ones_button(example: Example, page: Page) -> None:
    """The next question after a reset is asked in no thread, and the old answer's button is gone."""
    visit(page, example, "button")
    ask(page, RAIN)
    expect(page.locator(BUTTON)).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(BUTTON)).to_have_count(0)
    with page.expect_request("**/chat/stream/") as request:
        ask(page, FILE)
    assert urlsplit(request.value.url).path == "/kapa/proxy/query/v2/chat/stream/"
    expect(page.locator(BUTTON)).to_have_count(0)


def test_an_error_of_the_backend_is_shown(example: Example, page: Page) -> None:
    """What the SDK says about a failed question is above the next one's box."""
    visit(page, example, "button")
    page.route("**/chat/stream/", lambda route: route.fulfill(status=500))
    page.locator("#kapa-question").fill(FILE)
    page.locator("#kapa-question").press("Enter")
    shown = page.get_by_role("alert").filter(has_text="Something went wrong")
    expect(shown).to_be_visible()
    page.unroute_all()
    ask(page, FILE)
    expect(shown).to_have_count(0)
    page.problems.clear()  # type: ignore[attr-defined]  # the SDK logs what this test broke
