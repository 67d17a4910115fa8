"""Runs the React example of docs/kapa-button.md unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Page, expect

from example_app.kapa_bundle import bundle
from tests.browser.kapa.conftest import Site, attached, press_and_send
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import Pair, broken_after, stream_of

pytestmark = pytest.mark.only("sqlite")

DOCS = Path(__file__).parents[3] / "docs"
CHAT, CALLBACKS = re.findall(r"```jsx\n(.*?)```", (DOCS / "kapa-button.md").read_text(), re.DOTALL)
MOUNT = """
import { createRoot } from "react-dom/client";
createRoot(document.getElementById("chat")).render(%s);
"""
WITH_CALLBACKS = "<KapaProvider integrationId='an-id' callbacks={callbacks}><Remote /><Chat /></KapaProvider>"
REMOTE = "const Remote = () => { window.chat = useChat(); return null; };"


@pytest.fixture(params=["alone", "with callbacks"])
def chat_script(request: pytest.FixtureRequest, tmp_path: Path, kapa_server: object) -> bytes:
    """The page's chat is the one of the docs."""
    entry = tmp_path / "example.jsx"
    if request.param == "alone":
        entry.write_text(CHAT + MOUNT % "<Help />", encoding="utf-8")
    else:
        entry.write_text(CHAT + CALLBACKS + REMOTE + MOUNT % WITH_CALLBACKS, encoding="utf-8")
    return bundle(entry).read_bytes()


def test_the_example_is_twenty_lines() -> None:
    """So it is short enough to read before using it."""
    assert len([line for line in CHAT.splitlines() if line.strip()]) <= 22


def test_each_answer_of_the_example_gets_its_button(
    make_site: Callable[..., Site], page: Page, kapa: Answers, chat_script: bytes
) -> None:
    """Two questions, two buttons in their slots; the ticket holds both answers."""
    site = make_site()
    site.open(page, "button", "chat", then="document.querySelector('input')")
    pairs = [Pair(f"Question {number}?", f"Answer {number}.", f"a{number}") for number in (1, 2)]
    for pair in pairs:
        kapa.streams[pair.question].append(stream_of(pair, "t1", seed=1, cuts=5))
        page.get_by_label("Your question").fill(pair.question)
        page.keyboard.press("Enter")
        expect(page.locator(f"[data-answer-id={pair.id}] button:visible")).to_be_visible()
    press_and_send(page, "a2")
    assert attached(site.mails(1)[0])["conversation"] == [pair.as_stored() for pair in pairs]


@pytest.mark.parametrize("chat_script", ["with callbacks"], indirect=True)
def test_with_the_callbacks_a_new_conversation_takes_the_old_button_along(
    make_site: Callable[..., Site], page: Page, kapa: Answers
) -> None:
    """Even when it begins in the middle of an answer, nothing of the old conversation comes back."""
    site = make_site()
    site.open(page, "button", "chat", then="window.chat")
    first, second, third = (Pair(f"Question {number}?", "Answer.", f"a{number}") for number in (1, 2, 3))
    gate = Event()
    kapa.streams[first.question].append(stream_of(first, "t1"))
    kapa.streams[second.question].append(broken_after(second, "Half an answer", gate))
    kapa.streams[third.question].append(stream_of(third, "t2"))
    button = page.locator("button.kapa-handoff-button")
    offers: list[str] = []
    page.on("request", lambda request: offers.extend(re.findall(r"/offer\?.*answer_id=([\w-]+)", request.url)))
    page.evaluate("chat.submitQuery('Question 1?')")
    expect(button).to_have_count(1)
    page.evaluate("void chat.submitQuery('Question 2?')")
    expect(page.get_by_text("Half an answer")).to_be_visible()
    page.evaluate("chat.resetConversation()")
    expect(button).to_have_count(0)
    page.evaluate("chat.submitQuery('Question 3?')")
    expect(page.locator("[data-answer-id=a3] button:visible")).to_be_visible()
    expect(button).to_have_count(1)
    press_and_send(page, "a3")
    assert attached(site.mails(1)[0])["conversation"] == [third.as_stored()]
    assert offers == ["a1", "a3"]
    gate.set()
