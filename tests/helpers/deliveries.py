"""Deliveries that a test watches, holds up, and moves in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import update

from flask_kapa_handoff.signals import ticket_delivered, ticket_failed
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status, Ticket, find_ticket


class Gate:
    """A reply that waits until the test lets it through."""

    def __init__(self, reply: str = "250 taken") -> None:
        self._reply = reply
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.reached.set()
        assert self.opened.wait(30)
        return self._reply

    def wait(self) -> None:
        assert self.reached.wait(20), "nobody came to the gate"


class Endings:
    """The tickets that were delivered or failed, as the signals tell it."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self._news = threading.Condition()

    def __call__(self, app: Flask, ticket: Ticket, error: str = "") -> None:
        with self._news:
            self.tickets[ticket.reference] = ticket
            self._news.notify_all()

    def wait_for(self, *references: str) -> list[Status]:
        with self._news:
            assert self._news.wait_for(lambda: all(one in self.tickets for one in references), 30), self.tickets
        return [self.tickets[one].status for one in references]


@contextmanager
def watching(app: Flask) -> Iterator[Endings]:
    endings = Endings()
    with ticket_delivered.connected_to(endings, app), ticket_failed.connected_to(endings, app):
        yield endings


def delivery_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("kapa-handoff-")]


def database_of(app: Flask) -> Database:
    found: Database = app.extensions["kapa_handoff"].database
    return found


def rewrite(app: Flask, reference: str, **values: Any) -> None:
    """Write into a ticket's row; a timedelta is counted from the database's own time."""
    with database_of(app).write() as connection:
        moment = database_now(connection)
        absolute = {name: moment + value if isinstance(value, timedelta) else value for name, value in values.items()}
        connection.execute(update(ticket_table).where(ticket_table.c.reference == reference).values(**absolute))


def look_up(app: Flask, reference: str) -> Ticket:
    with database_of(app).read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


def make_due(app: Flask, reference: str, **columns: str) -> None:
    """Let the ticket be due now: its waiting time, or the lease of a process that is gone, is over."""
    with app.extensions["kapa_handoff"].database.write() as connection:
        past = database_now(connection) - timedelta(seconds=1)
        changed = connection.execute(
            update(ticket_table)
            .where(ticket_table.c.reference == reference)
            .values({columns.get("column", "next_attempt_at"): past})
        )
        assert changed.rowcount == 1
