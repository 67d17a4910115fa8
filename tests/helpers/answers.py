"""Answer records: written at once, as rows, and made directly in any number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import answer

NO_ANSWER: Mapping[str, Any] = {
    "desk": "default",
    "page": "/install",
    "pairs": 1,
    "uncertain": False,
    "downvoted": False,
    "stopped": False,
    "asked_for_human": None,
    "triggers": "",
    "offered": False,
    "opened": False,
    "cancelled": False,
    "sent": False,
}


def ask(client: FlaskClient, answer_id: str = "a1", thread_id: str = "thread-1", **facts: Any) -> None:
    """What a page asks when an answer is complete, or voted on."""
    query = {"pairs": 1, "thread_id": thread_id, "answer_id": answer_id, **facts}
    assert client.get("/handoff/offer", query_string=query).status_code in (200, 204)


def records(app: Flask) -> list[dict[str, Any]]:
    """All answer records, those included that this process has not written yet, without their times."""
    state = state_of(app)
    state.answers.write()
    with state.database.read() as connection:
        rows = connection.execute(select(answer).order_by(answer.c.answered_at, answer.c.key))
        return [{name: row._mapping[name] for name in NO_ANSWER} for row in rows]


def store(app: Flask, rows: Iterable[Mapping[str, Any]], *, ago: timedelta = timedelta()) -> None:
    """Store answers with these values; each is a second younger than the one before."""
    first = datetime.now(timezone.utc) - ago
    made = []
    for number, row in enumerate(rows):
        moment = first + timedelta(seconds=number)
        when = {"answered_at": moment, "day": moment.date().isoformat()}
        made.append({**NO_ANSWER, **when, "key": f"{number:032x}", **row})
    with state_of(app).database.write() as connection:
        connection.execute(insert(answer), made)
