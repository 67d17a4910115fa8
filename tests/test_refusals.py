"""Refusals are counted, cheaply, and seen: in the log, by the check-up, on every admin page and in the health."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from flask_kapa_handoff import KapaHandoff, health, refusals
from flask_kapa_handoff.doctor import Finding, Level, examine
from flask_kapa_handoff.refusals import Refusals, recent_refusals
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database, now
from flask_kapa_handoff.storage.tables import refusal
from tests.helpers.pages import json_of
from tests.helpers.sites import close
from tests.helpers.tickets import send_ticket, ticket_fields

JSON = {"Accept": "application/json"}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A site with admin pages that are open to everyone."""
    return make_app(handoff=KapaHandoff(admin_required=lambda view: view), KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)


@pytest.fixture
def counters(app: Flask, database: Database) -> Iterator[Refusals]:
    """Counters of another process on the same database."""
    made = Refusals(app, database)
    yield made
    made.stop()


def counters_of(app: Flask) -> Refusals:
    return state_of(app).refusals


def refuse(app: Flask, times: int = 1) -> None:
    """Let a visitor be refused for a limit."""
    client = app.test_client()
    if not recent_tickets(app):
        send_ticket(client)
    for _ in range(times):
        assert client.post("/handoff/tickets", data=ticket_fields(client), headers=JSON).status_code == 429


def recent_tickets(app: Flask) -> int:
    return health(app).queued


# --- What is counted -------------------------------------------------------------------------------------------------


def test_a_refusal_is_counted_with_its_reason_and_detail(app: Flask, database: Database) -> None:
    """The error code, and which quota it was; what was taken is not counted."""
    refuse(app, times=3)
    client = app.test_client()
    client.post("/handoff/tickets", data=ticket_fields(client, offer="forged"), headers=JSON)
    client.get("/handoff/form?offer=forged")
    counters_of(app).write()
    assert recent_refusals(database) == {("rate_limited", "client"): 3, ("offer_invalid", ""): 2}


def test_a_mistyped_form_is_not_counted(app: Flask, database: Database) -> None:
    """Visitors mistype."""
    client = app.test_client()
    assert client.post("/handoff/tickets", data=ticket_fields(client, email="nobody")).status_code == 422
    counters_of(app).write()
    assert recent_refusals(database) == {}


def test_a_body_that_is_too_large_is_counted(app: Flask, database: Database) -> None:
    """It is refused before there is a form."""
    assert app.test_client().post("/handoff/tickets", data={"note": "x" * 1_000_001}).status_code == 413
    counters_of(app).write()
    assert recent_refusals(database) == {("too_large", ""): 1}


# --- Memory and database ---------------------------------------------------------------------------------------------


