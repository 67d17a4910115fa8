"""Kapa's real SDK in a real Chromium, between our stand-in for Kapa and a real site with a real mail server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from example_app.kapa_bundle import BundleError, bundle
from flask_kapa_handoff import testing
from flask_kapa_handoff.storage.tickets import Ticket
from tests.browser.conftest import TIMEOUT, watched
from tests.browser.engines import launch
from tests.browser.kapa.ensure_bundle import CHAT
from tests.browser.kapa.pages import add_pages
from tests.browser.kapa.proxy import Answers, KapaServer
from tests.browser.kapa.streams import Pair, pair, stream_of
from tests.helpers.servers import MailServer, Received

WIDGET_SCRIPT = "/kapa-widget.bundle.js"


@pytest.fixture(scope="session")
def chat_script() -> bytes:
    """The chat's script: Kapa's SDK and React, bundled."""
    return built_script()


def built_script() -> bytes:
    """The chat's script. Without Node.js the test fails and says what to do; it is not skipped."""
    try:
        return bundle(CHAT).read_bytes()
    except BundleError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def kapa_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KapaServer]:
    server = KapaServer(tmp_path_factory.mktemp("kapa"))
    yield server
    server.stop()


@pytest.fixture
def kapa(kapa_server: KapaServer, chat_script: bytes) -> Iterator[Answers]:
    """What Kapa responds in this test, and what it was asked."""
    answers = kapa_server.play(Answers(files={WIDGET_SCRIPT: chat_script}))
    yield answers
    assert answers.unexpected == []


@pytest.fixture(scope="session")
def browser(playwright: Playwright, kapa_server: KapaServer) -> Iterator[Browser]:
    """A Chromium in which Kapa's hosts are ours, and no other host exists."""
    started = launch(playwright, f"--host-resolver-rules={kapa_server.resolver_rules}")
    yield started
    started.close()


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """As in the other tests, but with our own certificate for Kapa."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        contexts.append(browser.new_context(ignore_https_errors=True, **options))
        contexts[-1].set_default_timeout(TIMEOUT)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


class Site:
    """A site with the bridge, its pages and its tickets.

    Arguments:
        app: the Flask app, which delivers in the request.
        mail_server: where its mails arrive.
    """

    def __init__(self, app: Flask, mail_server: MailServer) -> None:
        self.app, self.mail_server = app, mail_server
        self.url = ""
        self.asked: list[str] = []
        """``POST tickets`` and the like: what the visitor's routes were asked, without reports of answers."""
        self.instead: dict[str, Callable[[], Any]] = {}
        """By the last word of a path: called first; what it returns is the answer, unless it is None."""
        app.before_request(self._before)

    def _before(self) -> Any:
        if request.blueprint != "kapa_handoff" or request.endpoint == "kapa_handoff.static":
            return None
        word = request.path.rpartition("/")[2]
        if request.form.get("event") == "answer":
            return None
        self.asked.append(f"{request.method} {word}")
        return self.instead[word]() if word in self.instead else None

    def open(self, page: Page, *parts: str, then: str = "window.chat", markup: str = "") -> Page:
        """Open a page with these parts and this markup, see ``pages.py``; it is there when ``then`` is."""
        page.goto(
            f"{self.url}/?" + urlencode({"part": parts, "markup": markup} if markup else {"part": parts}, doseq=True)
        )
        if then:
            wait_until(page, then)
        return page

    def tickets(self) -> list[Ticket]:
        return testing.tickets(self.app)

    def conversation(self, ticket: Ticket) -> list[dict[str, Any]]:
        return testing.conversation_of(self.app, ticket).as_json()

    def mails(self, count: int) -> list[Received]:
        return self.mail_server.wait_for(count)


def attached(mail: Received) -> dict[str, Any]:
    """The ``conversation.json`` of a mail."""
    (part,) = [part for part in mail.message.iter_attachments() if part.get_filename() == "conversation.json"]
    content: dict[str, Any] = json.loads(part.get_content())
    return content


def stopped(number: int, answer: str) -> Pair:
    """An incomplete pair, as far as it arrived."""
    return pair(number, id="", answer=answer, stopped=True)


def conversation_of(site: Site, count: int = 1) -> list[dict[str, Any]]:
    """The conversation of the newest mail, once there are so many; an incomplete answer has no id of the chat."""
    (*_, mail) = site.mails(count)
    pairs = attached(mail)["conversation"]
    return [{**each, "id": None} if each.get("stopped") else each for each in pairs]


