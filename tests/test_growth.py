"""However many tickets are stored, or came in this hour, a visitor or a delivery looks at only a few of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from benchmarks.copied_tickets import vacuum
from benchmarks.many_tickets import fill
from flask_kapa_handoff import limits
from flask_kapa_handoff.delivery import outbox, reminders, requeue
from flask_kapa_handoff.delivery.alarms import read_situation
from flask_kapa_handoff.limits import SiteCount
from flask_kapa_handoff.quotas import Usage, keys_of
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import search
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.removal import delete_tickets
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.submission import open_ticket
from tests.helpers.desks import save_desk
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket
from tests.test_tickets import submission

NUMBER = 3_000
LIMIT = 100_000
MOST = {"sqlite": 2 * NUMBER, "postgresql": NUMBER // 2}
"""What looks at every ticket takes more: in SQLite's machine, three steps for each. An admin page counts all that
failed, which are an eighth of them."""

STEPS: dict[str, Callable[[Flask, Database], object]] = {
    "offer": lambda app, database: signed_offer(app.test_client()),
    "submit": lambda app, database: send_ticket(app.test_client()),
    "deliver": lambda app, database: deliver(database, ()),
    "deliver while a desk's channel pauses": lambda app, database: deliver(database, ("sales",)),
    "next delivery": lambda app, database: outbox.seconds_until_due(database, without=("sales",)),
    "alarms": lambda app, database: look(database),
    "held tickets": lambda app, database: requeue.release_held(database, LIMIT, of_desks=lambda: {"bugs": LIMIT}),
    "waiting for a server": lambda app, database: outbox.release_unreachable(database),
    "reminders": lambda app, database: reminders.claim_due(database, 30),
    "search": lambda app, database: search.index_some(database, 1),
}


def deliver(database: Database, without: tuple[str, ...]) -> None:
    claimed = outbox.claim(database, 30, without=without)
    assert claimed is not None
    assert outbox.complete(database, claimed, "250 taken") is not None


def look(database: Database) -> None:
    with database.read() as connection:
        read_situation(connection)


@contextmanager
def sqlite_steps(database: Database) -> Iterator[Callable[[], int]]:
    """Counts the steps of SQLite's machine, of which every row that is looked at takes several."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 10

    def watch(connection: Any, *rest: Any) -> None:
        connection.connection.driver_connection.set_progress_handler(count, 10)

    event.listen(database.engine, "before_cursor_execute", watch)
    yield lambda: steps
    event.remove(database.engine, "before_cursor_execute", watch)


@contextmanager
def postgresql_rows(database: Database) -> Iterator[Callable[[], int]]:
    """Counts the rows and the entries of indexes that the server reads."""

    def read() -> int:
        database.engine.dispose()  # a connection that ends has told the server's statistics everything
        with database.engine.connect() as connection:
            query = (
                "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)"
                " + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"
            )
            return int(connection.execute(text(query)).scalar_one())

    before = read()
    yield lambda: read() - before


@pytest.fixture
def busy(make_app: Callable[..., Flask]) -> Flask:
    """A site with many tickets, all of this hour, whose limits are far above."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_HOUR=LIMIT)
    save_desk(app, "default", tickets_per_hour=LIMIT)
    database = state_of(app).database
    fill(database, NUMBER, words=2, newest=datetime.now(timezone.utc), every=timedelta(seconds=0.5))
    vacuum(database)
    return app


def test_no_step_looks_at_all_tickets(busy: Flask, backend: str) -> None:
    """Neither all that are stored, nor all of the hour, though limits count these."""
    database = state_of(busy).database
    for step in STEPS.values():  # what a process does only once is done
        step(busy, database)
    counts = {}
    for name, step in STEPS.items():
        with sqlite_steps(database) if backend == "sqlite" else postgresql_rows(database) as count:
            step(busy, database)
            counts[name] = count()
    assert max(counts.values()) < MOST[backend], counts


def test_the_counters_notice_a_look_at_all_tickets(busy: Flask, backend: str) -> None:
    """Without what a process knows, a submit counts all of the hour."""
    state = state_of(busy)
    with sqlite_steps(state.database) if backend == "sqlite" else postgresql_rows(state.database) as count:
        open_ticket(state.database, state.config, submission())
        assert count() > MOST[backend]


# --- Limits stay exact ---------------------------------------------------------------------------------------------


@pytest.fixture
def opened(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> Callable[[SiteCount], str]:
    """Opens a ticket in one of several processes of a site that is busy and has a limit of six; returns its status."""
    monkeypatch.setattr(limits, "MANY", 2)
    app = make_app(KAPA_HANDOFF_TICKETS_PER_HOUR=6)
    numbers = itertools.count()

    def open_one(process: SiteCount) -> str:
        keys = keys_of(f"2001:db8:{next(numbers):x}::1", "visitor@example.com", b"a secret")
        state = state_of(app)
        ticket, _ = open_ticket(state.database, state.config, submission(keys=keys), None, process)
        return f"{ticket.reference} {ticket.status}"

    open_one.app = app  # type: ignore[attr-defined]
    return open_one


def test_exactly_those_beyond_the_limit_are_held_whichever_process_they_meet(
    opened: Callable[[SiteCount], str],
) -> None:
    """Each of them knows only what it has counted itself."""
    one, other = SiteCount(), SiteCount()
    found = [opened(process).split()[1] for process in (one, one, one, other, other, other, one, other)]
    assert found == [Status.QUEUED] * 6 + [Status.HELD] * 2


def test_deleted_tickets_make_room(opened: Any) -> None:
    """A process that knew them counts again before it holds one."""
    process = SiteCount()
    references = [opened(process).split()[0] for _ in range(6)]
    delete_tickets(state_of(opened.app).database, references[:2])
    assert [opened(process).split()[1] for _ in range(3)] == [Status.QUEUED] * 2 + [Status.HELD]


def test_a_full_desk_is_exact_as_well(opened: Any) -> None:
    """Its limit is lower than what the site receives."""
    save_desk(opened.app, "default", tickets_per_hour=4)
    process = SiteCount()
    assert [opened(process).split()[1] for _ in range(5)] == [Status.QUEUED] * 4 + [Status.HELD]


@pytest.mark.only("sqlite")
def test_what_a_process_knows_ends_after_a_minute_and_when_the_clock_is_set_back(busy: Flask) -> None:
    """Then the whole hour is counted."""
    config, keys, moment = (
        state_of(busy).config,
        keys_of(None, "a@example.com", b"a secret"),
        datetime.now(timezone.utc),
    )
    for later, is_known in ((0, True), (59, True), (60, False), (-1, False)):
        process = SiteCount()
        process._counted = moment, Usage(NUMBER, 1)
        given = process.parameters(config, keys, moment + timedelta(seconds=later))
        assert (given["site_since"] > given["since"]) is is_known, later
