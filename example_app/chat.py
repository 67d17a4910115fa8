"""Ask AI: questions, answers and votes. With htmx, only what changed is swapped; without it, whole pages load."""

from __future__ import annotations

import secrets

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from flask_kapa_handoff import QuestionAnswer, Source

from .documentation import link_pages
from .markdown import render
from .search import answer
from .threads import add_answer, load_conversation, new_thread_id, set_reaction, steps

MAX_QUESTION = 1_000

blueprint = Blueprint("chat", __name__, url_prefix="/ask")
blueprint.add_app_template_filter(render, "markdown")

# No CSRF token is needed here. A forged request can only do harm with rights that the browser adds automatically, such
# as a session cookie; visitors have none, and nobody else knows the thread's id.


@blueprint.app_context_processor
def limits() -> dict[str, int]:
    return {"max_question": MAX_QUESTION}


@blueprint.get("/")
def chat() -> str:
    return render_template("ask.html", steps=[], thread_id="")


@blueprint.get("/<thread_id>")
def thread(thread_id: str) -> str:
    conversation = load_conversation(thread_id) or abort(404)
    return render_template("ask.html", steps=steps(conversation), thread_id=thread_id)


@blueprint.post("/")
def ask() -> ResponseReturnValue:
    # The browser enforces the limits, too (maxlength, required): nothing that a visitor wrote is cut off silently.
    question = " ".join(request.form.get("question", "").replace("\0", " ").split())[:MAX_QUESTION]
    thread_id = request.form.get("thread", "")
    conversation = load_conversation(thread_id)
    if not question:
        return redirect(url_for(".thread", thread_id=thread_id) if conversation else url_for(".chat"), 303)
    if conversation is None:
        thread_id = new_thread_id()
    address = add(thread_id, question)
    if "HX-Request" not in request.headers:
        return redirect(address, 303)
    conversation = load_conversation(thread_id) or abort(404)
    response = make_response(render_template("_new_answer.html", steps=steps(conversation), thread_id=thread_id))
    response.headers["HX-Replace-Url"] = url_for(".thread", thread_id=thread_id)
    return response


def add(thread_id: str, question: str) -> str:
    """Answer a question and add both to the thread; returns the answer's address."""
    found = answer(question)
    pair = QuestionAnswer(
        question,
        # The answer is also read in a mail, where a relative link leads nowhere.
        link_pages(found.text, external=True),
        id=secrets.token_hex(8),
        sources=tuple(
            Source(
                section.title,
                url_for("documentation.page", slug=section.slug, _anchor=section.anchor or None, _external=True),
            )
            for section in found.sections
        ),
        uncertain=found.uncertain,
    )
    add_answer(thread_id, pair)
    return url_for("chat.thread", thread_id=thread_id, _anchor=f"answer-{pair.id}")


@blueprint.post("/<thread_id>/vote")
def vote(thread_id: str) -> ResponseReturnValue:
    answer_id, reaction = request.form.get("answer", ""), request.form.get("reaction") or None
    if reaction not in ("upvote", "downvote", None):
        abort(400)
    set_reaction(thread_id, answer_id, reaction)
    conversation = load_conversation(thread_id) or abort(404)
    step = next((step for step in steps(conversation) if step.pairs[-1].id == answer_id), None) or abort(404)
    if "HX-Request" not in request.headers:
        return redirect(url_for(".thread", thread_id=thread_id) + f"#answer-{answer_id}", 303)
    return render_template("_answer_footer.html", step=step, newest=step == conversation)
