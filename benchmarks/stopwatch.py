"""Times the steps of a submit. A profiler would make a step of many small calls look several times longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib import import_module
from typing import Any
from unittest.mock import patch

_PACKAGE = "flask_kapa_handoff"

# The label of a row, and where its functions are looked up. An indented row is a part of the one above it.
_STEPS = (
    ("read the fields", (f"{_PACKAGE}.visitor.submitted_form:read_fields",)),
    ("build the form", (f"{_PACKAGE}.web.ticket_form:TicketForm.submitted",)),
    ("validate the form", (f"{_PACKAGE}.web.ticket_form:TicketForm.validate",)),
    ("  the offer's signature", (f"{_PACKAGE}.offer_signing:OfferSigner.read",)),
    ("  the email", (f"{_PACKAGE}.web.ticket_form:parse_email",)),
    ("  the conversation's JSON", (f"{_PACKAGE}.web.ticket_form:loads", f"{_PACKAGE}.visitor.requests:loads")),
    ("  the conversation's pairs", (f"{_PACKAGE}.web.ticket_form:parse_conversation",)),
    ("open the ticket", (f"{_PACKAGE}.visitor.views:open_ticket",)),
    ("  redact", (f"{_PACKAGE}.ticket_content:redact", f"{_PACKAGE}.ticket_content:redact_conversation")),
    ("  encode as JSON", (f"{_PACKAGE}.conversation:Conversation.as_json", "json:dumps")),
    ("  run statements", tuple(f"sqlalchemy:Connection.{name}" for name in ("execute", "exec_driver_sql"))),
    ("  commit", ("sqlalchemy.engine.default:DefaultDialect.do_commit",)),
    ("render the confirmation", (f"{_PACKAGE}.visitor.views:confirmation_response",)),
)


@contextmanager
def timed_calls() -> Iterator[dict[str, float]]:
    """Seconds of this thread's processor time in each step while the ``with`` block runs."""
    totals: dict[str, float] = {}
    with ExitStack() as stack:
        for label, places in _STEPS:
            for place in places:
                owner, name = _find(place)
                if hasattr(owner, name):  # a renamed function must not make the benchmark fail
                    totals.setdefault(label, 0.0)
                    stack.enter_context(patch.object(owner, name, _timed(owner, name, totals, label)))
        yield totals


def _find(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    owner, *rest = [import_module(module), *path.split(".")]
    for part in rest[:-1]:
        owner = getattr(owner, part)
    return owner, rest[-1]


def _timed(owner: Any, name: str, totals: dict[str, float], label: str) -> Any:
    plain: Callable[..., Any] = getattr(owner, name)

    @wraps(plain)
    def measured(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return plain(*arguments, **named)
        finally:
            totals[label] += time.thread_time() - began

    is_bound = isinstance(owner, type) and hasattr(plain, "__self__")
    return staticmethod(measured) if is_bound else measured
