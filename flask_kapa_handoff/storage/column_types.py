"""Column types: what SQLAlchemy's own would refuse or change when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, DateTime, Dialect, Text, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

from .reading import Damaged, read_json, text_of_uuid, tolerant, uuid_of_text


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

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)  # type: ignore[no-any-return]
        # PostgreSQL returns the session's time zone, in which five days later is not always 120 hours later.
        return value.astimezone(timezone.utc)  # type: ignore[no-any-return]

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
        if not isinstance(found, dict):
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
