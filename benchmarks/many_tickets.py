"""Fills a database with any number of tickets, as fast as it takes them: invented people, words and states."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from flask_kapa_handoff.storage import search
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import delivery_attempt, ticket, transcript

BATCH = 2_000
LATEST = datetime(2026, 11, 1, tzinfo=timezone.utc)
EVERY = timedelta(seconds=30)
"""Between two tickets: a million in a year."""

DESKS = ("default",) * 8 + ("sales", "bugs")
LOCALES = ("en-US",) * 5 + ("en-GB", "de", "de-AT", "fr-FR", "ja")
TRIGGERS = ("always",) * 5 + ("uncertainty", "downvote", "uncertainty,downvote", "conversation-length", "")
STATUSES = ("delivered",) * 14 + ("failed", "twice")  # so many that a page is full with few tickets, too
NEWEST_STATUSES = ("delivered", "failed", "queued", "held", "suppressed")
NEWEST = 100
"""Only so many of the newest tickets still wait: their number does not grow with that of all tickets."""

_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def fill(
    database: Database, number: int, *, words: int = 40, newest: datetime = LATEST, every: timedelta = EVERY
) -> None:
    """Store tickets, the oldest first, each with a transcript and a delivery attempt.

    Arguments:
        words: how many an answer has.
        newest: the time of the latest ticket, UTC.
        every: the time between two.
    """
    source = random.Random(number)
    vocabulary = ["".join(source.choices(_LETTERS, k=source.randint(2, 10))) for _ in range(20_000)]
    for start in range(0, number, BATCH):
        numbers = range(start, min(start + BATCH, number))
        rows = [
            _ticket(source, vocabulary, one, newest - every * (number - one), is_new=number - one <= NEWEST)
            for one in numbers
        ]
        with database.write(survives_power_cut=False) as connection:
            connection.execute(insert(ticket), rows)
            connection.execute(insert(transcript), list(_transcripts(source, vocabulary, rows, words)))
            connection.execute(insert(delivery_attempt), [one for row in rows for one in _attempts(row)])
    database.checkpoint()


def index_all(database: Database) -> None:
    """Make the texts of the search."""
    while search.index_some(database, 10_000):
        pass
    database.checkpoint()


def _ticket(
    source: random.Random, vocabulary: list[str], number: int, moment: datetime, *, is_new: bool
) -> dict[str, Any]:
    outcome = source.choice(NEWEST_STATUSES if is_new else STATUSES)
    status = "delivered" if outcome == "twice" else outcome
    milliseconds = int(moment.timestamp() * 1000)
    name = source.choice(vocabulary)
    email = f"{name}{number}@example{number % 100}.com"
    sent = status == "delivered"
    return {
        "id": UUID(int=milliseconds << 80 | 7 << 76 | source.getrandbits(12) << 64 | 2 << 62 | source.getrandbits(62)),
        "reference": f"T-{number:06X}",
        "submission_id": UUID(int=source.getrandbits(128)),
        "content_digest": "0" * 64,
        "created_at": moment,
        "desk": source.choice(DESKS),
        "recipient": "support@example.com",
        "visitor_email": email,
        "email_key": email,
        "visitor_name": name.title(),
        "note": " ".join(source.choices(vocabulary, k=12)),
        "subject": " ".join(source.choices(vocabulary, k=8)),
        "pairs": 1,
        "transcript_source": "browser",
        "triggers": source.choice(TRIGGERS),
        "locale": source.choice(LOCALES),
        "client_key": f"{source.getrandbits(64):x}",
        "status": status,
        "attempts": 2 if outcome == "twice" else 1,
        "queued_at": moment,
        "next_attempt_at": None if sent or status == "failed" else moment,
        "delivered_at": moment if sent else None,
        "last_error": "550 5.1.1 no such user" if status == "failed" else None,
    }


def _transcripts(
    source: random.Random, vocabulary: list[str], rows: list[dict[str, Any]], words: int
) -> Iterator[dict[str, Any]]:
    for row in rows:
        pair = {"id": "a1", "question": row["subject"], "answer": " ".join(source.choices(vocabulary, k=words))}
        yield {"ticket_id": row["id"], "conversation": json.dumps([pair])}


def _attempts(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    outcome = {"queued": "delayed", "held": "delayed"}.get(row["status"], row["status"])
    for number in range(1, row["attempts"] + 1):
        yield {
            "ticket_id": row["id"],
            "number": number,
            "recipient": row["recipient"],
            "started_at": row["created_at"],
            "finished_at": row["created_at"],
            "outcome": outcome if number == row["attempts"] else "unknown",
            "detail": None,
        }
