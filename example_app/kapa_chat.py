"""A chat that is built with Kapa's React SDK, and a backend that speaks as Kapa's does.

Both ways of the bridge can be tried here without an account at Kapa.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, abort, current_app, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from .chat import MAX_QUESTION
from .documentation import link_pages
from .kapa_bundle import BundleError, bundle
from .search import WEAK, Answer, answer

WAYS = {"button": "Our button", "takeover": "Your form", "widget": "Kapa's widget"}
SCRIPT = Path(__file__).parent / "kapa_chat.jsx"
PIECES = 40
SEPARATOR = "␞"

blueprint = Blueprint("kapa_chat", __name__, url_prefix="/kapa")


@blueprint.get("/")
def chat() -> ResponseReturnValue:
    way = request.args.get("way", "button")
    if way not in WAYS:
        abort(404)
    if way == "widget":
        return render_template("kapa_widget.html", way=way, ways=WAYS)
    try:
        # The first visitor waits until the SDK is fetched; after that it is a file in the cache.
        mark = bundle(SCRIPT).stem
    except BundleError as error:
        return render_template("kapa_chat.html", way=way, ways=WAYS, problem=error), 503
    return render_template("kapa_chat.html", way=way, ways=WAYS, mark=mark)


@blueprint.get("/chat.js")
def script() -> ResponseReturnValue:
    try:
        # Its address carries a mark of its content: browsers may keep it.
        return send_file(bundle(SCRIPT), mimetype="text/javascript", max_age=31_536_000)
    except BundleError as error:
        return Response(str(error), 503, mimetype="text/plain")


# From here on, what the SDK asks of https://proxy.kapa.ai on a real site.


@blueprint.post("/proxy/query/v2/chat/stream/")
@blueprint.post("/proxy/query/v2/thread/<uuid:thread_id>/chat/stream/")
def stream(thread_id: UUID | None = None) -> Response:
    found = answer(_sent("query")[:MAX_QUESTION])
    sources = [
        {
            "title": section.title,
            "subtitle": "",
            "source_url": url_for(
                "documentation.page", slug=section.slug, _anchor=section.anchor or None, _external=True
            ),
            "source_type": "SCRAPE",
        }
        for section in found.sections
    ]
    chunks = _chunks(
        str(thread_id or uuid4()),
        _cited(found, [source["source_url"] for source in sources]),
        sources,
        found.uncertain,
        seconds=current_app.config["KAPA_CHAT_SECONDS"],
    )
    return Response(chunks, mimetype="text/plain")


@blueprint.post("/proxy/query/v2/feedback/upsert/")
def feedback() -> dict[str, int]:
    reaction = _sent("reaction")
    if reaction not in ("upvote", "downvote"):
        abort(400)
    return {f"total_{name}s": int(reaction == name) for name in ("upvote", "downvote")}


@blueprint.post("/proxy/query/v2/thread/<uuid:thread_id>/handoff/")
def handoff(thread_id: UUID) -> Response:
    # What the bridge takes over never comes here.
    return Response("This is the example's backend: nobody at Kapa takes its tickets.", 503, mimetype="text/plain")


def _sent(name: str) -> str:
    body = request.get_json()
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str):
        abort(400)
    return value


def _cited(found: Answer, addresses: list[str]) -> str:
    """The answer's text, which names its sources: the SDK shows only those whose address is in it."""
    text = link_pages(found.text, external=True)
    if not addresses:
        return text
    marks = " ".join(f"[{number}]({address})" for number, address in enumerate(addresses, 1))
    # At the beginning, since the SDK looks for them in what it has shown when the sources come.
    lead = WEAK if found.uncertain else "From the documentation:"
    return f"{lead} {marks}\n\n{text.removeprefix(WEAK).lstrip()}"


def _chunks(
    thread_id: str, text: str, sources: list[dict[str, str]], uncertain: bool, *, seconds: float
) -> Iterator[str]:
    """An answer as Kapa streams it, over about so many seconds."""
    yield _chunk("stream_start", thread_id=thread_id)
    size = len(text) // PIECES + 1
    for start in range(0, len(text), size):
        yield _chunk("partial_answer", text=text[start : start + size])
        time.sleep(seconds / PIECES)
    # The SDK shows text with a delay: without a pause, it would not find the sources' addresses in it.
    time.sleep(seconds / 4)
    yield _chunk("relevant_sources", relevant_sources=sources)
    yield _chunk("metadata", is_uncertain=uncertain)
    yield _chunk("identifiers", thread_id=thread_id, question_answer_id=str(uuid4()))


def _chunk(kind: str, **content: Any) -> str:
    return json.dumps({"chunk": {"type": kind, "content": content, "stream_end": kind == "identifiers"}}) + SEPARATOR
