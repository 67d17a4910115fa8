"""Checks what a site's tests pass to :mod:`.testing`, and says why the handoff refused what they sent.

Each message gives the name, the value and what is allowed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .conversation import Conversation
from .errors import Invalid, named_errors
from .fields import CONSENT, further_fields
from .settings import DEFAULT_DESK, DeskSettings, current_settings
from .site_fields import is_field_name
from .state import State, state_of
from .storage.tickets import Ticket
from .triggers import reported_facts

OTHER_FACTS = ("thread_id", "answer_id", "desk", "page", "direct", "requested")


class Rejected(AssertionError):
    """The handoff, or the site's own code in front of it, refused what a visitor sent.

    Arguments:
        response: the response.
        request: the request, for the message.
        reason: what this module knows about it; it takes the place of the server's sentence.
        hook: which of the site's hooks failed, and how; empty: none did.
    """

    def __init__(self, response: TestResponse, request: str, reason: str = "", hook: str = "") -> None:
        body = json_of(response)
        error = body.get("error")
        if not (isinstance(error, dict) and "code" in error):
            error = {}  # of the site's own
        if body.get("offered") is False:
            error = {"code": "not_offered", "message": reason}
        self.response = response
        """The whole response."""
        self.status: int = response.status_code
        """The HTTP status."""
        self.code: str = error.get("code", "")
        """The error's name, such as ``invalid`` or ``not_offered``; empty: the response is not the handoff's."""
        self.fields: Mapping[str, Sequence[str]] = error.get("fields", {})
        """The names of the wrong fields, with the messages of each."""
        said = [self.code, error.get("message", "")] if error else [response.location or response.text[:500]]
        summary = ": ".join(filter(None, [f"{request} gave {response.status}", *said]))
        super().__init__(" ".join(filter(None, [summary, named_errors(self.fields), hook])))


def json_of(response: TestResponse) -> dict[str, Any]:
    """The response's JSON object; empty: it is not one. Does not use the site's JSON provider."""
    try:
        found = json.loads(response.data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def state_of_app(app: object) -> State:
    """The state of the app that a function got.

    Raises:
        TypeError: it is not an app.
        ConfigurationError: the package is not set up on it.
        RuntimeError: it would use the site's own tickets.
    """
    if not isinstance(app, Flask):
        hint = "pass client.application" if isinstance(app, FlaskClient) else f"{app!r} is not allowed"
        raise TypeError(f"app: this needs the Flask app and not {type(app).__name__}; {hint}.")
    state = state_of(app)
    _refuse_tickets_of_the_site(state)
    return state


def state_of_client(client: object) -> State:
    """The state of the app that a client belongs to; raises what :func:`state_of_app` does."""
    app = getattr(client, "application", None)
    if not isinstance(app, Flask):
        raise TypeError(f"client: this needs the test client of a Flask app, app.test_client(), and not {client!r}.")
    return state_of_app(app)


def _refuse_tickets_of_the_site(state: State) -> None:
    file = state.location.default_file
    if not state.location.is_default or file.resolve().is_relative_to(Path(tempfile.gettempdir()).resolve()):
        return
    raise RuntimeError(
        f"These tests would read and change the site's own tickets and settings, in {file}. Name a database for them, "
        'such as a file in pytest\'s tmp_path: KAPA_HANDOFF_DATABASE_URI = f"sqlite:///{tmp_path}/handoff.sqlite3".'
    )


def check_facts(given: Iterable[str]) -> None:
    """Check the keywords of ``make_offer()``.

    Raises:
        TypeError: there is no such keyword.
    """
    allowed = (*(fact.name for fact in reported_facts()), *OTHER_FACTS, "question", "headers")
    _check_keywords("make_offer", given, allowed)


def check_fields(state: State, given: Iterable[str]) -> None:
    """Check the further keywords of ``send_ticket()``: the site's fields, and its own inputs if a filter reads them.

    Raises:
        TypeError: there is no such keyword.
    """
    own = ("offer", "email", "note", "conversation", "headers")
    further = tuple(field.name for field in (*further_fields(state.config.fields), CONSENT))
    has_filter = state.registered.ticket_filter is not None
    checked = [name for name in given if is_field_name(name) or not has_filter]
    _check_keywords("send_ticket", checked, (*own, *further, "submission_id", "left_out", "website"))


def _check_keywords(function: str, given: Iterable[str], allowed: Collection[str]) -> None:
    for name in given:
        if name not in allowed:
            close = get_close_matches(name, allowed, 1)
            hint = f"did you mean {close[0]}? Use" if close else "use"
            raise TypeError(f"{function}() has no keyword {name!r}; {hint} any of {', '.join(allowed)}.")


def check_conversation(value: object) -> None:
    """Check the ``conversation`` of ``send_ticket()``.

    Raises:
        TypeError: it has another type.
    """
    if value is not None and not isinstance(value, (Conversation, str)):
        raise TypeError(
            f"conversation: {type(value).__name__} is not allowed; use a Conversation, its JSON as text, or None."
        )


def check_ticket(value: object) -> None:
    """Check a ``ticket``.

    Raises:
        TypeError: it has another type.
    """
    if not isinstance(value, Ticket):
        raise TypeError(f"ticket: {value!r} is not allowed; use a Ticket, as send_ticket() and tickets() return it.")


def check_settings(state: State, desk: object, values: Mapping[str, object], allowed: Collection[str]) -> None:
    """Check what ``change_settings()`` got and the configuration's parsers don't check.

    Raises:
        TypeError: there is no such setting.
        ValueError: there is no such desk, a value is not allowed, or KAPA_HANDOFF_PINNED fixes the setting.
    """
    if desk != DEFAULT_DESK:
        raise ValueError(f"desk: there is no desk {desk!r}; use {DEFAULT_DESK!r}.")
    for name, value in values.items():
        if name not in allowed:
            raise TypeError(f"There is no setting {name!r}; use {', '.join(allowed)}.")
        if name == "enabled" and not isinstance(value, bool):
            raise ValueError(f"enabled: {value!r} is not allowed; use True or False.")
        if name in state.config.pinned:
            raise ValueError(f"{name}: KAPA_HANDOFF_PINNED keeps it as it is configured.")


def why_no_button(state: State, desk: object, thread_id: object) -> str:
    """Why an answer gets no button, and what to change."""
    try:
        with state.database.read() as connection:
            settings = current_settings(connection, state.config, str(desk or DEFAULT_DESK))
    except Invalid as error:
        return str(error)
    said = "this answer gets no button: "
    if not settings.takes_tickets:
        return said + ("the desk is switched off." if not settings.enabled else "no email is set for tickets.")
    loader = state.registered.conversation_loader
    if loader is None:
        return f"{said}it meets none of {_rules(settings)}."
    if thread_id is None:
        return (
            f"{said}the site has a conversation_loader, which decides, and without a thread it counts as a first "
            "question, neither uncertain nor voted down. Pass thread_id= of a thread that the loader knows."
        )
    return (
        f"{said}what the site's conversation_loader returns for the thread {thread_id!r} decides, and meets none of "
        f"{_rules(settings)}."
    )


def _rules(settings: DeskSettings) -> str:
    return f"the desk's triggers ({', '.join(settings.triggers)}; threshold {settings.threshold})"
