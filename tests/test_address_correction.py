"""Correcting a ticket's address: it is changed while it cannot have been delivered, else a further one follows."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, update

from flask_kapa_handoff import KapaHandoff, testing
from flask_kapa_handoff.address_correction import correct_address
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.errors import Conflict, RateLimited
from flask_kapa_handoff.quotas import Keys, keys_of
from flask_kapa_handoff.receipts import ReceiptInvalid
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import delivery_attempt, transcript
from flask_kapa_handoff.storage.tickets import Outcome, Status, Ticket
from tests.helpers.deliveries import Gate
from tests.helpers.mails import body, read
from tests.helpers.outboxes import TIMEOUT, claim, look_up, rewrite
from tests.helpers.tickets import send_ticket

WRONG, RIGHT = "ada@gmial.com", "Ada@gmail.com"
MANY = {
    "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000,
    "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000,
    "KAPA_HANDOFF_TICKETS_PER_HOUR": 1000,
}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app whose mails a test reads."""
    return make_app(MAIL_SUPPRESS_SEND=True)


def sent(app: Flask, **fields: Any) -> Ticket:
    return look_up(state_of(app).database, send_ticket(app.test_client(), **{"email": WRONG, **fields}))


def keys(app: Flask, email: str = RIGHT, address: str = "127.0.0.1") -> Keys:
    return keys_of(address, email, state_of(app).secret)


def correct(app: Flask, ticket: Ticket, email: str = RIGHT, **where: str) -> tuple[Ticket, bool]:
    state = state_of(app)
    return correct_address(state.database, state.config, ticket.id, email, keys(app, email, **where))


def end_attempt(database: Database, ticket: Ticket, outcome: str | None, status: Status = Status.QUEUED) -> None:
    """An attempt that ended so; the ticket waits again, or has this status."""
    claim(database, ticket.reference)
    rewrite(database, ticket.reference, status=status, leased_until=None)
    with database.write() as connection:
        connection.execute(update(delivery_attempt).values(outcome=outcome))


def test_a_waiting_ticket_gets_the_right_address(app: Flask) -> None:
    """With everything that comes from it; the one mail names it, and the rest of the ticket is as it was."""
    before = sent(app)
    ticket, is_new = correct(app, before)
    assert not is_new
    after = look_up(state_of(app).database, before.reference)
    assert ticket == after
    assert after.corrected_at is not None
    changed = {name for name, value in vars(after).items() if value != getattr(before, name)}
    assert changed == {"visitor_email", "email_key", "mailbox_key", "corrected_at"}
    assert (after.visitor_email, after.email_key) == (RIGHT, RIGHT.lower())
    assert after.mailbox_key == keys(app).mailbox_key
    with testing.record_mails(app) as mails:
        testing.deliver(app)
    assert [mail["Reply-To"] for mail in mails] == [RIGHT]


NOT_SENT: list[tuple[Outcome | None, Status]] = [
    (None, Status.HELD),
    (Outcome.UNREACHABLE, Status.QUEUED),
    (Outcome.DELAYED, Status.QUEUED),
    (Outcome.FAILED, Status.FAILED),
    (Outcome.SUPPRESSED, Status.SUPPRESSED),
]


@pytest.mark.parametrize(("outcome", "status"), NOT_SENT)
def test_a_ticket_that_cannot_have_been_delivered_is_changed(
    app: Flask, outcome: Outcome | None, status: Status
) -> None:
    """Whatever it waits for."""
    ticket, database = sent(app), state_of(app).database
    if outcome is None:
        rewrite(database, ticket.reference, status=status)
    else:
        end_attempt(database, ticket, outcome, status)
    corrected, is_new = correct(app, ticket)
    assert (corrected.reference, corrected.visitor_email, is_new) == (ticket.reference, RIGHT, False)
    assert look_up(database, ticket.reference).status is status


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, None, "later", Outcome.DELIVERED])
def test_a_ticket_that_may_have_been_delivered_stays_and_another_follows(app: Flask, outcome: str | None) -> None:
    """The server's reply was lost, or the process died: the agent may already have the wrong address."""
    ticket, database = sent(app), state_of(app).database
    end_attempt(database, ticket, outcome, Status.DELIVERED if outcome is Outcome.DELIVERED else Status.QUEUED)
    further, is_new = correct(app, ticket)
    assert is_new
    assert further.reference != ticket.reference
    assert look_up(database, ticket.reference).visitor_email == WRONG


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("outcome", "is_further"), [(Outcome.UNREACHABLE, False), (Outcome.DELAYED, True)])
def test_a_channel_of_the_sites_own_may_have_sent_what_it_calls_delayed(
    make_app: Callable[..., Flask], outcome: Outcome, is_further: bool
) -> None:
    """It may have raised after its helpdesk took the ticket."""
    handoff = KapaHandoff()
    handoff.channel("desk", label="Desk")(lambda ticket, conversation: None)
    app = make_app(handoff=handoff, KAPA_HANDOFF_CHANNEL="desk")
    ticket = sent(app)
    end_attempt(state_of(app).database, ticket, outcome)
    assert correct(app, ticket)[1] is is_further


