"""Delivery by Celery: what the tasks do, and which failures they survive."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import delete

from flask_kapa_handoff import KapaHandoff, TryLater
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.engines import celery as delivery
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import delivery_attempt, transcript
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.celery_processes import Watch, celery_init_app_of, references, run_task
from tests.helpers.channels import Parrot
from tests.helpers.deliveries import look_up, rewrite
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket


def test_task_delivers_its_ticket_and_what_else_is_due(make_site: Callable[..., Flask]) -> None:
    """One connection serves the ticket of the message first, then all that are due; a retry waits for its time."""
    with ScriptedServer() as server:
        app = make_site(MAIL_PORT=server.port)
        sent = [send_ticket(app.test_client()) for _ in range(4)]
        rewrite(app, sent[3], next_attempt_at=timedelta(minutes=5))
        run_task(app, delivery.DELIVER, sent[1])
        mails = [mail.split(b"X-Kapa-Handoff-Ticket: ")[1].split(b"\r\n")[0].decode() for mail in server.mails]
        assert (server.connections, mails) == (1, [sent[1], sent[0], sent[2]])
        assert server.verbs()[-1] == "QUIT"
    assert look_up(app, sent[3]).status is Status.QUEUED


@pytest.mark.only("sqlite")
def test_the_mail_is_in_the_sites_language(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A task has no request, and the visitor's language is another one."""
    app = make_site(MAIL_PORT=mail_server.port, BABEL_DEFAULT_LOCALE="de")
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "ja"
    run_task(app, delivery.DELIVER, send_ticket(client))
    (mail,) = mail_server.received
    assert "Sprache: Japanisch" in mail.body("plain")
    assert "Hier um Hilfe gebeten" in mail.body("html")


def test_a_channel_of_the_site_is_used(make_site: Callable[..., Flask]) -> None:
    """Its tickets wait, and are tried again, as mails are."""
    parrot = Parrot(TryLater("it is asleep"))
    app = make_site(handoff=parrot.handoff(), KAPA_HANDOFF_CHANNEL="parrot")
    sent = send_ticket(app.test_client())
    run_task(app, delivery.DELIVER, sent)
    assert look_up(app, sent).last_error == "The Parrot did not accept it yet: it is asleep"
    parrot.ending = None
    rewrite(app, sent, next_attempt_at=timedelta(seconds=-1))
    run_task(app, delivery.SWEEP)
    assert look_up(app, sent).status is Status.DELIVERED
    assert [reference for reference, _ in parrot.sent] == [sent, sent]


