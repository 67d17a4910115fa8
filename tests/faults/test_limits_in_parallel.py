"""Limits are exact and no lock refuses a ticket, however many visitors send at the same moment."""

from __future__ import annotations

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket, transcript
from tests.faults.limits import Limit, many_submits, rounds_against_a_limit
from tests.helpers.tickets import send_ticket

LIMIT = 7
ROUNDS = 3


@pytest.fixture
def engine(app: Flask) -> Engine:
    """The engine of a database whose tables are there."""
    database = state_of(app).database
    with database.read():
        return database.engine


@pytest.mark.parametrize("which", ["client", "email"])
def test_of_fifty_submits_at_once_exactly_as_many_pass_as_the_limit_allows(engine: Engine, which: Limit) -> None:
    """Five processes, ten threads each: no more than the limit, and no fewer; the others are told 429."""
    for answers in rounds_against_a_limit(engine, which, limit=LIMIT, rounds=ROUNDS):
        assert answers == {"201": LIMIT, "429 rate_limited": 50 - LIMIT}


def test_of_fifty_submits_at_once_exactly_as_many_are_held_as_there_are_beyond_the_sites_limit(engine: Engine) -> None:
    """Three are queued; those up to thirty are held, and the others are told 429."""
    for answers in rounds_against_a_limit(engine, "site", limit=3, rounds=ROUNDS):
        assert answers == {"201": 30, "429 rate_limited": 20}
        with engine.connect() as connection:
            statuses = Counter(connection.execute(select(ticket.c.status)).scalars())
        assert statuses == {"queued": 3, "held": 27}


def test_a_thousand_submits_by_eight_workers_are_all_stored(app: Flask, engine: Engine) -> None:
    """None meets a lock that it does not wait for, and every ticket has its transcript."""
    send_ticket(app.test_client())
    assert many_submits(engine, submits=1_000) == {"201": 1_000}
    with engine.connect() as connection:
        for table in (ticket, transcript):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 1_001
