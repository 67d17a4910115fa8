"""SQLite's index of the search: FTS5 with the trigram tokenizer, which needs no words and so finds Chinese as well.

It has ``detail=none``: which trigrams a text contains, not where. That is a fifth of the size, and found texts are
compared with what was typed anyway. Where an SQLite has no FTS5, or no such tokenizer (before 3.34), there is no index
and all texts are compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, column, table, text
from sqlalchemy.exc import OperationalError

from . import PREFIX

NAME = PREFIX + "search_text"
GRAM = 3
"""Characters; nothing shorter is in the index."""

MERGED_PAGES = 500
"""Pages of the index that one step of :func:`merge` writes."""

index = table(NAME, column("rowid"), column(NAME))

_SEARCH = PREFIX + "search"
_REMOVE = f"INSERT INTO {NAME}({NAME}, rowid, body) VALUES ('delete', old.id, old.body)"  # noqa: S608 - constants
_IF_THERE = "WHEN old.body <> ''"  # an empty text is not in the index, and FTS5 takes its removal for a damage
_CREATE = (
    f"CREATE VIRTUAL TABLE {NAME} USING fts5(body, content='{_SEARCH}', content_rowid='id', "
    "tokenize='trigram case_sensitive 1', detail='none', columnsize=0)",
    # Triggers, so that the index follows whatever deletes a text, such as an earlier version of the package. None adds
    # one: FTS5 writes out what it has before each statement with a trigger, so a text would take ten times as long.
    f"CREATE TRIGGER {_SEARCH}_removed AFTER DELETE ON {_SEARCH} {_IF_THERE} BEGIN {_REMOVE}; END",
    f"CREATE TRIGGER {_SEARCH}_emptied AFTER UPDATE OF body ON {_SEARCH} {_IF_THERE} BEGIN {_REMOVE}; END",
)

ADD = text(f"INSERT INTO {NAME}(rowid, body) VALUES (:id, :body)")  # noqa: S608 - a constant
"""Adds a text to the index."""


def create(connection: Connection) -> None:
    """Create the index if this SQLite can have one."""
    try:
        with connection.begin_nested():
            for statement in _CREATE:
                connection.exec_driver_sql(statement)
    except OperationalError as error:
        if not any(words in str(error) for words in ("no such module", "no such tokenizer", "error in tokenizer")):
            raise


def drop(connection: Connection) -> None:
    """Drop the index and its triggers."""
    for name in ("removed", "emptied"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_SEARCH}_{name}")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {NAME}")


def exists(connection: Connection) -> bool:
    """Whether the database has the index."""
    found = connection.exec_driver_sql(f"SELECT 1 FROM sqlite_master WHERE name = '{NAME}'")  # noqa: S608 - a constant
    return found.first() is not None


def match(terms: Iterable[str]) -> str | None:
    """The FTS5 query for texts that contain the trigrams of all terms; None: they have none."""
    grams = dict.fromkeys(
        term[place : place + GRAM]
        for term in terms
        if len(term) >= GRAM
        # Side by side, and the last three: more of them hardly exclude more texts.
        for place in (*range(0, len(term) - GRAM, GRAM), len(term) - GRAM)
    )
    quoted = ('"{}"'.format(gram.replace('"', '""')) for gram in grams)
    return " AND ".join(quoted) or None


def merge(connection: Connection, *, begin: bool) -> bool:
    """Take one step of rewriting the index without what was deleted from it, which FTS5 only marks as deleted.

    Arguments:
        begin: whether this is the first step.

    Returns:
        Whether there is more to do.
    """
    before = _changes(connection)
    pages = -MERGED_PAGES if begin else MERGED_PAGES
    connection.exec_driver_sql(f"INSERT INTO {NAME}({NAME}, rank) VALUES ('merge', {pages})")  # noqa: S608 - constants
    return _changes(connection) - before >= 2  # as FTS5's documentation says


def _changes(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())
