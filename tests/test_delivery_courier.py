"""The courier when the mail server cannot be reached: it pauses, and once the server is back nothing waits long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from flask_kapa_handoff.delivery import channels
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.signals import ticket_delivered
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database, now
from flask_kapa_handoff.storage.tables import delivery_attempt
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status, Ticket
from tests.helpers.couriers import Clock, courier_of
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket

MANY = {f"KAPA_HANDOFF_TICKETS_PER_{name}_PER_HOUR": 1000 for name in ("CLIENT", "EMAIL")}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app whose mail server does not run yet."""
    return make_app(MAIL_PORT=free_port(), **MANY)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the channels' pauses."""
    return Clock(monkeypatch)


@pytest.fixture
def courier(app: Flask) -> Courier:
    return courier_of(app)


def database_of(app: Flask) -> Database:
    return state_of(app).database


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does without a signal."""
    deadline, pause = time.monotonic() + 30, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        pause.wait(0.02)


def references(server: MailServer) -> list[str]:
    return [mail.message["X-Kapa-Handoff-Ticket"] for mail in server.received]


def test_a_courier_pauses_after_three_failed_attempts(app: Flask, courier: Courier, clock: Clock) -> None:
    """Then longer and longer, up to half a minute: each attempt costs one ticket's, not the whole queue's."""
    pauses = []
    for _ in range(8):
        send_ticket(app.test_client())
        assert courier.deliver_next() is not None
        pauses.append(round(courier.pause))
        if courier.pause:
            assert courier.deliver_next() is None  # as long as it pauses
            assert 0 < (courier.seconds_until_due() or 0) <= pauses[-1]
        clock.pass_by(courier.pause)
    assert pauses == [0, 0, 5, 10, 20, 30, 30, 30]


def test_a_refused_ticket_causes_no_pause(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A server that replies can be reached, whatever its reply."""
    app = make_app(MAIL_PORT=mail_server.port, **MANY)
    courier = courier_of(app)
    mail_server.replies["RCPT"] = ["451 later", "550 never"] * 3
    for _ in range(6):
        send_ticket(app.test_client())
        courier.deliver_next()
        assert courier.pause == 0
    courier.close()


def test_a_queue_drains_in_order_once_the_server_is_back(app: Flask, courier: Courier, clock: Clock) -> None:
    """The first mail that is taken makes all due that waited for the server, the oldest first, over one connection."""
    waiting = [send_ticket(app.test_client()) for _ in range(4)]
    for _ in waiting:
        assert courier.deliver_next()
        clock.pass_by(courier.pause)
    assert courier.deliver_next() is None
    fresh = send_ticket(app.test_client())
    server = MailServer(app.config["MAIL_PORT"]).start()
    try:
        while courier.deliver_next():
            pass
        assert references(server) == [fresh, *waiting]
        assert server.connections == 1
        assert courier.pause == 0
    finally:
        courier.close()
        server.stop()


def test_a_ticket_that_the_server_postponed_is_not_hurried(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """A ticket that the server itself has put off keeps its waiting time."""
    app = make_app(MAIL_PORT=mail_server.port, **MANY)
    mail_server.replies["RCPT"] = ["451 4.7.1 greylisted, come back in a minute"]
    later, now_ = (send_ticket(app.test_client()) for _ in range(2))
    courier = courier_of(app)
    while courier.deliver_next():
        pass
    courier.close()
    assert references(mail_server) == [now_]
    with database_of(app).read() as connection:
        row = connection.execute(select(ticket_table).where(ticket_table.c.reference == later)).one()
        assert row.status == Status.QUEUED
        assert row.next_attempt_at > now(connection)


def test_a_ticket_that_was_reached_since_is_not_hurried(app: Flask, courier: Courier) -> None:
    """It is the last attempt that counts: out of reach once, put off since."""
    reference = send_ticket(app.test_client())
    courier.deliver_next()
    server = MailServer(app.config["MAIL_PORT"]).start()
    server.replies["RCPT"] = ["451 later"]
    try:
        with database_of(app).write() as connection:
            connection.execute(update(ticket_table).values(next_attempt_at=now(connection)))
        courier.deliver_next()
        other = send_ticket(app.test_client())
        while courier.deliver_next():
            pass
        assert references(server) == [other]
        assert reference != other
    finally:
        courier.close()
        server.stop()


def test_a_delivered_ticket_is_reported_whatever_becomes_of_the_others(app: Flask, courier: Courier) -> None:
    """The look for tickets that waited fails: receivers hear of the mail, and the next one looks again."""
    waiting = send_ticket(app.test_client())
    courier.deliver_next()
    fresh = [send_ticket(app.test_client()) for _ in range(2)]
    heard: list[str] = []
    engine = database_of(app).engine

    def fail(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("SELECT") and "EXISTS" in statement:
            raise RuntimeError("the database has gone away")

    def hear(sender: Flask, ticket: Ticket) -> None:
        heard.append(ticket.reference)

    server = MailServer(app.config["MAIL_PORT"]).start()
    try:
        with ticket_delivered.connected_to(hear, app):
            event.listen(engine, "before_cursor_execute", fail)
            with pytest.raises(RuntimeError):
                courier.deliver_next()
            event.remove(engine, "before_cursor_execute", fail)
            while courier.deliver_next():
                pass
    finally:
        courier.close()
        server.stop()
    assert heard == [*fresh, waiting]


def test_threads_pause_while_the_server_cannot_be_reached(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the third and the fourth attempt there is a pause, although further tickets are due."""
    monkeypatch.setattr(channels, "PAUSES", (0.5,))
    app = make_app(MAIL_PORT=free_port(), KAPA_HANDOFF_DELIVERY="thread", KAPA_HANDOFF_SMTP_CONNECTIONS=1, **MANY)
    state = state_of(app)
    for _ in range(5):
        with app.app_context():
            send_ticket(app.test_client())
    attempts = select(delivery_attempt.c.started_at).order_by(delivery_attempt.c.id)

    def started() -> list[datetime]:
        with state.database.read() as connection:
            return list(connection.execute(attempts).scalars())

    wait_until(lambda: len(started()) >= 4)
    state.delivery.stop()
    third, fourth = started()[2:4]
    assert fourth - third >= timedelta(seconds=0.4)


@pytest.mark.only("sqlite")
def test_the_log_of_the_file_is_tidied_up_by_those_who_deliver(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """After a delivery has emptied the queue, nothing of the log is left to be copied by a visitor's commit."""
    app = make_app(MAIL_PORT=mail_server.port, KAPA_HANDOFF_DELIVERY="thread")
    state = state_of(app)
    log = Path(app.instance_path) / "kapa_handoff.sqlite3-wal"
    file = Path(app.instance_path) / "kapa_handoff.sqlite3"
    send_ticket(app.test_client())
    mail_server.wait_for(1)
    before = file.stat().st_mtime_ns
    assert log.stat().st_size > 0
    send_ticket(app.test_client())
    mail_server.wait_for(2)
    wait_until(lambda: file.stat().st_mtime_ns != before)
    state.delivery.stop()


@pytest.mark.only("sqlite")
def test_commits_leave_the_log_alone(app: Flask) -> None:
    """A visitor does not wait while others' pages are copied, unless nobody delivers for a very long time."""
    with database_of(app).read() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one() == 16_000
