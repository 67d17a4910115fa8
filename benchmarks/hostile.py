"""Measures what one request can cost: every hostile shape through every step, in one process."""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.config import KEYS
from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.delivery.mail.message import ComposedMessage, compose
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import find_conversation, find_ticket

from .hostile_shapes import TAILS, UNITS, bodies, conversations, filled, texts

Result = TypeVar("Result")

LIMIT: int = KEYS["KAPA_HANDOFF_MAX_REQUEST_BYTES"]
AIM = 0.25
"""The most seconds of processor time that a step may take."""

STEPS = {"tickets": "submit", "form": "form", "events": "events", "offer": "offer"}
"""The visitor's paths; then "mail" and "admin page", for tickets that were accepted."""


@dataclass
class Cost:
    """Seconds of processor time of each step for one shape, and the octets of its largest mail."""

    shape: str
    seconds: dict[str, float] = field(default_factory=dict)
    mail: int = 0

    @property
    def worst(self) -> float:
        return max(self.seconds.values())


def measure(directory: Path, *, share: float = 1.0) -> Iterator[Cost]:
    """Send every shape through an app.

    Arguments:
        share: the size of the bodies as a share of KAPA_HANDOFF_MAX_REQUEST_BYTES.
    """
    size = int(LIMIT * share)
    site = _Site(directory)
    for name, conversation in conversations(size):
        yield site.take(Cost(name), conversation)
    for name, unit in UNITS.items():
        for tail in TAILS:
            cost = Cost(f"{name}{', hints of secrets' if tail else ''}")
            for conversation in texts(unit, tail, size):
                site.take(cost, conversation)
            yield cost
        yield _as_fields(site, Cost(f"{name}, as a field"), filled(unit, "", size))
    for name, body, content_type in bodies(size):
        cost = Cost(name)
        for path in ("tickets", "form", "events"):
            site.send(cost, path, body, content_type)
        yield cost


def _as_fields(site: _Site, cost: Cost, text: str) -> Cost:
    for path, names in {
        "tickets": ("email", "note", "website", "submission_id", "offer", "conversation"),
        "form": ("offer", "conversation"),
        "events": ("offer", "event"),
    }.items():
        for name in names:
            site.post(cost, path, **{name: text})
    for name in ("page", "thread_id", "answer_id", "desk", "pairs"):
        # Most servers accept a shorter request line, but the package must not rely on that.
        site.ask(cost, "offer", {"pairs": 1, name: text[:100_000]})
    return cost


class _Site:
    def __init__(self, directory: Path) -> None:
        self._app = Flask("hostile", instance_path=str(directory / "hostile"))
        limits = ("CLIENT_PER_HOUR", "EMAIL_PER_HOUR", "HOUR")
        self._app.config.update(
            SECRET_KEY="a secret of the benchmark",
            KAPA_HANDOFF_EMAIL="support@example.com",
            KAPA_HANDOFF_DELIVERY="external",
            MAIL_DEFAULT_SENDER="site@example.com",
            **{f"KAPA_HANDOFF_TICKETS_PER_{limit}": 1_000_000 for limit in limits},
        )
        KapaHandoff().init_app(self._app, admin_required=lambda view: view)
        self._state: Any = state_of(self._app)
        warm_up = Cost("warm-up")
        token = self.ask(warm_up, "offer", {"pairs": 1}).json["offer"]  # type: ignore[index]
        with self._app.test_request_context():
            self._signer = self._state.offer_signer()
        self._offer = self._signer.read(token)
        self.take(warm_up, [{"question": "é", "answer": "é \u202e [a](http://ü)"}])

    def ask(self, cost: Cost, path: str, query: dict[str, Any]) -> Response:
        builder = EnvironBuilder(f"/handoff/{path}", query_string=query, headers=[("Accept", "application/json")])
        return self._call(cost, STEPS.get(path, "admin page"), builder)

    def send(self, cost: Cost, path: str, body: bytes, content_type: str) -> Response:
        builder = EnvironBuilder(
            f"/handoff/{path}",
            method="POST",
            headers=[("Accept", "application/json")],
            input_stream=io.BytesIO(body),
            content_type=content_type,
            content_length=len(body),
        )
        return self._call(cost, STEPS[path], builder)

    def post(self, cost: Cost, path: str, **fields: Any) -> Response:
        values = {"offer": self._signer.sign(self._offer.for_one_form()), **fields}
        if path == "tickets":
            values = {"submission_id": str(uuid.uuid4()), "email": "v@example.com", **values}
        return self.send(cost, path, json.dumps(values, ensure_ascii=False).encode(), "application/json")

    def take(self, cost: Cost, conversation: list[dict[str, Any]]) -> Cost:
        """Submit a conversation; if it was accepted, compose its mail and show its page."""
        self.post(cost, "form", conversation=conversation)
        answer = self.post(cost, "tickets", conversation=conversation)
        if answer.status_code == 201:
            reference = answer.json["reference"]  # type: ignore[index]
            self.ask(cost, f"admin/tickets/{reference}", {})
            message = self._measure(cost, "mail", lambda: self._compose(reference))
            cost.mail = max(cost.mail, len(message.data))
        return cost

    def _compose(self, reference: str) -> ComposedMessage:
        with self._state.database.read() as connection:
            found = find_ticket(connection, ticket_table.c.reference == reference)
            if found is None:
                raise RuntimeError(f"{reference} was not stored")
            conversation = find_conversation(connection, found)
        with self._app.app_context():
            return compose(self._state.mail_templates, Letterhead("Docs", "d@example.com"), found, conversation)

    def _call(self, cost: Cost, step: str, builder: EnvironBuilder) -> Response:
        environment = builder.get_environ()  # what the server hands over is not the app's cost
        return self._measure(cost, step, lambda: Response.from_app(self._app, environment, buffered=True))

    def _measure(self, cost: Cost, step: str, call: Callable[[], Result]) -> Result:
        began = time.process_time()
        result = call()
        cost.seconds[step] = max(cost.seconds.get(step, 0.0), time.process_time() - began)
        return result
