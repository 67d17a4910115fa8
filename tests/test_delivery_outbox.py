"""The outbox: who has which ticket, and when it is next. The clock is moved by writing times into the rows."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import delete, update

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.signals import ticket_failed
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.models import ticket as ticket_table
from flask_kapa_handoff.storage.models import transcript
from flask_kapa_handoff.storage.records import Attempt, Outcome, Status, Ticket, find_attempts, find_ticket
from tests.helpers.offers import signed_offer
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

MANY = {
    "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000,
    "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000,
    "KAPA_HANDOFF_TICKETS_PER_HOUR": 1000,
}
TIMEOUT = 30
MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions["kapa_handoff"].database
    return found


@pytest.fixture
def queue(app: Flask) -> Callable[[], str]:
    """Stores a ticket; gives its reference."""
    return lambda: send_ticket(app.test_client())


def look_up(database: Database, reference: str) -> Ticket:
    with database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


def attempts_of(database: Database, reference: str) -> list[Attempt]:
    ticket = look_up(database, reference)
    with database.read() as connection:
        return find_attempts(connection, ticket.id)


def rewrite(database: Database, reference: str, **values: Any) -> None:
    """Write into a ticket's row; a timedelta is counted from the database's own time."""
    with database.write() as connection:
        moment = database_now(connection)
        absolute = {name: moment + value if isinstance(value, timedelta) else value for name, value in values.items()}
        connection.execute(update(ticket_table).where(ticket_table.c.reference == reference).values(**absolute))


def claim(database: Database, reference: str | None = None) -> outbox.Claim:
    claimed = outbox.claim(database, TIMEOUT, reference=reference)
    assert claimed is not None
    return claimed


# Claiming


def test_claim_takes_the_ticket(database: Database, queue: Callable[[], str]) -> None:
    """A claimed ticket is being sent, with a lease of the SMTP timeout and 30 seconds, and nobody else gets it."""
    reference = queue()
    claimed = claim(database)
    ticket = look_up(database, reference)
    (attempt,) = attempts_of(database, reference)
    assert (claimed.ticket.reference, claimed.number) == (reference, 1)
    assert (ticket.status, ticket.attempts) == (Status.SENDING, 1)
    assert ticket.leased_until == attempt.started_at + timedelta(seconds=TIMEOUT + 30)
    assert outbox.claim(database, TIMEOUT) is None
    assert outbox.claim(database, TIMEOUT, reference=reference) is None


def test_nothing_to_claim(database: Database, queue: Callable[[], str]) -> None:
    """What is delivered, failed or not due yet is not claimed."""
    for values in (
        {"status": Status.DELIVERED, "next_attempt_at": None},
        {"status": Status.FAILED, "next_attempt_at": None},
        {"next_attempt_at": MINUTE},
    ):
        rewrite(database, queue(), **values)
    assert outbox.claim(database, TIMEOUT) is None


def test_lease_that_ran_out_is_claimable(database: Database, queue: Callable[[], str]) -> None:
    """A ticket whose sender has vanished is taken over when the lease runs out, and not before."""
    reference = queue()
    claim(database)
    rewrite(database, reference, leased_until=timedelta(seconds=5))
    assert outbox.claim(database, TIMEOUT) is None
    rewrite(database, reference, leased_until=timedelta(seconds=-1))
    assert claim(database).number == 2
    assert [(attempt.number, attempt.outcome) for attempt in attempts_of(database, reference)] == [
        (1, None),
        (2, None),
    ]


def test_order(database: Database, queue: Callable[[], str]) -> None:
    """The ticket that has been due for longest comes first, the older one of two; abandoned ones before all others."""
    abandoned, late, early, first, second = (queue() for _ in range(5))
    rewrite(database, abandoned, status=Status.SENDING, leased_until=-60 * MINUTE, attempts=1)
    rewrite(database, late, next_attempt_at=-1 * MINUTE)
    rewrite(database, early, next_attempt_at=-5 * MINUTE)
    same = datetime(2024, 1, 1, tzinfo=timezone.utc)
    rewrite(database, second, next_attempt_at=same)
    rewrite(database, first, next_attempt_at=same)
    assert [claim(database).ticket.reference for _ in range(5)] == [abandoned, first, second, early, late]


def test_claim_by_reference(database: Database, queue: Callable[[], str]) -> None:
    """A ticket can be claimed by its reference, past older ones, if it is due itself."""
    first, second = queue(), queue()
    assert claim(database, second).ticket.reference == second
    rewrite(database, first, next_attempt_at=MINUTE)
    assert outbox.claim(database, TIMEOUT, reference=first) is None


def test_claim_is_exclusive_among_threads(make_app: Callable[..., Flask]) -> None:
    """Many threads that claim at once get each ticket once."""
    app = make_app(**MANY)
    database = app.extensions["kapa_handoff"].database
    references = [send_ticket(app.test_client()) for _ in range(24)]
    start = threading.Barrier(8)
    claimed: list[str] = []

    def take() -> None:
        start.wait()
        while (one := outbox.claim(database, TIMEOUT)) is not None:
            claimed.append(one.ticket.reference)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(references)


CLAIMING_PROCESS = """
import sys
from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.storage.engine import Database

