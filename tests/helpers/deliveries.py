"""Deliveries that a test watches, pauses, and moves in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask

from flask_kapa_handoff.signals import ticket_delivered, ticket_failed
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tickets import Status, Ticket
from flask_kapa_handoff.unknown import Unknown
from tests.helpers import outboxes


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
    """The tickets that were delivered or failed, as the signals report them."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self._news = threading.Condition()

    def __call__(self, app: Flask, ticket: Ticket, error: str = "") -> None:
        with self._news:
            self.tickets[ticket.reference] = ticket
            self._news.notify_all()

    def wait_for(self, *references: str) -> list[Status | Unknown]:
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
    return state_of(app).database


def rewrite(app: Flask, reference: str, **values: Any) -> None:
    """Write into a ticket's row; a timedelta is counted from the database's own time."""
    outboxes.rewrite(database_of(app), reference, **values)


def look_up(app: Flask, reference: str) -> Ticket:
    return outboxes.look_up(database_of(app), reference)


def make_due(app: Flask, reference: str, *, column: str = "next_attempt_at") -> None:
    """Make the ticket due now: end its waiting time, or the lease of a process that has ended."""
    rewrite(app, reference, **{column: timedelta(seconds=-1)})
