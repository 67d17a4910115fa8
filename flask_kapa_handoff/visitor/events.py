"""POST /events: what a visitor did with a form, and what happened in Kapa's own chat."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..errors import Invalid
from ..signals import handoff_cancelled, notify
from ..state import State, current_state
from ..triggers import TABLE, matching
from ..web.origin import require_known_origin
from ..web.requests import quoted
from .blueprint import blueprint
from .decisions import known_facts
from .desk_choice import Named, choose_desk
from .requests import EVENT_FIELDS, AnswerQuery, read_fields
from .submitted_form import settings_of


@blueprint.post("/events")
def events() -> ResponseReturnValue:
    """Note that the visitor closed the form without sending it, or what Kapa's own form was offered under."""
    state = current_state()
    fields = read_fields(state.config, EVENT_FIELDS)
    if fields.get("event") == "answer":
        return _answer_in_kapas_chat(state, fields)
    if fields.get("event") != "cancel":
        told = f"event: {quoted(fields.get('event'))} is not allowed; use cancel or answer."
        raise Invalid(fields={"event": [told]})
    cancelled = state.offer_signer().read(fields.get("offer", ""))
    require_known_origin(state, offered=cancelled)
    notify(handoff_cancelled, state.app, facts=cancelled.facts)
    state.answers.happened(cancelled, "cancelled")
    return "", 204


def _answer_in_kapas_chat(state: State, fields: MultiDict[str, Any]) -> ResponseReturnValue:
    require_known_origin(state)
    query = AnswerQuery(state, fields)
    settings = settings_of(state, choose_desk(state, state.known_desks, Named(query.named_desk), query.page))
    facts = known_facts(state, query, settings)
    # Kapa's widget has the settings, and decides by its own triggers.
    met = matching(facts, settings) if settings.takes_tickets else ()
    state.answers.shown_elsewhere(
        facts,
        [trigger for trigger in met if TABLE[trigger].kapa_knows],
        desk=settings.desk,
        ids=(query.thread_id, query.answer_id),
        page=query.page,
    )
    return "", 204