database = Database(lambda: sys.argv[1])
outbox.seconds_until_due(database)
print("ready", flush=True)
sys.stdin.readline()
while (one := outbox.claim(database, 30)) is not None:
    print(one.ticket.reference, flush=True)
"""


def test_claim_is_exclusive_among_processes(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """Many processes that claim at once on one file get each ticket once."""
    uri = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    app = make_app(KAPA_HANDOFF_DATABASE_URI=uri, **MANY)
    references = [send_ticket(app.test_client()) for _ in range(24)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMING_PROCESS, uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [reference for process in processes for reference in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0] * 4
    assert sorted(claimed) == sorted(references)


# How a try ends


def test_complete(database: Database, queue: Callable[[], str]) -> None:
    """A delivered ticket has its time, no error, no lease, and an attempt with the server's words."""
    reference = queue()
    rewrite(database, reference, last_error="an earlier one")
    ticket = outbox.complete(database, claim(database), "250 taken")
    assert ticket == look_up(database, reference)
    assert (ticket.status, ticket.last_error) == (Status.DELIVERED, None)
    assert (ticket.leased_until, ticket.next_attempt_at) == (None, None)
    (attempt,) = attempts_of(database, reference)
    assert (attempt.number, attempt.outcome, attempt.detail) == (1, Outcome.DELIVERED, "250 taken")
    assert attempt.recipient == "support@example.com"
    assert attempt.finished_at == ticket.delivered_at
    assert attempt.started_at <= attempt.finished_at


def test_fail(database: Database, queue: Callable[[], str]) -> None:
    """A failed ticket keeps the reason and is not tried again."""
    reference = queue()
    outbox.fail(database, claim(database), "550 no")
    ticket = look_up(database, reference)
    assert (ticket.status, ticket.last_error) == (Status.FAILED, "550 no")
    assert (ticket.leased_until, ticket.next_attempt_at, ticket.delivered_at) == (None, None, None)
    assert outbox.claim(database, TIMEOUT) is None


def test_delays_grow(database: Database, queue: Callable[[], str]) -> None:
    """A delayed ticket waits 1, 2, 5, 15, 30 and 60 minutes, then an hour each time; each try is recorded."""
    reference = queue()
    waits = []
    for number in range(1, 10):
        outbox.delay(database, claim(database), f"450 try {number}")
        ticket, attempt = look_up(database, reference), attempts_of(database, reference)[-1]
        assert (ticket.status, ticket.attempts, ticket.leased_until) == (Status.QUEUED, number, None)
        assert ticket.next_attempt_at is not None
        assert attempt.finished_at is not None
        waits.append((ticket.next_attempt_at - attempt.finished_at) // MINUTE)
        assert outbox.claim(database, TIMEOUT) is None
        rewrite(database, reference, next_attempt_at=timedelta(0))
    assert waits == [1, 2, 5, 15, 30, 60, 60, 60, 60]
    outbox.complete(database, claim(database), "250 at last")
    attempts = attempts_of(database, reference)
    assert [attempt.number for attempt in attempts] == list(range(1, 11))
    assert [attempt.detail for attempt in attempts] == [
        *(f"450 try {number}" for number in range(1, 10)),
        "250 at last",
    ]
    assert [attempt.outcome for attempt in attempts] == [Outcome.DELAYED] * 9 + [Outcome.DELIVERED]


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(days=5) - 61 * MINUTE, Status.QUEUED),
        (timedelta(days=5) - 59 * MINUTE, Status.FAILED),
        (timedelta(days=30), Status.FAILED),
    ],
)
def test_five_days_are_enough(database: Database, queue: Callable[[], str], age: timedelta, status: Status) -> None:
    """A ticket that was tried for five days fails with the last error instead of waiting again."""
    reference = queue()
    rewrite(database, reference, attempts=100, queued_at=-age)
    ticket = outbox.delay(database, claim(database), "450 still busy")
    assert ticket is not None
    assert (ticket.status, ticket.last_error) == (status, "450 still busy")
    assert (ticket.next_attempt_at is None) == (status is Status.FAILED)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 15), (5, 30), (6, 60), (7, 60), (8, 60), (1000, 60)]
)
def test_next_attempt(attempts: int, minutes: int) -> None:
    """The waiting time depends on the number of tries alone."""
    moment = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)
    assert outbox.next_attempt(attempts, moment, moment) == moment + minutes * MINUTE


