"""The example's two ways to Kapa: the widget, and a chat with a scripted backend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_app import create_app
from example_app.search import answer
from tests.example.site import CERTAIN, UNCERTAIN, Markup
from tests.helpers.sites import close


def test_with_a_website_id_the_pages_carry_kapas_widget(tmp_path: Path) -> None:
    app = create_app({"INSTANCE_PATH": str(tmp_path), "KAPA_WEBSITE_ID": "0000-1111"})
    response = app.test_client().get("/docs/faq")
    close(app)
    assert "https://widget.kapa.ai/kapa-widget.bundle.js" in response.text
    assert 'data-website-id="0000-1111"' in response.text
    assert "script-src 'self' https:;" in response.headers["Content-Security-Policy"]


def kapa_chunks(response: TestResponse) -> list[dict[str, Any]]:
    """The chunks of an answer in Kapa's wire format."""
    *parts, rest = response.text.split("␞")
    assert rest == ""
    return [json.loads(part)["chunk"] for part in parts]


def kapa_answer(client: FlaskClient, question: str, thread: str | None = None) -> tuple[str, dict[str, Any]]:
    """What the scripted backend says: the text, and the content of the other chunks by their types."""
    address = f"/kapa/proxy/query/v2/{f'thread/{thread}/' if thread else ''}chat/stream/"
    chunks = kapa_chunks(client.post(address, json={"query": question}))
    text = "".join(chunk["content"]["text"] for chunk in chunks if chunk["type"] == "partial_answer")
    return text, {chunk["type"]: chunk["content"] for chunk in chunks}


def test_the_scripted_backend_streams_in_kapas_wire_format(client: FlaskClient) -> None:
    """Kapa's types in Kapa's order; only the last chunk says that the stream ends."""
    chunks = kapa_chunks(client.post("/kapa/proxy/query/v2/chat/stream/", json={"query": CERTAIN[0][0]}))
    kinds = [chunk["type"] for chunk in chunks]
    assert kinds.count("partial_answer") > 20
    assert [kind for kind in kinds if kind != "partial_answer"] == [
        "stream_start", "relevant_sources", "metadata", "identifiers",
    ]  # fmt: skip
    assert [chunk["stream_end"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@pytest.mark.parametrize(("question", "uncertain"), [(CERTAIN[0][0], False), (UNCERTAIN[0], True)])
def test_the_scripted_backend_answers_as_ask_ai_does(client: FlaskClient, question: str, uncertain: bool) -> None:
    """The answers are the search's own, and each source's address is in the text, as the SDK wants it."""
    text, others = kapa_answer(client, question)
    sources = others["relevant_sources"]["relevant_sources"]
    assert answer(question).text in text
    assert others["metadata"] == {"is_uncertain": uncertain}
    assert len(sources) == len(answer(question).sections)
    assert all(source["source_url"] in text for source in sources)


def test_the_scripted_backend_keeps_a_conversation_in_its_thread(client: FlaskClient) -> None:
    """The next question is answered in the thread that it names, under an id of its own."""
    first = kapa_answer(client, UNCERTAIN[0])[1]["identifiers"]
    second = kapa_answer(client, UNCERTAIN[0], first["thread_id"])[1]["identifiers"]
    assert second["thread_id"] == first["thread_id"]
    assert second["question_answer_id"] != first["question_answer_id"]
    assert client.post("/kapa/proxy/query/v2/thread/none/chat/stream/", json={"query": "?"}).status_code == 404


def test_the_scripted_backend_takes_votes_and_no_tickets(client: FlaskClient) -> None:
    """What the SDK sends of votes is taken; a handoff that no bridge takes over fails."""
    for body, status in (({"reaction": "downvote"}, 200), ({"reaction": "sideways"}, 400), ({}, 400), ([], 400)):
        assert client.post("/kapa/proxy/query/v2/feedback/upsert/", json=body).status_code == status
    thread = "0193b0f0-0000-7000-8000-000000000000"
    assert client.post(f"/kapa/proxy/query/v2/thread/{thread}/handoff/", json={}).status_code == 503


def test_the_kapa_chat_loads_its_bundle_from_this_site_alone(client: FlaskClient) -> None:
    """Every script of the page is the site's own, the captcha's stand-in before the bundle; caches keep the bundle."""
    for way in ("button", "takeover"):
        page = client.get(f"/kapa/?way={way}")
        scripts = [link for link in Markup(page.text).links if urlsplit(link).path.endswith(".js")]
        assert all(link.startswith("/") for link in scripts)
        assert [urlsplit(link).path for link in scripts[-2:]] == ["/static/no-captcha.js", "/kapa/chat.js"]
        with client.get(scripts[-1]) as script:
            assert script.mimetype == "text/javascript"
            assert script.cache_control.max_age == 31_536_000
    assert client.get("/kapa/?way=other").status_code == 404


def test_without_node_the_kapa_chat_says_what_is_missing(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Node.js is not installed, the page says so, and the rest of the site works."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    page = client.get("/kapa/")
    assert page.status_code == 503
    assert "Install Node.js 18 or newer" in page.text
    assert "chat.js" not in page.text
    assert client.get("/kapa/chat.js").status_code == 503
    assert client.get("/kapa/?way=widget").status_code == client.get("/ask/").status_code == 200


@pytest.mark.parametrize("website_id", [None, "0000-1111"])
def test_the_widgets_page_has_the_widget_or_says_how_to_get_it(tmp_path: Path, website_id: str | None) -> None:
    """With a website id the page shows Kapa's widget; the chats beside it never do."""
    app = create_app({"INSTANCE_PATH": str(tmp_path), "KAPA_WEBSITE_ID": website_id})
    pages = {way: app.test_client().get(f"/kapa/?way={way}").text for way in ("widget", "button", "takeover")}
    close(app)
    assert ("kapa-widget.bundle.js" in pages["widget"]) == bool(website_id)
    assert ("make demo" in pages["widget"]) == (not website_id)
    assert "kapa-widget.bundle.js" not in pages["button"] + pages["takeover"]
