"""A process is killed at each point between a claim and its end, one by one: what it leaves is always valid."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.delivery.reminders import Reminders
from flask_kapa_handoff.settings_api import Settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status, Ticket, find_ticket
from tests.faults import ledger
from tests.faults.limits import FAR_AWAY
from tests.faults.points import JSON, deliver_one, remind_one, submit_one
from tests.faults.site import Site, start
from tests.helpers import outboxes
from tests.helpers.pages import json_of
from tests.helpers.scripted_smtp import HANG_UP, ScriptedServer
from tests.helpers.tickets import send_ticket, ticket_fields

MOST_POINTS = 300


@dataclass(frozen=True)
class Way:
    """One way that a delivery can take.

    Arguments:
        statuses: the ticket's, when nothing was committed yet, after the first commit, and so on.
        script: what the mail server plays.
        cut_off: how many deliveries of the ticket were cut off before.
        doubles: whether the ticket goes out twice even if nothing is killed after the mail.
        extensions: what the mail server offers.
    """

    statuses: tuple[Status, ...]
    script: dict[str, str] = field(default_factory=dict)
    cut_off: int = 0
    doubles: bool = False
    extensions: tuple[str, ...] = ()


QUEUED, SENDING, DELIVERED, FAILED = Status.QUEUED, Status.SENDING, Status.DELIVERED, Status.FAILED
WAYS = {
    "delivered": Way((QUEUED, SENDING, DELIVERED)),
    "delivered, in one write": Way((QUEUED, SENDING, DELIVERED), extensions=("PIPELINING",)),
    "delayed": Way((QUEUED, SENDING, QUEUED), {"RCPT": "451 come back later"}),
    "refused": Way((QUEUED, SENDING, FAILED), {"RCPT": "550 nobody here"}),
    "unknown": Way((QUEUED, SENDING, QUEUED), {"END": HANG_UP}, doubles=True),
    "taken over": Way((SENDING, SENDING, DELIVERED), cut_off=1),
    "put back": Way((SENDING, QUEUED), cut_off=2),
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """The mail server."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def app(make_app: Callable[..., Flask], server: ScriptedServer) -> Flask:
    """A site without limits."""
    return make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, **FAR_AWAY)


@pytest.mark.parametrize("name", WAYS)
def test_a_delivery_that_is_killed(app: Flask, server: ScriptedServer, tmp_path: Path, name: str) -> None:
    """At whichever point it dies, the ticket's state is the committed one, and in the end it is delivered.

    There are two copies, of one name, if the mail was out and that was not committed yet.
    """
    way, database, journal = WAYS[name], state_of(app).database, tmp_path / "journal"
    server.extensions = list(way.extensions)
    seen: set[str] = set()
    for last in range(1, MOST_POINTS):
        reference = send_ticket(app.test_client())
        for _ in range(way.cut_off):
            assert outbox.claim(database, 1, reference=reference) is not None
            ledger.let_time_pass(database)
        server.script = {step: [reply] for step, reply in way.script.items()}
        exit_code = run(start(deliver_one, Site.of(app), journal, last, reference))
        server.wait_for(lambda: server.open == 0)
        server.script = {}

        passed = journal.read_text().splitlines()
        seen.update(passed)
        commits = passed.count("after COMMIT")
        assert ledger.find_faults(database) == [], passed
        ticket = find(database, reference)
        assert ticket.status is way.statuses[min(commits, len(way.statuses) - 1)], passed
        assert ticket.status is not DELIVERED or copies(server, reference), passed

        recover(app, reference)
        assert ledger.find_faults(database) == [], passed
        doubled = "after the mail" in passed and (commits < 2 or way.doubles)
        names = copies(server, reference)
        assert len(names) == (2 if doubled else 1), passed
        assert len(set(names)) == 1
        if exit_code == 0:
            break
        assert exit_code == -signal.SIGKILL
    else:
        pytest.fail(f"more than {MOST_POINTS} points")
    assert {"before SELECT", "after UPDATE", "before COMMIT"} <= seen
    assert "after the mail" in seen or way.statuses[-1] is not DELIVERED


