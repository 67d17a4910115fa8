"""Stores answer records, and deletes the old ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, delete, func, select, text

from .column_types import UTCDateTime
from .engine import Database, now
from .tables import answer, answer_without_ids

MOST_AN_HOUR = 20_000
"""The most rows that an hour may have: anybody can invent answers, and the table must not fill the disk."""

BATCH = 500
"""How many rows one transaction writes or deletes."""

_columns, _hours = answer.c, answer_without_ids.c

EVENTS = ("uncertain", "downvoted", "stopped", "offered", "opened", "cancelled", "sent")
"""The columns that say that something has happened: once it has, it stays so."""


def _upsert() -> TextClause:
    # As text, since both databases understand it, and SQLAlchemy's statements for it differ.
    table, names = answer.name, [column.name for column in answer.columns]
    values = ", ".join(f":{name}" for name in names)
    changes = [
        f"pairs = CASE WHEN excluded.pairs > {table}.pairs THEN excluded.pairs ELSE {table}.pairs END",
        f"page = COALESCE({table}.page, excluded.page)",
        f"triggers = CASE WHEN excluded.triggers = '' THEN {table}.triggers ELSE excluded.triggers END",
        # Unknown or unknown is unknown; unknown or no is no.
        f"asked_for_human = COALESCE({table}.asked_for_human OR excluded.asked_for_human, "
        f"{table}.asked_for_human, excluded.asked_for_human)",
        *(f"{name} = {table}.{name} OR excluded.{name}" for name in EVENTS),
    ]
    statement = text(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values}) "  # noqa: S608 - names of our own columns
        f"ON CONFLICT (key) DO UPDATE SET {', '.join(changes)}"
    )
    return statement.bindparams(bindparam("answered_at", type_=UTCDateTime))


_UPSERT = _upsert()

_COUNT_WITHOUT_IDS = text(
    f"INSERT INTO {answer_without_ids.name} (hour, desk, count) VALUES (:hour, :desk, :count) "  # noqa: S608
    f"ON CONFLICT (hour, desk) DO UPDATE SET count = {answer_without_ids.name}.count + excluded.count"
).bindparams(bindparam("hour", type_=UTCDateTime))

_COUNT_OF_HOUR = select(func.count()).select_from(answer).where(_columns.answered_at >= bindparam("hour"))


def store_answers(database: Database, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add answer records, or add to those that are there: whatever was once true of an answer stays true.

    Arguments:
        rows: a value for each column.

    Returns:
        How many were stored; the rest is too much for this hour.

    Raises:
        Unavailable: the database cannot be reached.
    """
    stored = 0
    # In the same order everywhere, so that two processes do not wait for each other.
    ordered = sorted(rows, key=lambda row: str(row["key"]))
    for start in range(0, len(ordered), BATCH):
        with database.write(alone=False, survives_power_cut=False) as connection:
            used = connection.execute(_COUNT_OF_HOUR, {"hour": hour_of(now(connection))}).scalar_one()
            batch = ordered[start : start + BATCH]
            if used + len(batch) > MOST_AN_HOUR:
                batch = _fitting(connection, batch, MOST_AN_HOUR - used)
            if batch:
                connection.execute(_UPSERT, batch)
        stored += len(batch)
    return stored


def _fitting(connection: Connection, rows: Sequence[Mapping[str, Any]], room: int) -> list[Mapping[str, Any]]:
    """The rows that add to a stored one, and as many new ones as there is room for."""
    keys = select(_columns.key).where(_columns.key.in_([row["key"] for row in rows]))
    known = set(connection.execute(keys).scalars())
    new = [row for row in rows if row["key"] not in known]
    return [row for row in rows if row["key"] in known] + new[: max(0, room)]


def count_without_ids(database: Database, counts: Mapping[str, int]) -> None:
    """Count answers that were reported without ids, by desk.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with database.write(alone=False, survives_power_cut=False) as connection:
        hour = hour_of(now(connection))
        rows = [{"hour": hour, "desk": desk, "count": count} for desk, count in sorted(counts.items())]
        connection.execute(_COUNT_WITHOUT_IDS, rows)


def delete_outdated_answers(database: Database, days: int) -> int:
    """Delete a batch of answer records that are older; returns how many. Call it until it returns 0.

    Arguments:
        days: KAPA_HANDOFF_STATISTICS_DAYS.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with database.read() as connection:  # a query that writers need not wait for
        before = now(connection) - timedelta(days=days)
        outdated = select(_columns.key).where(_columns.answered_at < before).order_by(_columns.answered_at)
        keys = connection.execute(outdated.limit(BATCH)).scalars().all()
        counts = connection.execute(select(_hours.id).where(_hours.hour < before)).scalars().all()
    if not keys and not counts:
        return 0
    with database.write(alone=False, survives_power_cut=False) as connection:
        connection.execute(delete(answer_without_ids).where(_hours.id.in_(counts)))
        connection.execute(delete(answer).where(_columns.key.in_(keys)))
    return len(keys)


def hour_of(moment: datetime) -> datetime:
    """The start of the hour that contains this moment."""
    return moment.replace(minute=0, second=0, microsecond=0)