def test_counts_are_written_once_a_minute_without_a_further_request(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a thread of their own: no visitor waits for it."""
    monkeypatch.setattr(refusals, "WRITE_SECONDS", 0.2)
    written = threading.Event()
    write = Refusals.write

    def noted(self: Refusals) -> None:
        write(self)
        written.set()

    monkeypatch.setattr(Refusals, "write", noted)
    counters_of(app).count("refused", "one")
    counters_of(app).count("refused", "one")
    assert written.wait(20)
    assert recent_refusals(database) == {("refused", "one"): 2}


def test_the_processes_counts_add_up(counters: Refusals, app: Flask, database: Database) -> None:
    """One row for an hour, a reason and a detail."""
    for one in (counters, counters_of(app)):
        one.count("rate_limited", "site")
        one.write()
        one.count("rate_limited", "site")
        one.write()
    assert recent_refusals(database) == {("rate_limited", "site"): 4}
    with database.read() as connection:
        assert len(connection.execute(select(refusal)).all()) == 1


def test_a_writing_that_fails_keeps_the_counts(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no request fails with it."""
    app = make_app()
    database, counters = state_of(app).database, counters_of(app)

    def fail(*arguments: object) -> None:
        raise OSError("the disk is full")

    counters.count("refused")
    with monkeypatch.context() as patch:
        patch.setattr(refusals, "_store", fail)
        counters.write()
    counters.count("refused")
    counters.write()
    assert recent_refusals(database) == {("refused", ""): 2}


def test_an_hour_has_twenty_details_of_a_reason(counters: Refusals, app: Flask, database: Database) -> None:
    """An attacker may invent thousands: the others are counted as other, in memory and in the table."""
    for number in range(100):
        counters.count("foreign_origin", f"https://{number}.example.com")
    counters.write()
    counters_of(app).count("foreign_origin", "https://late.example.com")
    counters_of(app).count("rate_limited", "client")
    counters_of(app).write()
    found = recent_refusals(database)
    assert len(found) == 22
    assert found["foreign_origin", "other"] == 81
    assert found["rate_limited", "client"] == 1


def test_a_detail_is_one_short_line(counters: Refusals, database: Database) -> None:
    """Whatever a header holds."""
    counters.count("foreign_origin", "https://a.example\x00\n" + "x" * 5_000)
    counters.write()
    ((_, detail),) = recent_refusals(database)
    assert detail.startswith("https://a.example x")
    assert len(detail) == 300


def test_threads_lose_no_count(counters: Refusals, database: Database) -> None:
    """Each refusal is counted once, also while the counts are written."""

    def work() -> None:
        for _ in range(200):
            counters.count("refused")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counters.write()
    counters.write()
    assert recent_refusals(database) == {("refused", ""): 800}


@pytest.mark.only("postgresql")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_counts_its_own(counters: Refusals, database: Database) -> None:
    """What the parent has counted is the parent's to write."""
    counters.count("refused")
    child = os.fork()
    if child == 0:
        counters.count("disabled")
        counters.write()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert recent_refusals(database) == {("disabled", ""): 1}
    counters.write()
    assert recent_refusals(database) == {("disabled", ""): 1, ("refused", ""): 1}


def test_rows_older_than_a_week_are_deleted(counters: Refusals, database: Database) -> None:
    """With the next writing."""
    counters.count("refused")
    counters.write()
    with database.write() as connection:
        connection.execute(update(refusal).values(hour=now(connection) - timedelta(days=7, hours=1)))
    assert recent_refusals(database) == {}
    counters.count("disabled")
    counters.write()
    with database.read() as connection:
        assert [row.reason for row in connection.execute(select(refusal))] == ["disabled"]


# --- Seen ------------------------------------------------------------------------------------------------------------


def test_the_log_tells_once_a_minute(counters: Refusals, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each reason, with the number and the details."""
    for detail in ("client", "client", "network"):
        counters.count("rate_limited", detail)
    counters.count("offer_invalid")
    with caplog.at_level(logging.WARNING, "flask_kapa_handoff.refusals"):
        counters.write()
        counters.write()
    assert [record.getMessage() for record in caplog.records] == [
        "Refused since the last count: 1 x offer invalid.",
        "Refused since the last count: 3 x rate limited (2 x client, 1 x network).",
    ]


def test_the_first_count_is_written_at_once_and_the_next_ones_a_minute_later(counters: Refusals) -> None:
    """Somebody who was refused may look for the reason; a flood of refusals writes once a minute."""

    def waits() -> float:
        timer = counters._memory.timer
        assert timer is not None
        return timer.interval

    counters.count("refused")
    assert waits() == refusals.FIRST_SECONDS
    counters.write()
    counters.count("refused")
    assert refusals.WRITE_SECONDS - 30 < waits() <= refusals.WRITE_SECONDS


def findings(app: Flask) -> list[Finding]:
    return [one for one in examine(app, state_of(app)) if "in the last 24 hours" in str(one.what)]


def test_the_check_up_has_a_finding_with_a_remedy_for_each_reason(app: Flask) -> None:
    """What is refused on purpose is told as well, and is no warning."""
    (finding,) = findings(app)
    assert (finding.level, str(finding.what)) == (Level.OK, "No visitor was refused in the last 24 hours.")
    for reason, detail in (
        ("rate_limited", "client"),
        ("rate_limited", "client"),
        ("offer_invalid", ""),
        ("too_large", ""),
        ("foreign_save", "http://a.example to b.example"),
        ("foreign_origin", "http://a.example to b.example"),
        ("unavailable", ""),
        ("refused", ""),
        ("disabled", ""),
        ("conflict", ""),
    ):
        counters_of(app).count(reason, detail)
    counters_of(app).write()
    told = findings(app)
    # A crawler follows any address: one form that is not ours means nothing yet.
    assert [one.level for one in told] == [Level.WARNING, Level.OK, *[Level.WARNING] * 4, *[Level.OK] * 3]
    assert str(told[0].what) == "Refused in the last 24 hours: 2 requests over a limit (2 x client)."
    assert str(told[1].what) == "Refused in the last 24 hours: 1 request with a damaged or forged form."
    for _ in range(9):
        counters_of(app).count("offer_invalid")
    counters_of(app).write()
    told = findings(app)
    assert [one.level for one in told] == [Level.WARNING] * 6 + [Level.OK] * 3
    assert all(one.remedy for one in told[:6])


def test_every_admin_page_tells_of_refusals(app: Flask) -> None:
    """A quiet line with a link to the check-up, only when there is something to know."""
    client, pages = app.test_client(), ("", "tickets", "tickets/T-NONE", "doctor")
    counters_of(app).count("refused")
    counters_of(app).count("conflict")
    counters_of(app).write()
    for page in pages:
        assert "were refused" not in client.get(f"/handoff/admin/{page}").text
    for _ in range(2):
        counters_of(app).count("rate_limited", "client")
    counters_of(app).count("too_large")
    counters_of(app).write()
    counters_of(app)._recent = (0.0, counters_of(app).recent())
    for page in pages:
        assert (
            "In the last 24 hours, 3 requests were refused: 2 over a limit, 1 too large. "
            '<a href="/handoff/admin/doctor">' in client.get(f"/handoff/admin/{page}").text
        )


@pytest.mark.only("sqlite")
def test_the_admin_pages_read_the_counts_now_and_then(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in some seconds, not for each page."""
    reads: list[Database] = []

    def noted(database: Database) -> refusals.Counts:
        reads.append(database)
        return Counter()

    monkeypatch.setattr(refusals, "recent_refusals", noted)
    for _ in range(3):
        app.test_client().get("/handoff/admin/tickets")
    assert len(reads) == 1


def test_the_health_says_how_many_and_why(app: Flask) -> None:
    """In all and for each reason; a failing check of the site's refuses nobody."""
    for reason in ("refused", "too_large", "too_large", "filter_failed"):
        counters_of(app).count(reason)
    counters_of(app).write()
    assert health(app).refused_last_hour == 3
    assert health(app).refused_by_reason == {"refused": 1, "too_large": 2}
    answer = app.test_client().get("/handoff/admin/health")
    assert json_of(answer)["refused_by_reason"] == {"refused": 1, "too_large": 2}


@pytest.mark.only("sqlite")
def test_the_counts_of_a_process_that_ends_are_written(make_app: Callable[..., Flask]) -> None:
    """At its exit, since the minute may not be over."""
    import subprocess
    import sys

    app = make_app()
    database = state_of(app).database
    with database.read():
        uri = str(database.engine.url)
    program = f"""
from flask import Flask
from flask_kapa_handoff import KapaHandoff
app = Flask("other")
app.config.update(SECRET_KEY="x" * 32, KAPA_HANDOFF_DATABASE_URI={uri!r}, KAPA_HANDOFF_DELIVERY="external")
KapaHandoff(app)
app.test_client().get("/handoff/form?offer=forged")
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True)
    assert recent_refusals(database) == {("offer_invalid", ""): 1}
    close(app)


def test_the_next_write_waits_for_the_one_under_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the check-up, which writes before it reads, would miss what another thread is writing just then."""
    counter = state_of(app).refusals
    entered, may_go_on, returned = threading.Event(), threading.Event(), threading.Event()
    store = refusals._store

    def store_slowly(connection: Any, counts: Any) -> None:
        entered.set()
        assert may_go_on.wait(30)
        store(connection, counts)

    monkeypatch.setattr(refusals, "_store", store_slowly)
    app.testing = True  # no thread but these
    counter.count("rate_limited", "email")
    first = threading.Thread(target=counter.write)

    def write_again() -> None:
        counter.write()
        returned.set()

    second = threading.Thread(target=write_again)
    first.start()
    assert entered.wait(30)
    second.start()
    assert not returned.wait(0.2)
    may_go_on.set()
    first.join()
    second.join()
    assert recent_refusals(state_of(app).database) == {("rate_limited", "email"): 1}
