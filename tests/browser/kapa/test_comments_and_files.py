"""Why an answer was voted down, and the names of files that the visitor gave to the chat, arrive with the ticket."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.kapa.conftest import Site, ask, attached, hand_off, press_and_send
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair, stream_of
from tests.browser.kapa.test_transcripts import WAYS

pytestmark = pytest.mark.only("sqlite")

# As the SDK begins an upload; the page reads the response, too.
UPLOAD = """async (name) => {
    const answer = await fetch("https://proxy.kapa.ai/proxy/query/v2/files/", {
        method: "POST", headers: {"Content-Type": "application/json"},
        body: JSON.stringify({file_name: name, file_size: 5, user: {}}),
    });
    return (await answer.json()).id;
}"""
VOTE = "([id, reaction, comment]) => chat.addFeedback(id, reaction, comment)"


def send(site: Site, page: Page, way: str, answer: str, count: int = 1) -> list[dict[str, Any]]:
    """Send the ticket of an answer; gives the conversation of its mail."""
    if "button" in WAYS[way]:
        press_and_send(page, answer)
    else:
        assert hand_off(page) == {"resolved": None}
    pairs: list[dict[str, Any]] = attached(site.mails(count)[-1])["conversation"]
    return pairs


@pytest.mark.parametrize("way", WAYS)
def test_the_reason_and_the_names_arrive(way: str, site: Site, page: Page, kapa: Answers) -> None:
    """Each with its own pair; a question without files and an answer without a vote have none."""
    site.open(page, *WAYS[way])
    files = [{"id": page.evaluate(UPLOAD, name)} for name in ("log.txt", "größe <b>.png")]
    first = pair(1)
    kapa.streams[first.question].append(stream_of(first))
    page.evaluate("([question, files]) => ask(question, files)", [first.question, files])
    ask(page, kapa, pair(2))
    page.evaluate(VOTE, ["a1", "downvote", {"incorrect": True, "irrelevant": False, "issue": "The link is dead"}])
    one, two = send(site, page, way, "a2")
    assert (one["reaction"], one["comment"]) == ("downvote", "Incorrect. The link is dead")
    assert one["files"] == ["log.txt", "größe <b>.png"]
    assert not {"comment", "files"} & two.keys()


def test_another_vote_has_its_own_reason(site: Site, page: Page, kapa: Answers) -> None:
    """What was said with the earlier one no longer holds."""
    site.open(page, "takeover", "chat")
    ask(page, kapa, pair(1))
    page.evaluate(VOTE, ["a1", "downvote", {"unaddressed": True}])
    page.evaluate(VOTE, ["a1", "upvote", None])
    (said,) = send(site, page, "the SDK's handoff", "a1")
    assert said["reaction"] == "upvote"
    assert "comment" not in said


def test_a_file_that_the_page_does_not_know_has_no_name(site: Site, page: Page, kapa: Answers) -> None:
    """Uploaded before the bridge was there: the others arrive, and so does the ticket."""
    site.open(page, "takeover", "chat")
    known = page.evaluate(UPLOAD, "log.txt")
    asked = pair(1)
    kapa.streams[asked.question].append(stream_of(asked))
    page.evaluate("([question, files]) => ask(question, files)", [asked.question, [{"id": "other"}, {"id": known}]])
    (said,) = send(site, page, "the SDK's handoff", "a1")
    assert said["files"] == ["log.txt"]


@pytest.mark.parametrize("answer", ["not JSON", "[]", "null"])
def test_an_upload_that_answers_otherwise_changes_nothing(answer: str, site: Site, page: Page, kapa: Answers) -> None:
    """The page reads what it got, and the bridge stays silent."""
    site.open(page, "takeover", "chat")
    kapa.files["/proxy/query/v2/files/"] = answer.encode()
    upload = "fetch('https://proxy.kapa.ai/proxy/query/v2/files/', {method: 'POST', body: '{}'})"
    assert page.evaluate(f"{upload}.then((answer) => answer.text())") == answer
    ask(page, kapa, pair(1))
    (said,) = send(site, page, "the SDK's handoff", "a1")
    assert "files" not in said