def test_the_further_ticket_says_what_it_corrects(app: Flask) -> None:
    """The whole transcript and note, in the same thread, with the right address to reply to."""
    ticket = sent(app, note="Please help.")
    with testing.record_mails(app) as mails:
        testing.deliver(app)
        further, _ = correct(app, ticket)
        testing.deliver(app)
    stored = look_up(state_of(app).database, further.reference)
    assert stored == further.__class__(**{**vars(further), **{name: getattr(stored, name) for name in DELIVERED}})
    assert testing.conversation_of(app, stored) == testing.conversation_of(app, ticket)
    assert (stored.note, stored.follows, stored.earlier_pairs) == ("Please help.", ticket.id, ticket.pairs)
    assert dict(stored.fields) == {"corrects": ticket.reference}
    first, second = mails
    assert (first["Reply-To"], second["Reply-To"]) == (WRONG, RIGHT)
    assert second["In-Reply-To"] == first["Message-ID"]
    text = body(bytes(second), "plain")
    assert f"Corrects the address of: | {ticket.reference}" in " ".join(text.split())
    assert "Please help." in text
    assert read(bytes(second))["X-Kapa-Handoff-Ticket"] == further.reference


DELIVERED = ("status", "attempts", "next_attempt_at", "delivered_at")


@pytest.mark.parametrize("is_delivered", [False, True])
def test_it_is_corrected_once(app: Flask, is_delivered: bool) -> None:
    """Pressing twice is one correction, even if it is delivered meanwhile; another address is refused."""
    ticket = sent(app)
    if is_delivered:
        testing.deliver(app)
    first, is_new = correct(app, ticket)
    assert is_new is is_delivered
    for _ in range(2):
        again, is_new = correct(app, ticket)
        assert (again.id, is_new) == (first.id, False)
        with pytest.raises(Conflict, match="already corrected"):
            correct(app, ticket, "eve@example.com")
        testing.deliver(app)
    assert len(testing.tickets(app)) == 1 + is_delivered


def test_the_same_address_changes_nothing(app: Flask) -> None:
    """It can still be corrected then."""
    ticket = sent(app)
    assert correct(app, ticket, WRONG) == (ticket, False)
    assert correct(app, ticket)[0].visitor_email == RIGHT


