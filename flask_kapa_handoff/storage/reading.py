"""Reads back what the package itself has stored, maybe in a later version, or damaged since: nothing here raises.

What a later version wrote is kept where this one can use it. What cannot be read fails alone: a row with such a value
becomes a :class:`DamagedRow`, and all other rows are read as ever.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast, get_args
from uuid import UUID

from sqlalchemy import Connection, Dialect, Row, Table, func, select
from sqlalchemy.sql.elements import ColumnElement

from ..conversation import Conversation, QuestionAnswer, Reaction, Source, clean_text
from ..unknown import Unknown, log_once

MAX_LOGGED = 1_000
"""How many damaged rows one process logs."""

_logger = logging.getLogger(__name__)
_logged: set[tuple[str, str]] = set()


class Damaged(str):
    """A stored value that cannot be read, as text. ``raw`` is what is stored: by it the row can still be found."""

    raw: Any

    def __new__(cls, raw: Any) -> Damaged:
        damaged = super().__new__(cls, raw if isinstance(raw, str) else repr(raw))
        damaged.raw = raw
        return damaged


@dataclass(frozen=True)
class DamagedRow:
    """A row that cannot be read.

    Arguments:
        values: what is stored, by column; what cannot be read is :class:`Damaged`, or of another type than the column.
        damaged: the columns that cannot be read.
    """

    values: Mapping[str, Any]
    damaged: tuple[str, ...]

    @property
    def id(self) -> Any:
        """What is stored as the row's id."""
        return self.values.get("id")

    @property
    def reference(self) -> str | None:
        """A ticket's reference; None: that is damaged, too, or the row is no ticket's."""
        found = self.values.get("reference")
        return found if isinstance(found, str) and found else None

    @property
    def what(self) -> str:
        """A sentence on what cannot be read."""
        return f"The stored values of {', '.join(self.damaged)} cannot be read."


def tolerant(read: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """A result processor that gives :class:`Damaged` where another one would raise."""

    def process(value: Any) -> Any:
        try:
            return value if read is None else read(value)
        except (ValueError, TypeError, OverflowError):
            return Damaged(value)

    return process


def uuid_of_text(value: Any) -> UUID | Damaged | None:
    """A UUID as SQLite has it, 32 digits; another spelling would be found by no query."""
    if value is None:
        return None
    try:
        found = UUID(hex=value)
    except (ValueError, TypeError, AttributeError):
        return Damaged(value)
    return found if found.hex == value else Damaged(value)


def text_of_uuid(value: Any, dialect: Dialect) -> Any:
    """What stands for an id in a statement; a damaged one as it is stored."""
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
    """What is wrong with a row of all the columns of a table; None: nothing. Logged once per process and row."""
    wrong = [name for (name, types), value in zip(_types(table), row, strict=True) if not isinstance(value, types)]
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
    """The earliest readable time of a column; None: there is none."""
    found = connection.execute(select(func.min(column)).where(where)).scalar_one()
    return first_time(connection, column, where=where) if isinstance(found, Damaged) else found


def first_time(
    connection: Connection, column: ColumnElement[Any], *, where: ColumnElement[bool], newest: bool = False
) -> datetime | None:
    """The earliest readable time of a column whose minimum is damaged; None: there is none.

    Arguments:
        newest: the latest one instead.
    """
    query = select(column).where(where, column.is_not(None)).order_by(column.desc() if newest else column)
    # Most texts that are no times come before or after all times: few rows are read.
    with connection.execute(query.execution_options(yield_per=100)) as found:
        return next((value for value in found.scalars() if isinstance(value, datetime)), None)


def read_json(text: Any) -> Any:
    """Decoded JSON; what is none stays as it is.

    Nothing that this package writes is nested deeply enough to fail otherwise.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def read_conversation(value: Any, *, thread_id: str | None = None) -> Conversation:
    """A conversation that this package has stored, from decoded JSON; unknown keys are ignored.

    A pair that cannot be read is kept as text, beside those that can.

    Raises:
        ValueError: it is no list, or no pair of it can be read.
    """
    pairs = value if isinstance(value, list) else []
    if not any(_is_readable(pair) for pair in pairs):
        raise ValueError("the stored conversation has no question-answer pair")
    return Conversation(tuple(_pair(pair) for pair in pairs), thread_id)


def _is_readable(pair: Any) -> bool:
    return isinstance(pair, dict) and any(isinstance(pair.get(name), str) for name in ("question", "answer"))


def _pair(stored: Any) -> QuestionAnswer:
    if not _is_readable(stored):
        # Not its text: that may be the visitor's.
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
    )


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _source(value: dict[str, Any]) -> Source:
    url = _text(value.get("url"))
    return Source(_text(value.get("title")) or url, url)


def _reaction(value: Any) -> Reaction | Unknown | None:
    if value is None:
        return None
    for known in get_args(Reaction):
        if value == known:
            return cast(Reaction, known)
    log_once("reaction", value)
    return Unknown(_text(value) or json.dumps(value))