def test_next_attempt_ends() -> None:
    """The last try is made within five days, to the second."""
    queued_at = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)
    last = queued_at + timedelta(days=5) - 60 * MINUTE
    assert outbox.next_attempt(50, queued_at, last) == queued_at + timedelta(days=5)
    assert outbox.next_attempt(50, queued_at, last + timedelta(microseconds=1)) is None


@pytest.mark.parametrize("ending", [outbox.complete, outbox.delay, outbox.fail], ids=lambda ending: ending.__name__)
def test_late_owner_changes_nothing(
    database: Database, queue: Callable[[], str], ending: Callable[[Database, outbox.Claim, str], Ticket | None]
) -> None:
    """Whoever comes back after the lease ran out does not touch the ticket of the new owner, only the own attempt."""
    reference = queue()
    late = claim(database)
    rewrite(database, reference, leased_until=timedelta(seconds=-1))
    present = claim(database)
    before = look_up(database, reference)
    assert ending(database, late, "too late") is None
    assert look_up(database, reference) == before
    assert [attempt.detail for attempt in attempts_of(database, reference)] == ["too late", None]
    outbox.complete(database, present, "250 taken")
    after = look_up(database, reference)
    assert after.status is Status.DELIVERED
    assert ending(database, late, "much too late") is None
    assert look_up(database, reference) == after


def test_deleted_while_being_sent(database: Database, queue: Callable[[], str]) -> None:
    """A ticket that was erased while its mail was on the way stays erased."""
    queue()
    claimed = claim(database)
    with database.write() as connection:
        connection.execute(delete(ticket_table))
    assert outbox.complete(database, claimed, "250 taken") is None


# By hand


def test_failed_ticket_is_sent_again(database: Database, queue: Callable[[], str]) -> None:
    """A failed ticket that is sent again is due at once and has five more days."""
    reference = queue()
    rewrite(database, reference, queued_at=-timedelta(days=30))
    outbox.fail(database, claim(database), "550 no")
    ticket = requeue.send_again(database, reference)
    assert ticket is not None
    assert ticket.status is Status.QUEUED
    assert ticket.queued_at == ticket.next_attempt_at
    again = claim(database)
    assert (again.ticket.reference, again.number) == (reference, 2)
    delayed = outbox.delay(database, again, "450 busy")
    assert delayed is not None
    assert delayed.status is Status.QUEUED


def test_waiting_ticket_is_sent_now(database: Database, queue: Callable[[], str]) -> None:
    """A ticket that waits for its next try can be sent at once."""
    reference = queue()
    outbox.delay(database, claim(database), "450 busy")
    assert outbox.claim(database, TIMEOUT) is None
    requeue.send_again(database, reference)
    assert claim(database).ticket.reference == reference


def test_nothing_is_sent_twice_by_hand(database: Database, queue: Callable[[], str]) -> None:
    """A ticket that is being sent or was delivered is left alone, and an unknown reference is nothing."""
    reference = queue()
    claimed = claim(database)
    sending = look_up(database, reference)
    assert requeue.send_again(database, reference) == sending
    outbox.complete(database, claimed, "250 taken")
    delivered = look_up(database, reference)
    assert requeue.send_again(database, reference) == delivered
    assert outbox.claim(database, TIMEOUT) is None
    assert requeue.send_again(database, "T-NOSUCH") is None


