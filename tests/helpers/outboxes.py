"""Rows of the outbox: claimed, looked at, and moved in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Attempt, Ticket, find_attempts, find_ticket

TIMEOUT = 30
MINUTE = timedelta(minutes=1)


def look_up(database: Database, reference: str) -> Ticket:
    with database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


def attempts_of(database: Database, reference: str) -> list[Attempt]:
    ticket = look_up(database, reference)
    with database.read() as connection:
        return find_attempts(connection, ticket.id)


def rewrite(database: Database, reference: str, **values: Any) -> None:
    """Write into a ticket's row; a timedelta is counted from the database's own time."""
    with database.write() as connection:
        moment = database_now(connection)
        absolute = {name: moment + value if isinstance(value, timedelta) else value for name, value in values.items()}
        which = ticket_table.c.reference == reference
        assert connection.execute(update(ticket_table).where(which).values(**absolute)).rowcount == 1


def claim(database: Database, reference: str | None = None) -> outbox.Claim:
    claimed = outbox.claim(database, TIMEOUT, reference=reference)
    assert claimed is not None
    return claimed
