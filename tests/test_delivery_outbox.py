"""The outbox: who has which ticket, and when it is next. The clock is moved by writing times into the rows."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete

from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Outcome, Status, Ticket
from tests.helpers.outboxes import MINUTE, TIMEOUT, attempts_of, claim, look_up, rewrite
from tests.helpers.tickets import send_ticket

MANY = {
    "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000,
    "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000,
    "KAPA_HANDOFF_TICKETS_PER_HOUR": 1000,
}


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
    database = state_of(app).database
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


# How an attempt ends


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
    assert attempt.finished_at is not None
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
    """A delayed ticket waits 1, 2, 5, 15, 30 and 60 minutes, then an hour each time; each attempt is recorded."""
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
    """The waiting time depends on the number of attempts alone."""
    moment = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)
    assert outbox.next_attempt(attempts, moment, moment) == moment + minutes * MINUTE


def test_next_attempt_ends() -> None:
    """The last attempt is made within five days, to the second."""
    queued_at = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)
    last = queued_at + timedelta(days=5) - 60 * MINUTE
    assert outbox.next_attempt(50, queued_at, last) == queued_at + timedelta(days=5)
    assert outbox.next_attempt(50, queued_at, last + timedelta(microseconds=1)) is None


@pytest.mark.parametrize("ending", [outbox.complete, outbox.delay, outbox.fail], ids=lambda ending: ending.__name__)
def test_every_text_can_be_recorded(
    database: Database, queue: Callable[[], str], ending: Callable[[Database, outbox.Claim, str], Ticket | None]
) -> None:
    """A ticket whose end could not be recorded would be sent again. PostgreSQL takes no NUL; none takes surrogates."""
    reference = queue()
    assert ending(database, claim(database), "no\0thing\ud800") is not None
    assert attempts_of(database, reference)[0].detail == "nothing\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("ending", [outbox.complete, outbox.delay, outbox.fail], ids=lambda ending: ending.__name__)
def test_late_owner_changes_nothing(
    database: Database, queue: Callable[[], str], ending: Callable[[Database, outbox.Claim, str], Ticket | None]
) -> None:
    """A delivery that ends after its lease ran out changes only its own attempt, not the new owner's ticket."""
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
    """A ticket that waits for its next attempt can be sent at once."""
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
