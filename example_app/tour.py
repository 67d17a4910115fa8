"""The tour: from a question to the ticket that an admin finds, one button a step. It is kept in the session cookie."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user

from flask_kapa_handoff.triggers import Trigger

from . import chat, inbox
from .login import Admin
from .threads import load_conversation, new_thread_id
from .ticket_handoff import handoff

CERTAIN, UNCERTAIN = "How do I restore a single file?", "Will it rain tomorrow?"
"""What the tour asks: something that the pages answer, and something that they do not."""

WORD = "rain"
"""By which the ticket is found at the end: it is in the uncertain question."""

STEPS = ("Ask", "Doubt", "Create a ticket", "Read the mail", "Change a trigger", "Find the ticket")

blueprint = Blueprint("tour", __name__, url_prefix="/tour")


@dataclass(frozen=True)
class ButtonSettings:
    """What an admin has chosen about the button, as the example's pages tell it."""

    text: str
    appears: tuple[str, ...]
    email: str | None
    always: bool
    if_uncertain: bool


@blueprint.app_context_processor
def context() -> dict[str, Any]:
    return {
        "tour_step": _step(),
        "tour_steps": STEPS,
        "tour_questions": (CERTAIN, UNCERTAIN),
        "handoff_button": button,
    }


def button() -> ButtonSettings:
    """The current settings: the pages must not name what an admin can rename."""
    settings = handoff.settings.get()
    told = {
        Trigger.ALWAYS: "every answer",
        Trigger.UNCERTAINTY: "an uncertain answer",
        Trigger.DOWNVOTE: "one that you vote down",
        Trigger.CONVERSATION_LENGTH: f"each one from question number {settings.threshold} on",
        Trigger.ASKED_FOR_HUMAN: "one to a question that asks for a human",
    }
    triggers = settings.triggers if settings.takes_tickets else ()
    return ButtonSettings(
        settings.button_text,
        tuple(words for trigger, words in told.items() if trigger in triggers),
        settings.email,
        always=Trigger.ALWAYS in triggers,
        if_uncertain=bool({Trigger.ALWAYS, Trigger.UNCERTAINTY} & set(triggers)),
    )


@blueprint.get("/<key>")
def sign_in(key: str) -> ResponseReturnValue:
    """Where the address leads that ``python -m example_app`` prints: the tour, with the admin signed in."""
    if not hmac.compare_digest(key.encode(), current_app.config["TOUR_KEY"].encode()):
        return render_template("not_found.html"), 404
    login_user(Admin())
    return _go_to(1, url_for("documentation.home"))


@blueprint.post("/<int:step>")
def go_to(step: int) -> ResponseReturnValue:
    """Do what leads to this step, and show it where it takes place."""
    thread_id = session.get("tour_thread", "")
    if step == 1:
        return _go_to(1, url_for("documentation.home"))
    if step == 2:
        session["tour_thread"] = new_thread_id()
        return _go_to(2, chat.add(session["tour_thread"], CERTAIN))
    if load_conversation(thread_id) is None:
        return _go_to(1, url_for("documentation.home"))
    if step == 3:
        return _go_to(3, chat.add(thread_id, UNCERTAIN))
    if step == 4:
        newest = inbox.newest()
        return _go_to(4, url_for("inbox.mail", mail_id=newest) if newest else url_for("inbox.inbox"))
    if step == 5:
        return _go_to(5, url_for("kapa_handoff_admin.settings"))
    if step == 6:
        return _go_to(6, url_for("kapa_handoff_admin.tickets", q=WORD))
    abort(404)


@blueprint.post("/end")
def end() -> ResponseReturnValue:
    session.pop("tour", None)
    session.pop("tour_thread", None)
    return redirect(url_for("documentation.home", _anchor="next"), 303)


def _go_to(step: int, address: str) -> ResponseReturnValue:
    session["tour"] = step
    return redirect(address, 303)


def _step() -> int | None:
    step = session.get("tour")
    return step if step in range(1, len(STEPS) + 1) else None