def test_what_is_no_longer_stored_cannot_be_corrected(app: Flask) -> None:
    """Erased, or without its conversation."""
    ticket = sent(app)
    testing.deliver(app)
    with state_of(app).database.write() as connection:
        connection.execute(delete(transcript))
    for gone in (ticket, Ticket(**{**vars(ticket), "id": uuid.uuid4()})):
        with pytest.raises(ReceiptInvalid):
            correct(app, gone)


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_changed_ticket_counts_for_its_new_address_alone(make_app: Callable[..., Flask]) -> None:
    """It is counted for its client already; but nobody fills up another's address by correcting."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=3, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    first, second, _ = sent(app), sent(app, email="eve@example.com"), sent(app, email="bob@example.com")
    assert correct(app, first)[0].visitor_email == RIGHT
    with pytest.raises(RateLimited, match="this email address"):
        correct(app, second)
    assert look_up(state_of(app).database, second.reference).visitor_email == "eve@example.com"
    assert correct(app, second, WRONG)[0].visitor_email == WRONG


def test_a_further_ticket_counts_as_any_other(make_app: Callable[..., Flask]) -> None:
    """Refused beyond a client's limit, held beyond the site's."""
    app = make_app(
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1, KAPA_HANDOFF_TICKETS_PER_HOUR=1, MAIL_SUPPRESS_SEND=True
    )
    ticket = sent(app)
    testing.deliver(app)
    with pytest.raises(RateLimited):
        correct(app, ticket)
    further, is_new = correct(app, ticket, address="203.0.113.9")
    assert (further.status, is_new) == (Status.HELD, True)


# --- together with a courier -----------------------------------------------------------------------------------------


def pausing(database: Database, part: str) -> Gate:
    """Pauses the first transaction that has executed a statement with this part."""
    gate = Gate()

    def pause(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if part in statement and not gate.reached.is_set():
            gate()

    event.listen(database.engine, "after_cursor_execute", pause)
    return gate


class Running(threading.Thread):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self._call = call
        self.start()

    def run(self) -> None:
        self.value = self._call()

    def result(self) -> Any:
        self.join(60)
        return self.value


def test_a_courier_that_comes_during_the_correction_takes_the_right_address(app: Flask) -> None:
    """PostgreSQL's leaves the locked ticket for later; SQLite's waits."""
    ticket, database = sent(app), state_of(app).database
    assert outbox.seconds_until_due(database) == 0
    gate = pausing(database, "corrected_at=")
    correction = Running(lambda: correct(app, ticket))
    gate.wait()
    courier = Running(lambda: outbox.claim(database, TIMEOUT))
    if database.engine.dialect.name == "postgresql":
        assert courier.result() is None
    gate.opened.set()
    assert correction.result()[1] is False
    taken = courier.result() or claim(database)
    assert taken.ticket.visitor_email == RIGHT
    assert len(testing.tickets(app)) == 1


def test_a_correction_during_a_claim_makes_a_further_ticket(app: Flask) -> None:
    """The courier has the wrong address in its hands, so the right one comes in a mail of its own."""
    ticket, database = sent(app), state_of(app).database
    gate = pausing(database, "INSERT INTO kapa_handoff_delivery_attempt")
    courier = Running(lambda: outbox.claim(database, TIMEOUT))
    gate.wait()
    correction = Running(lambda: correct(app, ticket))
    gate.opened.set()
    assert courier.result().ticket.visitor_email == WRONG
    further, is_new = correction.result()
    assert (is_new, further.visitor_email) == (True, RIGHT)
    assert look_up(database, ticket.reference).visitor_email == WRONG
    assert claim(database).ticket.reference == further.reference


def test_of_many_at_once_each_goes_out_with_the_right_address_last(make_app: Callable[..., Flask]) -> None:
    """Four couriers and four visitors' threads: no ticket is lost, or claimed twice, and each correction arrives."""
    app = make_app(**MANY)
    database = state_of(app).database
    tickets = [sent(app) for _ in range(24)]
    start = threading.Barrier(8)
    claimed: list[Ticket] = []

    def deliver() -> None:
        start.wait()
        while (one := outbox.claim(database, TIMEOUT)) is not None:
            claimed.append(one.ticket)

    def visitors(mine: list[Ticket]) -> list[Ticket]:
        start.wait()
        return [correct(app, ticket)[0] for ticket in mine]

    running = [Running(deliver) for _ in range(4)]
    corrections = [Running(partial(visitors, tickets[at::4])) for at in range(4)]
    corrected = {one.id: one for correction in corrections for one in correction.result()}
    for courier in running:
        courier.result()
    while (one := outbox.claim(database, TIMEOUT)) is not None:
        claimed.append(one.ticket)
    ids = [ticket.id for ticket in claimed]
    assert len(ids) == len(set(ids))
    assert set(ids) == {ticket.id for ticket in testing.tickets(app)}
    assert len(corrected) == len(tickets)
    for ticket in claimed:
        if ticket.id in corrected:
            assert ticket.visitor_email == RIGHT
        else:
            assert ticket.visitor_email == WRONG
            assert ticket.id in {one.follows for one in corrected.values()}