def test_sweep_delivers_all_that_is_due(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """The sweep finds tickets without a message, retries whose time has come, and what a killed worker had in hand."""
    app = make_site(MAIL_PORT=mail_server.port)
    database = state_of(app).database
    lost, retried, in_hand = sent = [send_ticket(app.test_client()) for _ in range(3)]
    rewrite(app, retried, next_attempt_at=timedelta(seconds=-1))
    assert outbox.claim(database, 30, reference=in_hand)
    rewrite(app, in_hand, leased_until=timedelta(seconds=-1))
    run_task(app, delivery.SWEEP)
    assert sorted(references(mail_server)) == sorted(sent)
    assert [look_up(app, one).status for one in (lost, retried, in_hand)] == [Status.DELIVERED] * 3


def test_task_ends_in_bounded_time(
    make_site: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is due, a task takes no further ticket when its time is over."""
    app = make_site(MAIL_PORT=mail_server.port)
    sent = [send_ticket(app.test_client()) for _ in range(3)]
    monkeypatch.setattr(delivery, "BATCH_SECONDS", 0.0)
    run_task(app, delivery.DELIVER, sent[2])
    run_task(app, delivery.SWEEP)
    assert references(mail_server) == [sent[2]]


def test_doubled_message_sends_one_mail(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A message that comes twice finds nothing due the second time."""
    app = make_site(MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    for _ in range(3):
        run_task(app, delivery.DELIVER, reference)
    assert references(mail_server) == [reference]


def test_messages_of_unknown_and_erased_tickets_do_nothing(
    make_site: Callable[..., Flask], mail_server: MailServer
) -> None:
    """For an unknown reference, or one of a ticket that was erased meanwhile, the task ends without an error."""
    app = make_site(MAIL_PORT=mail_server.port)
    erased = send_ticket(app.test_client())
    ticket = look_up(app, erased)
    with state_of(app).database.write() as connection:
        for table in (delivery_attempt, transcript):
            connection.execute(delete(table).where(table.c.ticket_id == ticket.id))
        connection.execute(delete(ticket_table).where(ticket_table.c.id == ticket.id))
    for reference in (erased, "T-AAAAAA", "", "'; DROP TABLE kapa_handoff_ticket"):
        run_task(app, delivery.DELIVER, reference)
    assert mail_server.received == []


def test_task_without_a_database_ends_quietly(
    make_site: Callable[..., Flask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An unreachable database is logged once, and the task does not fail: the next sweep runs anyway."""
    path = tmp_path / "handoff.sqlite3"
    path.write_bytes(b"garbage " * 4096)
    app = make_site(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    run_task(app, delivery.SWEEP)
    assert caplog.text.count("The handoff database cannot be used") == 1
    assert "unexpected" not in caplog.text


@pytest.mark.only("sqlite")
def test_accepted_mail_is_recorded_before_the_task_ends(
    make_site: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server accepted the mail, the database was locked just then: the task waits to write that down."""
    monkeypatch.setattr("flask_kapa_handoff.storage.sqlite.BUSY_TIMEOUT", 0.2)
    app = make_site(MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    with closing(sqlite3.connect(f"{app.instance_path}/kapa_handoff.sqlite3", isolation_level=None)) as lock:
        watch = Watch(lambda text: lock.execute("ROLLBACK") if "cannot be used" in text else None)
        engine_log = logging.getLogger("flask_kapa_handoff.storage.engine")
        engine_log.addFilter(watch)
        try:
            with email_dispatched.connected_to(lambda sender, message: lock.execute("BEGIN IMMEDIATE"), app):
                run_task(app, delivery.SWEEP)
        finally:
            engine_log.removeFilter(watch)
    assert look_up(app, reference).status is Status.DELIVERED
    assert references(mail_server) == [reference]


@pytest.mark.only("sqlite")
def test_unexpected_error_ends_the_task_without_its_text(
    make_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log names an unexpected error without its text, which may contain an address."""
    app = make_site()

    def fails(*arguments: object, **options: object) -> None:
        raise ValueError("visitor@example.com is not a mailbox")

    monkeypatch.setattr(outbox, "claim", fails)
    run_task(app, delivery.SWEEP)
    assert "after an unexpected ValueError" in caplog.text
    assert "visitor@example.com" not in caplog.text


def test_time_limits_of_the_site_cut_off_no_mail(make_site: Callable[..., Flask]) -> None:
    """A site's limits are for its own tasks; ours lie beyond the longest mail that a task may end with."""
    limits = {"task_time_limit": 5, "task_soft_time_limit": 3}
    celery_app = make_site(CELERY={"broker_url": "memory://", **limits}).extensions["celery"]
    longest = delivery.BATCH_SECONDS + 30 + 2 * outbox.LEASE_MARGIN.total_seconds()
    for name in (delivery.DELIVER, delivery.SWEEP):
        task = celery_app.tasks[name]
        assert task.time_limit == task.soft_time_limit > longest


def test_two_apps_in_one_process_deliver_their_own(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The tasks of each app's Celery app know that app's tickets alone."""
    apps = []
    for name in ("one", "two"):
        app = make_app(name=name, mount=False, KAPA_HANDOFF_DELIVERY="celery", MAIL_PORT=mail_server.port)
        celery_init_app_of(app)
        KapaHandoff(app)
        apps.append((app, send_ticket(app.test_client())))
    for app, reference in reversed(apps):
        run_task(app, delivery.SWEEP)
        assert references(mail_server)[-1] == reference
    assert len(mail_server.received) == 2
