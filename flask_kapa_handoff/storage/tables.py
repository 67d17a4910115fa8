"""The tables. SQLAlchemy Core, not the ORM: a submit is one insert, which takes three times as long with the ORM."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy.types import TypeEngine

from . import PREFIX
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
"""The name under which unreadable fields are returned; no field of a form can have it."""


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


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ticket = Table(
    PREFIX + "ticket",
    metadata,
    Column("id", StoredUuid, primary_key=True, comment="UUIDv7: ordered by time of creation"),
    Column("reference", String(16), nullable=False, unique=True),
    Column("submission_id", StoredUuid, nullable=False, unique=True),
    Column("content_digest", String(64), nullable=False, comment="tells a repeated submit from another text"),
    Column("created_at", UTCDateTime, nullable=False),
    Column("desk", String(64), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("visitor_email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False, comment="the address in lower case, to count and to find by"),
    Column("visitor_name", String(200)),
    Column("note", Text, nullable=False),
    Column("subject", String(200), nullable=False, comment="the first question, shortened"),
    Column("pairs", Integer, nullable=False),
    Column("transcript_source", String(16), nullable=False),
    Column("triggers", String(100), nullable=False),
    Column("answer_id", String(200)),
    Column("thread_id", String(200)),
    Column("page", Text),
    Column("locale", String(35)),
    Column("client_key", String(64), nullable=False),
    Column("follows", ForeignKey(PREFIX + "ticket.id", ondelete="SET NULL")),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("queued_at", UTCDateTime, nullable=False, comment="when it was stored, or last sent again by hand"),
    Column("next_attempt_at", UTCDateTime, comment="when a queued ticket is due"),
    Column("leased_until", UTCDateTime, comment="until when the ticket being sent is nobody else's"),
    Column("last_error", Text),
    Column("delivered_at", UTCDateTime),
    Column(
        "proxy_unheeded",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the request named the visitor's address, and the app saw a proxy's",
    ),
    Column("offer_id", String(32), comment="an offer opens one ticket"),
    Column("network_key", String(64), comment="of the client's /24, or /56"),
    Column("wide_network_key", String(64), comment="of the client's /48, IPv6 alone"),
    Column("mailbox_key", String(64), comment="of the mailbox, without tag and dots"),
    Column("size", Integer, nullable=False, server_default="0", comment="octets of note and conversation"),
    Column("flag", Text, comment="what the site's own check says of it"),
    Column("fields", FieldValues, comment="JSON: what the form's further fields say, by their names"),
)

transcript = Table(
    PREFIX + "transcript",
    metadata,
    Column("ticket_id", ForeignKey(PREFIX + "ticket.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation", Text, nullable=False, comment="JSON; apart from the ticket, so that lists stay fast"),
)

delivery_attempt = Table(
    PREFIX + "delivery_attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey(PREFIX + "ticket.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
    Column("outcome", String(16), comment="delivered, delayed or failed; empty while its end is not known"),
    Column("detail", Text),
    UniqueConstraint("ticket_id", "number"),
)

desk = Table(
    PREFIX + "desk",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("email", String(320), comment="empty, like the next three: the site's configuration holds"),
    Column("button_text", String(200)),
    Column("triggers", String(100)),
    Column("threshold", Integer),
    Column("version", Integer, nullable=False),
)

settings_change = Table(
    PREFIX + "settings_change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("desk", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("changed_by", String(320), nullable=False),
    Column("before", Text, nullable=False, comment="JSON of the settings"),
    Column("after", Text, nullable=False, comment="JSON of the settings"),
    UniqueConstraint("desk", "version"),
)

refusal = Table(
    PREFIX + "refusal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("detail", String(500), nullable=False),
    Column("hour", UTCDateTime, nullable=False, comment="the hour that these are of, its start"),
    Column("count", Integer, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    UniqueConstraint("hour", "reason", "detail"),
)