# When there is something to do


def test_seconds_until_due(database: Database, queue: Callable[[], str]) -> None:
    """The next queued ticket's time, or the end of a lease, whichever comes first; never less than nothing."""
    assert outbox.seconds_until_due(database) is None
    first, second = queue(), queue()
    assert outbox.seconds_until_due(database) == 0.0
    rewrite(database, first, next_attempt_at=10 * MINUTE)
    rewrite(database, second, next_attempt_at=20 * MINUTE)
    assert outbox.seconds_until_due(database) == pytest.approx(600, abs=20)
    rewrite(database, second, status=Status.SENDING, leased_until=5 * MINUTE)
    assert outbox.seconds_until_due(database) == pytest.approx(300, abs=20)
    for reference in (first, second):
        rewrite(database, reference, status=Status.DELIVERED, next_attempt_at=None, leased_until=None)
    assert outbox.seconds_until_due(database) is None


# One bad ticket


@pytest.mark.parametrize("damage", ["no JSON", "no conversation", "gone"])
def test_unreadable_transcript_holds_up_nobody(
    make_app: Callable[..., Flask], mail_server: MailServer, damage: str
) -> None:
    """A ticket whose transcript cannot be read fails with the reason, and the next one is sent."""
    app = make_app(MAIL_PORT=mail_server.port)
    database = app.extensions["kapa_handoff"].database
    bad, good = send_ticket(app.test_client()), send_ticket(app.test_client())
    which = transcript.c.ticket_id == look_up(database, bad).id
    with database.write() as connection:
        if damage == "gone":
            connection.execute(delete(transcript).where(which))
        else:
            text = "{" if damage == "no JSON" else '[{"question": 1}]'
            connection.execute(update(transcript).where(which).values(conversation=text))
    deliver_all(app)
    ticket = look_up(database, bad)
    assert ticket.status is Status.FAILED
    assert "conversation" in (ticket.last_error or "")
    assert [attempt.outcome for attempt in attempts_of(database, bad)] == [Outcome.FAILED]
    assert look_up(database, good).status is Status.DELIVERED


def test_odd_transcript_of_the_site_holds_up_nobody(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
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
    deliver_all(app)
    assert look_up(app.extensions["kapa_handoff"].database, good).status is Status.DELIVERED


def deliver_all(app: Flask) -> None:
    courier = Courier(app, app.extensions["kapa_handoff"])
    try:
        while courier.deliver_next():
            pass
    finally:
        courier.close()


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

    script = {"EHLO": [think("250 hello")], "RCPT": [think("250 ok")], "END": [think("250 taken")]}
    with ScriptedServer(script) as server:
        app.config["MAIL_PORT"] = server.port
        send_ticket(client)
        courier = Courier(app, app.extensions["kapa_handoff"])
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


def test_tickets_that_are_made_to_wait_hold_up_no_other(database: Database, queue: Callable[[], str]) -> None:
    """Whoever looks for a ticket gets the first that can be sent now, past all that were cut off too often."""
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
    courier = Courier(app, app.extensions["kapa_handoff"])
    with ticket_failed.connected_to(lambda sender, ticket, error: heard.append((ticket.reference, error)), app):
        ended = courier.deliver_next()
        assert courier.deliver_next() is None
    ticket = look_up(database, reference)
    assert ended == ticket
    assert ticket.status is Status.FAILED
    assert heard == [(reference, ticket.last_error)]
    assert f"Ticket {reference} failed for good" in caplog.text


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
    """The server took the mail, the database was locked just then: it is written down later, not sent again."""
    monkeypatch.setattr("flask_kapa_handoff.storage.sqlite.BUSY_TIMEOUT", 0.2)
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    database = app.extensions["kapa_handoff"].database
    lock = sqlite3.connect(database.engine.url.database, isolation_level=None)

    def hold(sender: Flask, message: object) -> None:
        lock.execute("BEGIN IMMEDIATE")

    courier = Courier(app, app.extensions["kapa_handoff"])
    with email_dispatched.connected_to(hold, app), pytest.raises(Unavailable):
        courier.deliver_next()
    lock.execute("ROLLBACK")
    lock.close()
    assert courier.deliver_next() is None
    courier.close()
    assert look_up(database, reference).status is Status.DELIVERED
    assert len(mail_server.received) == 1
