"""Reads what the package has stored, even if a later version stored it or it is damaged since: nothing here raises.

What a later version wrote is kept if this one can use it. One unreadable value affects only its row, which becomes a
:class:`DamagedRow`; all other rows are read as usual.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import Connection, Dialect, LargeBinary, Row, Table, Text, cast, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from ..conversation import Conversation, QuestionAnswer, Reaction, Source
from ..pair_extras import read_comment, read_files
from ..text import clean_text
from ..unknown import Unknown, log_once

MAX_LOGGED = 1_000
"""How many damaged rows one process logs."""

_logger = logging.getLogger(__name__)
_logged: set[tuple[str, str]] = set()


class Damaged(str):
    """A stored value that cannot be read, as text. The row can still be found by ``raw``, the stored value."""

    raw: Any

    def __new__(cls, raw: Any) -> Damaged:
        if isinstance(raw, Damaged):
            return raw
        damaged = super().__new__(cls, repr(raw) if isinstance(raw, bytes) else raw)
        damaged.raw = raw
        return damaged


class DamagedText(Damaged):
    """A text of SQLite that is not UTF-8, with the unreadable bytes replaced; ``raw`` has all of them."""

    def __new__(cls, raw: bytes) -> DamagedText:
        damaged = str.__new__(cls, raw.decode(errors="replace"))
        damaged.raw = raw
        return damaged


def read_text(stored: bytes) -> str:
    """A text of SQLite; the driver itself raises at the first one that is not UTF-8, and no row could be read."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return DamagedText(stored)


def plain(value: Any) -> Any:
    """A value of a text column for JSON and for people: bytes, which SQLite may have in it, are shown as text."""
    return Damaged(value) if isinstance(value, bytes) else value


@dataclass(frozen=True)
class DamagedRow:
    """A row that cannot be read.

    Arguments:
        values: the stored values by column; an unreadable one is :class:`Damaged`, or has another type than the
            column.
        damaged: the columns that cannot be read.
    """

    values: Mapping[str, Any]
    damaged: tuple[str, ...]

    @property
    def id(self) -> Any:
        """The row's id as it is stored."""
        return self.values.get("id")

    @property
    def reference(self) -> str | None:
        """The ticket's reference; None: it is damaged, too, or the row is not a ticket's."""
        found = self.values.get("reference")
        return found if type(found) is str and found else None

    @property
    def what(self) -> str:
        """A sentence on what cannot be read."""
        return f"The stored values of {', '.join(self.damaged)} cannot be read."