def stored(*pairs: Pair) -> list[dict[str, Any]]:
    return [each.as_stored() for each in pairs]


@pytest.fixture
def make_site(
    make_app: Callable[..., Flask],
    serve: Callable[[Any], str],
    mail_server: MailServer,
    chat_script: bytes,
    kapa: Answers,
) -> Callable[..., Site]:
    """Builds sites with their pages: ``make_site(KAPA_HANDOFF_TRIGGERS="downvote")``. Their Kapa is the test's own."""

    def build(**config: Any) -> Site:
        values: dict[str, Any] = {
            "KAPA_HANDOFF_DELIVERY": "inline",
            "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000,
            "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000,
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": mail_server.port,
            **config,
        }
        site = Site(add_pages(make_app(**values), chat_script), mail_server)
        site.url = serve(site.app)
        return site

    return build


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def new_page(open_context: Callable[..., BrowserContext]) -> Iterator[Callable[[], Page]]:
    """Opens pages of unrelated visitors; see the fixture ``page``."""
    pages: list[Page] = []

    def make() -> Page:
        pages.append(watched(open_context().new_page()))
        return pages[-1]

    yield make
    for opened in pages:
        assert opened.problems == []  # type: ignore[attr-defined]


def wait_until(page: Page, condition: str) -> None:
    """Wait until an expression is true on the page; without ``eval``, which its policy forbids."""
    page.evaluate(
        f"""() => new Promise((resolve, reject) => {{
            const end = Date.now() + {TIMEOUT};
            const look = () => {{
                if ({condition}) resolve();
                else if (Date.now() < end) setTimeout(look, 5);
                else reject(new Error("not within {TIMEOUT} ms: " + {condition!r}));
            }};
            look();
        }})"""
    )


def ask(page: Page, kapa: Answers, *pairs: Pair, thread: str = "t1", seed: int = 0, cuts: int = 8) -> None:
    """Ask the questions of these pairs, one after another, as visitors do."""
    for asked in pairs:
        kapa.streams[asked.question].append(stream_of(asked, thread, seed=seed, cuts=cuts))
        page.evaluate("question => ask(question)", asked.question)


def vote(page: Page, answered: Pair, reaction: str) -> None:
    answered.reaction = reaction
    page.evaluate("([id, reaction]) => chat.addFeedback(id, reaction)", [answered.id, reaction])


def hand_off(page: Page, email: str = "visitor@example.com", note: str = "Please help.") -> Any:
    """Send the handoff as Kapa's own form does; returns the promise's result."""
    return page.evaluate("fields => handoff(fields)", {"userEmail": email, "note": note})


def press_and_send(page: Page, answer: str, email: str = "visitor@example.com", note: str = "Please help.") -> str:
    """Press our own button under an answer, fill in the form, send it, close it; returns the reference."""
    return press_and_send_in(page, f'[data-kapa-handoff-slot][data-answer-id="{answer}"]', email, note)


def press_and_send_in(page: Page, place: str, email: str = "visitor@example.com", note: str = "Please help.") -> str:
    """The same with the button inside this element."""
    page.click(f"{place} button.kapa-handoff-button")
    page.get_by_label("Your email").fill(email)
    page.get_by_label("Your note").fill(note)
    page.get_by_role("button", name="Send").click()
    shown = page.locator("dialog[open] [data-kapa-handoff-reference]")
    expect(shown).to_be_visible()
    reference = shown.get_attribute("data-kapa-handoff-reference") or ""
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    return reference


RAW = """async ([path, body]) => {
    const answer = await fetch("https://proxy.kapa.ai/proxy/query/v2/" + path, {
        method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    });
    await answer.text();
    return answer.status;
}"""


def ask_by_hand(page: Page, kapa: Answers, asked: Pair, thread: str = "t1", *, is_first: bool = False) -> None:
    """Ask a question without the SDK, which knows only one thread at a time and none after a reload."""
    kapa.streams[asked.question].append(stream_of(asked, thread))
    path = "chat/stream/" if is_first else f"thread/{thread}/chat/stream/"
    assert page.evaluate(RAW, [path, {"query": asked.question}]) == 200


def hand_off_by_hand(page: Page, thread: str = "t1") -> int:
    """Send a handoff without the SDK; returns the status."""
    fields = {"recipient_email": "someone.else@example.net", "user_email": "visitor@example.com"}
    status: int = page.evaluate(RAW, [f"thread/{thread}/handoff/", fields])
    return status
