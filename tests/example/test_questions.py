"""The example: a documentation site that answers questions, and offers a ticket where it cannot."""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from example_app.documentation import load_pages
from example_app.kapa_bundle import bundle
from example_app.kapa_chat import SCRIPT
from example_app.search import answer
from tests.example.site import CERTAIN, UNCERTAIN, Markup, ask
from tests.helpers.pages import HTMX
from tests.helpers.sites import ROOT


def test_every_page_answers_and_every_link_on_it_leads_somewhere(client: FlaskClient) -> None:
    bundle(SCRIPT)  # raises what to do where Node.js is missing
    pages: dict[str, Markup | None] = {}
    anchors: list[tuple[str, str, str]] = []
    waiting = deque([("/", "")])
    while waiting:
        address, origin = waiting.popleft()
        if address in pages:
            continue
        with client.get(address, follow_redirects=True) as response:
            assert response.status_code == 200, f"{address}, linked from {origin}"
            is_page = response.mimetype == "text/html" and not address.startswith("/handoff/")
            found = pages[address] = Markup(response.get_data(as_text=True)) if is_page else None
        for link in found.links if found else []:
            target = urlsplit(urljoin(f"http://localhost{address}", link))
            if target.netloc == "localhost":
                whole = target.path + (f"?{target.query}" if target.query else "")
                waiting.append((whole, address))
                anchors.append((whole, target.fragment, address))
    assert {f"/docs/{slug}" for slug in load_pages()} < pages.keys()
    assert {"/ask/", "/inbox/", "/login"} < pages.keys()
    for target_page, fragment, origin in anchors:
        page = pages[target_page]
        assert not fragment or (page and fragment in page.ids), f"{target_page}#{fragment}, linked from {origin}"


def test_the_pages_are_real_documentation() -> None:
    pages = load_pages()
    assert len(pages) >= 12
    assert {path.stem for path in (ROOT / "example_app/pages").glob("*.md")} == set(pages)
    for page in pages.values():
        assert 250 <= len(page.markdown.split()) <= 550, page.slug
        assert len(page.sections) >= 4, page.slug
        hosts = re.findall(r"https?://([\w.-]+)", page.markdown)
        assert all(host.endswith("example.com") or host == "localhost" for host in hosts), page.slug


@pytest.mark.parametrize(("question", "source"), CERTAIN)
def test_a_question_that_the_pages_answer_is_answered_from_the_right_section(question: str, source: str) -> None:
    found = answer(question)
    assert (found.sections[0].slug, found.sections[0].anchor) == tuple(source.split("#"))
    assert not found.uncertain


@pytest.mark.parametrize("question", UNCERTAIN)
def test_a_question_that_the_pages_do_not_answer_is_flagged_as_uncertain(question: str) -> None:
    assert answer(question).uncertain