def tolerant(read: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """A result processor that returns :class:`Damaged` when the given one raises."""

    def process(value: Any) -> Any:
        try:
            return value if read is None else read(value)
        except (ValueError, TypeError, OverflowError):
            return Damaged(value)

    return process


def uuid_of_text(value: Any) -> UUID | Damaged | None:
    """A UUID as SQLite stores it, 32 digits; no query would find another spelling."""
    if value is None:
        return None
    try:
        found = UUID(hex=value)
    except (ValueError, TypeError, AttributeError):
        return Damaged(value)
    return found if found.hex == value else Damaged(value)


def stored_id(value: Any) -> Any:
    """An id to compare a column with; SQLite's driver accepts no text that is not UTF-8."""
    return cast(literal(value.raw, LargeBinary), Text) if isinstance(value, DamagedText) else value


def text_of_uuid(value: Any, dialect: Dialect) -> Any:
    """An id as a statement needs it; a damaged one stays as it is stored."""
    if isinstance(value, Damaged):
        return value.raw
    return value.hex if isinstance(value, UUID) and dialect.name == "sqlite" else value


@cache
def _types(table: Table) -> tuple[tuple[str, tuple[type, ...]], ...]:
    missing = type(None)
    return tuple(
        (column.name, (column.type.python_type, missing) if column.nullable else (column.type.python_type,))
        for column in table.columns
    )


def damage(table: Table, row: Row[Any]) -> DamagedRow | None:
    """What is damaged in a row with all columns of a table; None: nothing. Logged once per process and row."""
    # Exactly these types: a damaged text is a str, too.
    wrong = [name for (name, types), value in zip(_types(table), row, strict=True) if type(value) not in types]
    if not wrong:
        return None
    damaged = DamagedRow(dict(row._mapping), tuple(wrong))
    key = (table.name, str(damaged.id))
    if key not in _logged and len(_logged) < MAX_LOGGED:
        _logged.add(key)
        name = damaged.reference or f"with the id {damaged.id!r}"
        _logger.error("The row %s of %s is damaged. %s", name, table.name, damaged.what)
    return damaged


def earliest(connection: Connection, column: ColumnElement[Any], *, where: ColumnElement[bool]) -> datetime | None:
    """The earliest readable time in a column; None: there is none."""
    found = connection.execute(select(func.min(column)).where(where)).scalar_one()
    return first_time(connection, column, where=where) if isinstance(found, Damaged) else found


def first_time(
    connection: Connection, column: ColumnElement[Any], *, where: ColumnElement[bool], newest: bool = False
) -> datetime | None:
    """The earliest readable time in a column whose minimum is damaged; None: there is none.

    Arguments:
        newest: find the latest one instead.
    """
    query = select(column).where(where, column.is_not(None)).order_by(column.desc() if newest else column)
    # Most texts that are not times sort before or after all times, so this reads few rows.
    with connection.execute(query.execution_options(yield_per=100)) as found:
        return next((value for value in found.scalars() if isinstance(value, datetime)), None)


def read_json(text: Any) -> Any:
    """Decode JSON; return anything else as it is, and bytes as text.

    Nothing that this package writes is nested deeply enough to raise RecursionError.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return plain(text)


def read_conversation(value: Any, *, thread_id: str | None = None, may_be_empty: bool = False) -> Conversation:
    """A conversation that this package has stored, from decoded JSON; unknown keys are ignored.

    An unreadable pair is kept as text, among the readable ones.

    Arguments:
        may_be_empty: whether the ticket was sent without a conversation.

    Raises:
        ValueError: it is not a list, or none of its pairs can be read.
    """
    if value == [] and may_be_empty:
        return Conversation((), thread_id)
    pairs = value if isinstance(value, list) else []
    if not any(_is_readable(pair) for pair in pairs):
        raise ValueError("the stored conversation has no question-answer pair")
    return Conversation(tuple(_pair(pair) for pair in pairs), thread_id)


def _is_readable(pair: Any) -> bool:
    return isinstance(pair, dict) and any(isinstance(pair.get(name), str) for name in ("question", "answer"))


def _pair(stored: Any) -> QuestionAnswer:
    if not _is_readable(stored):
        # Without its text, which may be the visitor's.
        log_once("question-answer pair with", ", ".join(stored) if isinstance(stored, dict) else type(stored).__name__)
        return QuestionAnswer("", Unknown(json.dumps(stored, ensure_ascii=False)).label)
    sources = stored.get("sources")
    return QuestionAnswer(
        _text(stored.get("question")),
        _text(stored.get("answer")),
        _text(stored.get("id")) or None,
        tuple(_source(source) for source in sources if isinstance(source, dict)) if isinstance(sources, list) else (),
        stored.get("uncertain") is True,
        _reaction(stored.get("reaction")),
        stored.get("stopped") is True,
        read_comment(stored.get("comment")),
        read_files(stored.get("files")),
    )


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _source(value: dict[str, Any]) -> Source:
    url = _text(value.get("url"))
    return Source(_text(value.get("title")) or url, url)


def _reaction(value: Any) -> Reaction | Unknown | None:
    if value is None:
        return None
    if value in get_args(Reaction):
        return value  # type: ignore[no-any-return]
    log_once("reaction", value)
    return Unknown(_text(value) or json.dumps(value))
