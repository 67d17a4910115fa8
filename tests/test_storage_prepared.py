"""Prepared inserts: they store what SQLAlchemy's own store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID

from flask import Flask
from sqlalchemy import delete, insert, select

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.prepared import PreparedInsert
from flask_kapa_handoff.storage.tables import arrival

MOMENT = datetime(2026, 1, 31, 1, 30, 0, 5, timezone(timedelta(hours=2)))


def test_a_prepared_insert_stores_what_an_insert_of_sqlalchemy_stores(app: Flask) -> None:
    """Ids and times in the form of each database; a column that is not named is left to its default."""
    row = {"id": UUID(int=1 << 120), "desk": "default", "recipient": "it's 100 % ä", "sent_at": MOMENT}
    prepared = PreparedInsert(arrival, list(row))
    found = []
    with state_of(app).database.write() as connection:
        for store in (prepared.execute, lambda connection, row: connection.execute(insert(arrival), row)):
            store(connection, row)
            found.append(connection.execute(select(arrival)).all())
            found.append(connection.exec_driver_sql(f"SELECT * FROM {arrival.name}").all())  # noqa: S608
            connection.execute(delete(arrival))
    assert found[:2] == found[2:]
    ((identifier, desk, recipient, sent_at, confirmed_at, _confirmed_by),) = found[0]
    assert (identifier, desk, recipient, sent_at) == tuple(row.values())
    assert confirmed_at is None