def test_a_submit_that_is_killed(app: Flask, server: ScriptedServer, tmp_path: Path) -> None:
    """At whichever point it dies, all of the ticket is there or nothing; sent again, it is one ticket and one mail."""
    database, journal = state_of(app).database, tmp_path / "journal"
    client = app.test_client()
    seen: set[str] = set()
    for last in range(1, MOST_POINTS):
        fields = ticket_fields(client)
        exit_code = run(start(submit_one, Site.of(app), journal, last, fields))
        passed = journal.read_text().splitlines()
        seen.update(passed)
        assert ledger.find_faults(database) == [], passed
        stored = find_submission(database, fields["submission_id"])
        assert (stored is not None) == ("after COMMIT" in passed), passed

        answer = client.post("/handoff/tickets", data=fields, headers=JSON)
        assert answer.status_code == (201 if stored is None else 200)
        recover(app, json_of(answer)["reference"])
        assert len(copies(server, json_of(answer)["reference"])) == 1
        if exit_code == 0:
            break
        assert exit_code == -signal.SIGKILL
    else:
        pytest.fail(f"more than {MOST_POINTS} points")
    assert {"before INSERT", "after INSERT", "before COMMIT"} <= seen
    assert len(server.mails) == last


def test_a_reminder_that_is_killed(app: Flask, server: ScriptedServer, tmp_path: Path) -> None:
    """At whichever point it dies, the reminder is sent in the end: once more if it was out and that not committed."""
    state, journal = state_of(app), tmp_path / "journal"
    Settings(lambda: state).save(changed_by="test", take_link=True, reminder_email="boss@example.com")
    seen: set[str] = set()
    for last in range(1, MOST_POINTS):
        reference = send_ticket(app.test_client())
        recover(app, reference)
        outboxes.rewrite(state.database, reference, remind_at=-outboxes.MINUTE)
        exit_code = run(start(remind_one, Site.of(app), journal, last))
        server.wait_for(lambda: server.open == 0)

        passed = journal.read_text().splitlines()
        seen.update(passed)
        commits = passed.count("after COMMIT")
        assert ledger.find_faults(state.database) == [], passed
        ticket = find(state.database, reference)
        assert ticket.status is DELIVERED
        assert (ticket.reminded_at is not None) == (commits >= 2), passed

        if ticket.remind_at is not None:
            outboxes.rewrite(state.database, reference, remind_at=-outboxes.MINUTE)
        with app.app_context():
            Reminders(state).send_due()
        assert find(state.database, reference).reminded_at is not None, passed
        names = [name for name in copies(server, reference) if name.startswith("<reminder-")]
        assert len(names) == (2 if "after the mail" in passed and commits < 2 else 1), passed
        assert len(set(names)) == 1
        if exit_code == 0:
            break
        assert exit_code == -signal.SIGKILL
    else:
        pytest.fail(f"more than {MOST_POINTS} points")
    assert {"before UPDATE", "after COMMIT", "after the mail"} <= seen


def run(process: BaseProcess) -> int | None:
    """Wait for the end of a process; returns its exit code."""
    process.join(30)
    process.kill()
    process.join()
    return process.exitcode


def recover(app: Flask, reference: str) -> None:
    """Let time pass, then deliver with a working process."""
    state = state_of(app)
    courier = Courier(state)
    for _ in range(3):
        ledger.let_time_pass(state.database)
        if find(state.database, reference).status is FAILED:
            requeue.send_again(state.database, reference)
        courier.deliver_next(reference)
        if find(state.database, reference).status is DELIVERED:
            break
    courier.close()
    assert find(state.database, reference).status is DELIVERED


def find(database: Database, reference: str) -> Ticket:
    """The ticket as the database has it."""
    with database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


def find_submission(database: Database, submission_id: str) -> Ticket | None:
    """The ticket that a submission has opened."""
    with database.read() as connection:
        return find_ticket(connection, ticket_table.c.submission_id == UUID(submission_id))


def copies(server: ScriptedServer, reference: str) -> list[str]:
    """The ``Message-ID`` of each of the ticket's mails that the server has accepted."""
    mails = [mail for mail in list(server.mails) if f"X-Kapa-Handoff-Ticket: {reference}\r\n".encode() in mail]
    return [name for mail in mails for name in re.findall(r"^Message-ID: (.*?)\r$", mail.decode(), re.MULTILINE)]
