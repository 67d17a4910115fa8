"""Conversations, kept on the server: one row for each answered question."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flask import current_app

from flask_kapa_handoff import Conversation, QuestionAnswer, Source

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    thread_id TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    sources TEXT NOT NULL,
    uncertain INTEGER NOT NULL,
    reaction TEXT
);
CREATE INDEX IF NOT EXISTS answer_thread ON answer (thread_id, number);
"""


def create_database(instance: Path) -> None:
    with closing(sqlite3.connect(instance / "chat.sqlite3")) as database:
        database.executescript(_SCHEMA)


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    path = Path(current_app.instance_path) / "chat.sqlite3"
    with closing(sqlite3.connect(path, timeout=15)) as database, database:
        yield database


def new_thread_id() -> str:
    # Visitors have no account: anyone who knows the id may read the thread, so nobody must be able to guess it.
    return secrets.token_urlsafe(18)


def load_conversation(thread_id: str) -> Conversation | None:
    """The thread's conversation, or None when there is no such thread."""
    with _database() as database:
        rows = database.execute(
            "SELECT question, answer, id, sources, uncertain, reaction FROM answer"
            " WHERE thread_id = ? ORDER BY number",
            (thread_id,),
        ).fetchall()
    if not rows:
        return None
    pairs = tuple(
        QuestionAnswer(
            question,
            answer,
            id=answer_id,
            sources=tuple(Source(title, url) for title, url in json.loads(sources)),
            uncertain=bool(uncertain),
            reaction=reaction,
        )
        for question, answer, answer_id, sources, uncertain, reaction in rows
    )
    return Conversation(pairs, thread_id)


def add_answer(thread_id: str, pair: QuestionAnswer) -> None:
    sources = json.dumps([(source.title, source.url) for source in pair.sources])
    with _database() as database:
        database.execute(
            "INSERT INTO answer (id, thread_id, question, answer, sources, uncertain) VALUES (?, ?, ?, ?, ?, ?)",
            (pair.id, thread_id, pair.question, pair.answer, sources, pair.uncertain),
        )


def set_reaction(thread_id: str, answer_id: str, reaction: str | None) -> None:
    with _database() as database:
        database.execute(
            "UPDATE answer SET reaction = ? WHERE thread_id = ? AND id = ?", (reaction, thread_id, answer_id)
        )


def steps(conversation: Conversation) -> list[Conversation]:
    """The conversation as it stood after each of its answers."""
    return [
        Conversation(conversation.pairs[:count], conversation.thread_id)
        for count in range(1, len(conversation.pairs) + 1)
    ]
