"""The queue of tickets: one that is damaged, cut off or delayed does not block the others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import delete, update

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.signals import ticket_failed
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.tables import transcript
from flask_kapa_handoff.storage.tickets import Outcome, Status
from flask_kapa_handoff.testing import deliver
from tests.helpers.couriers import courier_of
from tests.helpers.offers import signed_offer
from tests.helpers.outboxes import attempts_of, claim, look_up, rewrite
from tests.helpers.scripted_smtp import Reply, ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.sites import file_of
from tests.helpers.tickets import send_ticket


@pytest.mark.parametrize("damage", ["no JSON", "no conversation", "gone"])
def test_unreadable_transcript_delays_nobody(
    make_app: Callable[..., Flask], mail_server: MailServer, damage: str
) -> None:
    """A ticket whose transcript cannot be read fails with the reason, and the next one is sent."""
    app = make_app(MAIL_PORT=mail_server.port)
    database = state_of(app).database
    bad, good = send_ticket(app.test_client()), send_ticket(app.test_client())
    which = transcript.c.ticket_id == look_up(database, bad).id
    with database.write() as connection:
        if damage == "gone":
            connection.execute(delete(transcript).where(which))
        else:
            text = "{" if damage == "no JSON" else '[{"question": 1}]'
            connection.execute(update(transcript).where(which).values(conversation=text))
    deliver(app)
    ticket = look_up(database, bad)
    assert ticket.status is Status.FAILED
    assert "conversation" in (ticket.last_error or "")
    assert [attempt.outcome for attempt in attempts_of(database, bad)] == [Outcome.FAILED]
    assert look_up(database, good).status is Status.DELIVERED


def test_odd_transcript_of_the_site_delays_nobody(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A site's own transcript that this package would not have taken from a browser does not stop the delivery."""
    handoff = KapaHandoff()

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        odd = QuestionAnswer("", "") if thread_id == "odd" else QuestionAnswer("Q", "A", id="x" * 300)
        return Conversation((QuestionAnswer("Question", "Answer"), odd))

    app = make_app(handoff=handoff, MAIL_PORT=mail_server.port)
    client = app.test_client()
    for thread in ("odd", "long"):
        send_ticket(client, offer=signed_offer(client, thread_id=thread), conversation=None)
    good = send_ticket(client, offer=signed_offer(client, thread_id=""))
    deliver(app)
    assert look_up(state_of(app).database, good).status is Status.DELIVERED


def test_no_transaction_while_smtp_talks(make_app: Callable[..., Flask]) -> None:
    """While the mail server thinks, the database can be written by others."""
    app = make_app()
    client = app.test_client()
    stored: list[str] = []

    def think(reply: str) -> Callable[[], str]:
        def answer() -> str:
            stored.append(send_ticket(client))
            return reply

        return answer

    script: dict[str, list[Reply]] = {
        "EHLO": [think("250 hello")],
        "RCPT": [think("250 ok")],
        "END": [think("250 taken")],
    }
    with ScriptedServer(script) as server:
        app.config["MAIL_PORT"] = server.port
        send_ticket(client)
        courier = courier_of(app)
        ticket = courier.deliver_next()
        courier.close()
    assert ticket is not None
    assert ticket.status is Status.DELIVERED
    assert len(stored) == 3


def test_ticket_that_is_cut_off_again_and_again_waits(database: Database, queue: Callable[[], str]) -> None:
    """The first cut-off delivery is repeated at once; after the second the ticket waits like a delayed one."""
    reference = queue()
    claim(database)
    for expected in (Status.SENDING, Status.QUEUED):
        with database.read() as connection:
            moment = database_now(connection)
        rewrite(database, reference, leased_until=moment - timedelta(seconds=1))
        outbox.claim(database, 30)
        assert look_up(database, reference).status is expected
    ticket = look_up(database, reference)
    assert ticket.next_attempt_at is not None
    assert ticket.next_attempt_at > ticket.created_at + timedelta(seconds=50)
    assert "more than once" in (ticket.last_error or "")


def test_postponed_tickets_do_not_delay_others(database: Database, queue: Callable[[], str]) -> None:
    """A claim gets the first ticket that can be sent now, past all that were cut off too often."""
    cut_off = [queue(), queue()]
    for _ in range(2):
        for reference in cut_off:
            outbox.claim(database, 30, reference=reference)
            with database.read() as connection:
                moment = database_now(connection)
            rewrite(database, reference, leased_until=moment - timedelta(seconds=1))
    due = queue()
    claimed = outbox.claim(database, 30)
    assert claimed is not None
    assert claimed.ticket.reference == due
    assert [look_up(database, reference).status for reference in cut_off] == [Status.QUEUED] * 2


def test_abandoned_ticket_does_not_wait_for_an_empty_queue(database: Database, queue: Callable[[], str]) -> None:
    """Whose lease has run out is next, however many tickets are due."""
    abandoned = queue()
    claim(database)
    queue()
    with database.read() as connection:
        moment = database_now(connection)
    rewrite(database, abandoned, leased_until=moment - timedelta(seconds=1))
    found = outbox.claim(database, 30)
    assert found is not None
    assert found.ticket.reference == abandoned


def test_ticket_that_is_cut_off_for_five_days_fails(
    app: Flask, database: Database, queue: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """The five days hold for abandoned deliveries as well, and the site hears of it."""
    reference, heard = queue(), []
    with database.read() as connection:
        moment = database_now(connection)
    rewrite(
        database,
        reference,
        status=Status.SENDING,
        attempts=40,
        queued_at=moment - timedelta(days=6),
        leased_until=moment - timedelta(seconds=1),
    )
    courier = courier_of(app)
    with ticket_failed.connected_to(lambda sender, ticket, error: heard.append((ticket.reference, error)), app):
        ended = courier.deliver_next()
        assert courier.deliver_next() is None
    ticket = look_up(database, reference)
    assert ended == ticket
    assert ticket.status is Status.FAILED
    assert heard == [(reference, ticket.last_error)]
    assert f"Ticket {reference} could not be delivered" in caplog.text


def test_send_again_goes_to_the_address_of_today(database: Database, queue: Callable[[], str]) -> None:
    """A ticket that failed for its address is sent to the corrected one."""
    reference = queue()
    outbox.fail(database, claim(database), "550 no such user")
    again = requeue.send_again(database, reference, "help@example.com")
    assert again is not None
    assert (again.status, again.recipient) == (Status.QUEUED, "help@example.com")


@pytest.mark.only("sqlite")
def test_accepted_mail_is_recorded_when_the_database_is_back(
    make_app: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server accepted the mail, the database was locked just then: it is written down later, not sent again."""
    monkeypatch.setattr("flask_kapa_handoff.storage.sqlite.BUSY_TIMEOUT", 0.2)
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    database = state_of(app).database
    lock = sqlite3.connect(file_of(app), isolation_level=None)

    def hold(sender: Flask, message: object) -> None:
        lock.execute("BEGIN IMMEDIATE")

    courier = courier_of(app)
    with email_dispatched.connected_to(hold, app), pytest.raises(Unavailable):
        courier.deliver_next()
    lock.execute("ROLLBACK")
    lock.close()
    assert courier.deliver_next() is None
    courier.close()
    assert look_up(database, reference).status is Status.DELIVERED
    assert len(mail_server.received) == 1
