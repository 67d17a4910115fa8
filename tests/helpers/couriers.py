"""A courier that a test runs step by step, and the results of its attempts."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_kapa_handoff import testing
from flask_kapa_handoff.delivery import channels
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Attempt, Status, Ticket
from tests.helpers import outboxes

PASSWORD = "correct horse battery staple"


class Clock:
    """The clock by which channels pause; it stands until a test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seconds = 1000.0
        monkeypatch.setattr(channels, "monotonic", lambda: self._seconds)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds


def courier_of(app: Flask) -> Courier:
    return Courier(state_of(app))


def deliver(app: Flask) -> Ticket:
    """Make one attempt for the only ticket that is due."""
    (tried,) = testing.deliver(app)
    return tried


def deliver_in_turn(app: Flask) -> list[Ticket]:
    """Make one attempt for each ticket that is due, all by one courier."""
    courier = courier_of(app)
    try:
        return list(iter(courier.deliver_next, None))
    finally:
        courier.close()


def deliver_as_a_worker(app: Flask) -> Ticket:
    """The same as a process does it that is no test: mail that the site suppresses is not sent."""
    courier = courier_of(app)
    try:
        tried = courier.deliver_next()
    finally:
        courier.close()
    assert tried is not None
    return tried


def ticket_and_attempts(app: Flask, reference: str) -> tuple[Ticket, list[Attempt]]:
    database = state_of(app).database
    return outboxes.look_up(database, reference), outboxes.attempts_of(database, reference)


def assert_queued_again(ticket: Ticket, *words: str) -> None:
    assert ticket.status is Status.QUEUED
    assert ticket.next_attempt_at is not None
    assert ticket.leased_until is None
    assert ticket.last_error is not None
    for word in words:
        assert word in ticket.last_error