@pytest.mark.parametrize(
    "question",
    [
        '"', '""', "'", "*", "(", ")", "^", "NEAR(a b)", "AND", "OR NOT", "text:restore", "restore*", "-restore",
        "{page heading}: x", "a\0b", "___", "; DROP TABLE section; --", "<script>alert(1)</script>", "\ud83d",
        "日本語でバックアップ", "\u202e\u200b", "restore " * 1_250, "x" * 10_000, "🦔" * 3_000, "%s%n{{7*7}}",
    ],
)  # fmt: skip
def test_hostile_questions_get_an_answer(client: FlaskClient, question: str) -> None:
    page = ask(client, question.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    assert len(Markup(page.text).answers) == 1
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("question", ["", "  \n\t ", "\0"])
def test_an_empty_question_changes_nothing(client: FlaskClient, question: str) -> None:
    assert Markup(ask(client, question).text).answers == []
    assert client.post("/ask/").status_code == 303


def test_an_answer_names_its_sources_with_addresses_that_work_in_a_mail(client: FlaskClient) -> None:
    page = Markup(ask(client, "How do I restore a single file?").text)
    assert "http://localhost/docs/restoring-files#restore-a-single-file" in page.links


def test_links_within_an_answer_are_absolute(client: FlaskClient) -> None:
    page = Markup(ask(client, "The disk of the vault is full").text)
    assert "http://localhost/docs/schedules-and-retention#pruning" in page.links
    assert not [link for link in page.links if ".md" in link]


def test_a_conversation_goes_on_in_its_thread_and_the_third_answer_offers_a_ticket(client: FlaskClient) -> None:
    thread = ""
    offered = []
    for question in ("How do I restore a single file?", "What are the exit codes?", "Is my data encrypted?"):
        page = Markup(ask(client, question, thread).text)
        thread = page.fields["thread"]
        offered.append(page.offers_a_ticket)
    assert len(page.answers) == 3
    assert offered == [False, False, True]


def test_with_htmx_only_the_new_answer_and_what_it_changes_are_sent(client: FlaskClient) -> None:
    first = Markup(ask(client, "Will it rain tomorrow?").text)
    assert first.offers_a_ticket
    response = client.post(
        "/ask/", data={"question": "Is my data encrypted?", "thread": first.fields["thread"]}, headers=HTMX
    )
    new = Markup(response.get_data(as_text=True))
    assert "<html" not in response.text
    assert len(new.answers) == 1
    assert f"footer-{first.answers[0]}" in new.ids, "the earlier answer gives its button up"
    assert not new.offers_a_ticket


def test_a_thread_that_does_not_exist_begins_a_new_one(client: FlaskClient) -> None:
    assert client.get("/ask/no-such-thread").status_code == 404
    page = Markup(ask(client, "Is my data encrypted?", "no-such-thread").text)
    assert len(page.fields["thread"]) >= 20
    assert page.fields["thread"] != "no-such-thread"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["without script", "htmx"])
def test_a_vote_down_offers_a_ticket_until_it_is_taken_back(client: FlaskClient, headers: dict[str, str]) -> None:
    first = Markup(ask(client, "Is my data encrypted?").text)
    thread, answer_id = first.fields["thread"], first.answers[0]
    second = Markup(ask(client, "What are the exit codes?", thread).text)
    assert not second.offers_a_ticket

    def vote(reaction: str) -> Markup:
        data = {"answer": answer_id, "reaction": reaction}
        response = client.post(f"/ask/{thread}/vote", data=data, headers=headers, follow_redirects=True)
        assert ("<html" in response.text) == (not headers)
        return Markup(response.get_data(as_text=True))

    def pressed(page: Markup) -> list[str]:
        return [button["id"] for button in page.buttons if button.get("aria-pressed") == "true"]

    down = vote("downvote")
    assert down.offers_a_ticket
    assert pressed(down) == [f"downvote-{answer_id}"]
    up = vote("upvote")
    assert not up.offers_a_ticket
    assert pressed(up) == [f"upvote-{answer_id}"]
    assert pressed(vote("")) == []


def test_a_vote_that_makes_no_sense_is_refused(client: FlaskClient) -> None:
    page = Markup(ask(client, "Is my data encrypted?").text)
    thread, answer_id = page.fields["thread"], page.answers[0]
    for data, address, status in (
        ({"answer": answer_id, "reaction": "sideways"}, thread, 400),
        ({"answer": "other", "reaction": "upvote"}, thread, 404),
        ({"answer": answer_id, "reaction": "upvote"}, "no-such-thread", 404),
    ):
        assert client.post(f"/ask/{address}/vote", data=data).status_code == status


def test_a_visitor_gets_no_cookie(client: FlaskClient) -> None:
    page = ask(client, "Will it rain tomorrow?")
    responses = [client.get(address) for address in ("/", "/docs/faq", "/ask/", "/kapa/", "/inbox/", "/no-such-page")]
    for response in [page, *page.history, *responses]:
        assert "Set-Cookie" not in response.headers


def test_every_response_carries_a_strict_content_security_policy(client: FlaskClient) -> None:
    for address in ("/", "/docs/faq", "/ask/", "/kapa/", "/inbox/", "/login", "/no-such-page", "/static/site.css"):
        response = client.get(address)
        response.close()
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        if response.mimetype == "text/html":
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", response.text), address
