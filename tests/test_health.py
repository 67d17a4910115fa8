"""The delivery's health: in Python, and as JSON for monitors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from sqlalchemy import update

from flask_kapa_handoff import Health, KapaHandoff, health
from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.health import _HEALTH
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database, now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import find_ticket
from flask_kapa_handoff.testing import deliver
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket


@pytest.fixture
def app(make_app: Callable[..., Flask], mail_server: MailServer) -> Flask:
    """A site with a mail server and admin pages that are open to everyone."""
    handoff = KapaHandoff(admin_required=lambda view: view)
    return make_app(handoff=handoff, MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)


def database_of(app: Flask) -> Database:
    return state_of(app).database


def make_older(app: Flask, reference: str, age: timedelta) -> None:
    """Move the time back at which a ticket was queued."""
    with database_of(app).write() as connection:
        connection.execute(
            update(ticket_table)
            .where(ticket_table.c.reference == reference)
            .values(queued_at=now(connection) - age, created_at=now(connection) - age)
        )


def test_a_new_site_is_healthy(app: Flask) -> None:
    """Nothing waits, nothing has failed, nothing was delivered."""
    assert health(app) == Health(queued=0, oldest_queued_seconds=None, failed=0, last_delivered_at=None)


def test_each_number_counts_what_it_says(app: Flask, mail_server: MailServer) -> None:
    """A ticket that is being sent counts as queued; a delivered one sets the time of the last success."""
    client = app.test_client()
    mail_server.replies["RCPT"] = ["250 yes", "550 no such user"]
    for _ in range(2):
        send_ticket(client)
    deliver(app)
    being_sent = send_ticket(client)
    assert outbox.claim(database_of(app), 30, reference=being_sent)
    send_ticket(client)
    found = health(app)
    assert (found.queued, found.failed) == (2, 1)
    with database_of(app).read() as connection:
        delivered = find_ticket(connection, ticket_table.c.status == "delivered")
    assert delivered is not None
    assert found.last_delivered_at == delivered.delivered_at


def test_the_oldest_one_counts_also_while_it_is_being_sent(app: Flask) -> None:
    """How long the visitor has waited: neither a younger ticket nor one more attempt makes it less."""
    oldest = send_ticket(app.test_client())
    make_older(app, oldest, timedelta(hours=2))
    send_ticket(app.test_client())
    waited = health(app).oldest_queued_seconds
    assert waited is not None
    assert 7200 <= waited < 7300
    assert outbox.claim(database_of(app), 30, reference=oldest)
    waited = health(app).oldest_queued_seconds
    assert waited is not None
    assert waited >= 7200


def test_the_age_of_a_ticket_sent_again_starts_over(app: Flask, mail_server: MailServer) -> None:
    """A failed ticket that was queued again does not look as if nobody delivered."""
    reference = send_ticket(app.test_client())
    make_older(app, reference, timedelta(days=1))
    requeue.send_again(database_of(app), reference)
    waited = health(app).oldest_queued_seconds
    assert waited is not None
    assert waited < 3600


def test_a_monitor_gets_the_same_as_json(app: Flask, mail_server: MailServer) -> None:
    """JSON whatever is accepted, kept by nobody; the time has its offset."""
    send_ticket(app.test_client())
    deliver(app)
    send_ticket(app.test_client())
    answer = app.test_client().get("/handoff/admin/health", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = answer.get_json()
    assert set(document) == {
        "queued",
        "oldest_queued_seconds",
        "failed",
        "last_delivered_at",
        "held",
        "refused_last_hour",
        "refused_by_reason",
    }
    assert (document["queued"], document["failed"]) == (1, 0)
    assert 0 <= document["oldest_queued_seconds"] < 3600
    assert datetime.fromisoformat(document["last_delivered_at"]) == health(app).last_delivered_at


def test_the_sites_guard_protects_it(make_app: Callable[..., Flask]) -> None:
    """A visitor who is not an admin gets no information."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: lambda **values: abort(401)))
    assert app.test_client().get("/handoff/admin/health").status_code == 401


def test_an_unreachable_database_is_reported(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """A monitor gets a 503 with the usual error object, Python the exception."""
    broken = tmp_path / "broken.sqlite3"
    broken.write_text("this is no database, and long enough for SQLite to see that " * 20)
    handoff = KapaHandoff(admin_required=lambda view: view)
    app = make_app(handoff=handoff, KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{broken}")
    answer = app.test_client().get("/handoff/admin/health", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "unavailable"
    assert "couldn't save your ticket" not in answer.text
    assert answer.headers["Retry-After"]
    with pytest.raises(Unavailable):
        health(app)


def test_it_costs_the_same_with_a_big_table(tmp_path: Path) -> None:
    """All of it is in indexes; the table itself is not touched."""
    database = Database(lambda: f"sqlite:///{tmp_path / 'plan.sqlite3'}")
    with database.read() as connection:
        query = str(_HEALTH.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    database.close()
    looks = [line for line in plan if "kapa_handoff_ticket" in line]
    assert len(looks) == 5
    assert all("SEARCH" in line and "COVERING INDEX" in line for line in looks), plan
