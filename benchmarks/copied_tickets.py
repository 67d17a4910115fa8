"""Fills a database with a million tickets in minutes: the database itself copies those that are invented."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    MetaData,
    Row,
    Table,
    Text,
    case,
    insert,
    select,
    text,
    type_coerce,
)
from sqlalchemy.sql.elements import ColumnElement

from flask_kapa_handoff.storage.column_types import StoredUuid, UTCDateTime
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import delivery_attempt, ticket, transcript

from .many_tickets import EVERY, NEWEST, fill

SAMPLE = 2_000
"""How many tickets are copied, again and again, each time to an earlier day."""

_copy = Table(
    "benchmark_copy",
    MetaData(),
    Column("of", StoredUuid, primary_key=True),
    Column("id", StoredUuid),
    Column("submission_id", StoredUuid),
    Column("moment", UTCDateTime),
    Column("number", Text),
)


def fill_with_copies(database: Database, number: int, *, words: int = 40) -> None:
    """Store tickets: what is filtered and ordered by differs as with :func:`.fill`; words are repeated.

    Arguments:
        number: of all tickets; more than the sample has.
        words: how many an answer has.
    """
    fill(database, SAMPLE + NEWEST, words=words)
    source = random.Random(number)
    with database.read() as connection:
        columns = ticket.c
        query = select(columns.id, columns.created_at).order_by(columns.id.desc())
        sample = connection.execute(query.offset(NEWEST)).all()
        copies = -(-(number - SAMPLE - NEWEST) // SAMPLE)
    with database.write() as connection:
        _copy.create(connection)
    for copy in range(copies, 0, -1):  # the oldest first
        with database.write(survives_power_cut=False) as connection:
            connection.execute(_copy.delete())
            connection.execute(insert(_copy), list(_copies(source, sample, copy)))
            for table, values in _changed().items():
                _insert_copies(connection, table, values)
    with database.write() as connection:
        _copy.drop(connection)
    database.checkpoint()
    vacuum(database)


def _copies(source: random.Random, sample: Any, copy: int) -> Iterator[dict[str, Any]]:
    row: Row[tuple[UUID, datetime]]
    for place, row in enumerate(sample):
        moment = row.created_at - EVERY * SAMPLE * copy
        later = int(moment.timestamp() * 1000) << 80
        yield {
            "of": row.id,
            "id": UUID(int=later | (row.id.int & ((1 << 80) - 1))),
            "submission_id": UUID(int=source.getrandbits(128)),
            "moment": moment,
            "number": f"{NEWEST + SAMPLE * copy + place:X}",
        }


def _changed() -> dict[Table, dict[str, ColumnElement[Any]]]:
    """What a copy does not have from the original; only what is filled there."""
    # Without what the column's own type does to a time that is read.
    moment = type_coerce(_copy.c.moment, DateTime(timezone=True))
    made, number = ticket.c, _copy.c.number
    same = "content_digest desk recipient visitor_name note subject pairs transcript_source triggers locale status"
    return {
        ticket: {
            "id": _copy.c.id,
            "reference": "T-" + number,
            "submission_id": _copy.c.submission_id,
            "created_at": moment,
            "queued_at": moment,
            "delivered_at": case((made.delivered_at.is_not(None), moment)),
            "visitor_email": number + made.visitor_email,
            "email_key": number + made.email_key,
            "client_key": number + made.client_key,
            **{name: made[name] for name in (*same.split(), "attempts", "last_error")},
        },
        transcript: {"ticket_id": _copy.c.id, "conversation": transcript.c.conversation},
        delivery_attempt: {
            "ticket_id": _copy.c.id,
            "started_at": moment,
            "finished_at": moment,
            **{name: delivery_attempt.c[name] for name in ("number", "recipient", "outcome")},
        },
    }


def _insert_copies(connection: Connection, table: Table, values: dict[str, ColumnElement[Any]]) -> None:
    original = table.c.id if table is ticket else table.c.ticket_id
    query = select(*values.values()).join_from(_copy, table, original == _copy.c.of).order_by(_copy.c.id)
    connection.execute(insert(table).from_select(list(values), query))


def vacuum(database: Database) -> None:
    """Do what autovacuum does on a PostgreSQL that has been running for a while; on SQLite, nothing."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
