"""Column types: what SQLAlchemy's own would refuse or change when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, DateTime, Dialect, Text, TypeDecorator, Uuid, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from .reading import Damaged, read_json, text_of_uuid, tolerant, uuid_of_text

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class _SelectedTime(FunctionElement[Any]):
    """A time as it is selected: on PostgreSQL, as seconds since 1970.

    The drivers raise at ``infinity`` and at times before the year 1, and no row could be read.
    """

    name = "selected_time"
    inherit_cache = True


@compiles(_SelectedTime)
def _as_it_is(element: _SelectedTime, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_SelectedTime, "postgresql")
def _as_seconds(element: _SelectedTime, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXTRACT(epoch FROM {compiler.process(element.clauses, **options)})"


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLAlchemy's type for SQLite would drop the offset and return a naive one.

    A stored value that is not a time becomes :class:`.Damaged`.
    """

    impl = DateTime(timezone=True)
    cache_ok = True
    python_type = datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        return value.astimezone(timezone.utc)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return type_coerce(_SelectedTime(column), self)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return _EPOCH + timedelta(microseconds=round(value * 1_000_000))
        return value.replace(tzinfo=timezone.utc)  # type: ignore[no-any-return]

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        # Wraps SQLAlchemy's own, which raises at the first damaged text, so that no row could be read.
        return tolerant(super().result_processor(dialect, coltype))


class StoredUuid(TypeDecorator[UUID]):
    """A UUID; a stored value that is not one becomes :class:`.Damaged`, by which its row can still be found."""

    impl = Uuid
    cache_ok = True
    python_type = UUID

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # SQLAlchemy's own type, with the same column, raises at the first damaged text.
        return dialect.type_descriptor(CHAR(32) if dialect.name == "sqlite" else Uuid())

    def process_bind_param(self, value: UUID | Damaged | None, dialect: Dialect) -> Any:
        return text_of_uuid(value, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return uuid_of_text(value) if dialect.name == "sqlite" else value


UNREADABLE = "fields (unreadable)"
"""The name under which unreadable fields, or context, are returned; no field of a form can have it."""


class FieldValues(TypeDecorator[Mapping[str, str]]):
    """Texts by name, as JSON; NULL: there are none.

    Unreadable JSON is returned as text under the name :data:`UNREADABLE`: the agent sees it, and the ticket is sent.
    """

    impl = Text
    cache_ok = True
    python_type = dict

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str | None:
        return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":")) if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, str]:
        if not value:
            return {}
        found = read_json(value)
        if isinstance(value, Damaged) or not isinstance(found, dict):
            return {UNREADABLE: str(value)}
        return {str(name): str(text) for name, text in found.items()}


class TicketIds(TypeDecorator[tuple[str, ...]]):
    """Ids of tickets, as text with spaces between them; NULL: there are none. What is not an id is left out."""

    impl = Text
    cache_ok = True
    python_type = tuple

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return " ".join(value) if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(word for word in str(value or "").split() if _ID.fullmatch(word))


_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
