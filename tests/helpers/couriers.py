"""A courier that a test drives by hand, and what its tries leave behind."""

from __future__ import annotations

from flask import Flask

from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Attempt, Status, Ticket, find_attempts, find_ticket

PASSWORD = "correct horse battery staple"


def courier_of(app: Flask) -> Courier:
    return Courier(app.extensions["kapa_handoff"])


def deliver(app: Flask) -> Ticket:
    """One try for the ticket that is due first."""
    courier = courier_of(app)
    try:
        tried = courier.deliver_next()
    finally:
        courier.close()
    assert tried is not None
    return tried


def look_up_tries(app: Flask, reference: str) -> tuple[Ticket, list[Attempt]]:
    with app.extensions["kapa_handoff"].database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
        assert ticket is not None
        return ticket, find_attempts(connection, ticket.id)


def assert_queued_again(ticket: Ticket, *words: str) -> None:
    assert ticket.status is Status.QUEUED
    assert ticket.next_attempt_at is not None
    assert ticket.leased_until is None
    assert ticket.last_error is not None
    for word in words:
        assert word in ticket.last_error
