"""A channel of the site beside mail: the outbox, the courier and the engines treat both alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, Refused, TryLater
from flask_kapa_handoff.delivery import channels, outbox
from flask_kapa_handoff.delivery.sample import SampleAttempt, send_sample
from flask_kapa_handoff.hooks import RegisteredChannel
from flask_kapa_handoff.signals import ticket_delivered, ticket_failed
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Outcome, Status, Ticket
from tests.helpers.channels import Parrot
from tests.helpers.commands import invoke
from tests.helpers.couriers import Clock, courier_of, deliver, ticket_and_attempts
from tests.helpers.deliveries import watching
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

WithParrot = Callable[..., tuple[Flask, Parrot]]


class OwnError(TryLater):
    """A site's own, which forgets to call the class that it extends."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __str__(self) -> str:
        return self.why


class SilentError(Exception):
    """An error whose words cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.fixture
def with_parrot(make_app: Callable[..., Flask]) -> WithParrot:
    """Builds a site that sends its tickets by its own channel."""

    def build(ending: object = None, **config: Any) -> tuple[Flask, Parrot]:
        parrot = Parrot(ending)
        return make_app(handoff=parrot.handoff(), **{"KAPA_HANDOFF_CHANNEL": "parrot", **config}), parrot

    return build


def deliver_one(app: Flask) -> Ticket:
    send_ticket(app.test_client())
    return deliver(app)


@pytest.mark.parametrize(
    ("ending", "status", "outcome", "detail"),
    [
        (None, Status.DELIVERED, Outcome.DELIVERED, ""),
        (TryLater("busy"), Status.QUEUED, Outcome.DELAYED, "The Parrot did not accept it yet: busy"),
        (TryLater(), Status.QUEUED, Outcome.DELAYED, "The Parrot did not accept it yet."),
        (OwnError("busy"), Status.QUEUED, Outcome.DELAYED, "The Parrot did not accept it yet: busy"),
        (Refused("no such cage"), Status.FAILED, Outcome.FAILED, "The Parrot did not accept it: no such cage"),
        (
            Refused("no\x00such\n\ud800cage" + "!" * 1000),
            Status.FAILED,
            Outcome.FAILED,
            "The Parrot did not accept it: nosuch �cage" + "!" * 488,
        ),
        (
            ZeroDivisionError("oops\x00"),
            Status.QUEUED,
            Outcome.DELAYED,
            "The site's code for The Parrot raised ZeroDivisionError: oops",
        ),
        (
            False,
            Status.FAILED,
            Outcome.FAILED,
            "The site's code for The Parrot returned bool, not None",
        ),
    ],
    ids=[
        "delivered",
        "later",
        "later, without a word",
        "subclass",
        "refused",
        "no database stores this",
        "raises",
        "returns",
    ],
)
def test_each_outcome_is_recorded(
    with_parrot: WithParrot, ending: object, status: Status, outcome: Outcome, detail: str
) -> None:
    """Whatever the function returns or raises, the ticket and its attempt record it, and where the ticket went."""
    app, parrot = with_parrot(ending)
    reference = send_ticket(app.test_client())
    deliver(app)
    ticket, (attempt,) = ticket_and_attempts(app, reference)
    assert parrot.sent == [(reference, "How do I rotate a key?")]
    assert (ticket.status, attempt.outcome, attempt.detail) == (status, outcome, detail)
    assert ticket.last_error == (None if status is Status.DELIVERED else detail)
    assert (attempt.recipient, ticket.recipient) == ("The Parrot", "support@example.com")


@pytest.mark.parametrize(("seconds", "wait"), [(None, 60.0), (300, 300.0), (0.5, 1.0), (0, 1.0), (-5, 1.0)])
def test_a_channel_may_say_how_long_to_wait(with_parrot: WithParrot, seconds: float | None, wait: float) -> None:
    """``TryLater(seconds=…)`` takes the place of the usual wait, such as that of a Retry-After."""
    app, _ = with_parrot(TryLater("slow down", seconds=seconds))
    reference = send_ticket(app.test_client())
    deliver(app)
    ticket, (attempt,) = ticket_and_attempts(app, reference)
    assert attempt.finished_at is not None
    assert ticket.next_attempt_at == attempt.finished_at + timedelta(seconds=wait)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("seconds", [outbox.GIVE_UP_AFTER.total_seconds() + 60, 1e300])
def test_no_wait_exceeds_the_five_days(with_parrot: WithParrot, seconds: float) -> None:
    """A channel that asks for more time than the ticket has left does not get it: the ticket fails, visibly."""
    app, _ = with_parrot(TryLater("come back next year", seconds=seconds))
    assert deliver_one(app).status is Status.FAILED


@pytest.mark.parametrize(("seconds", "error"), [("30", TypeError), (float("nan"), ValueError), (1e999, ValueError)])
def test_a_wait_that_is_no_number_of_seconds_is_refused_at_once(seconds: Any, error: type[Exception]) -> None:
    """A Retry-After is text, and may be a date: the error is raised where the site's code can see it."""
    with pytest.raises(error, match="TryLater: seconds must be"):
        TryLater("slow down", seconds=seconds)


def test_a_ticket_is_retried_sent_again_and_reported_like_a_mail(with_parrot: WithParrot) -> None:
    """Attempts, the statuses and the signals are the outbox's; by hand, a failed ticket goes by the channel again."""
    app, parrot = with_parrot(TryLater("busy", seconds=1))
    told: list[tuple[str, str]] = []

    def delivered(sender: Flask, ticket: Ticket) -> None:
        told.append(("delivered", ticket.reference))

    def failed(sender: Flask, ticket: Ticket, error: str) -> None:
        told.append(("failed", error))

    with ticket_delivered.connected_to(delivered, app), ticket_failed.connected_to(failed, app):
        reference = send_ticket(app.test_client())
        deliver(app)
        invoke(app, "retry", reference)
        parrot.ending = Refused("no such cage")
        assert deliver(app).status is Status.FAILED
        invoke(app, "retry", "--failed")
        parrot.ending = None
        assert deliver(app).status is Status.DELIVERED
    assert told == [("failed", "The Parrot did not accept it: no such cage"), ("delivered", reference)]
    _, attempts = ticket_and_attempts(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.DELAYED, Outcome.FAILED, Outcome.DELIVERED]
    assert [one for one, _ in parrot.sent] == [reference] * 3


def test_the_channel_is_chosen_when_a_ticket_is_sent(
    make_app: Callable[..., Flask], with_parrot: WithParrot, mail_server: MailServer
) -> None:
    """After a deploy that changes the key, what is sent again goes the new way. Each attempt says where it went."""
    app, _ = with_parrot(Refused("no such cage"))
    reference = deliver_one(app).reference
    by_mail = make_app(MAIL_PORT=mail_server.port)
    invoke(by_mail, "retry", reference)
    assert deliver(by_mail).status is Status.DELIVERED
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [reference]
    _, attempts = ticket_and_attempts(by_mail, reference)
    assert [attempt.recipient for attempt in attempts] == ["The Parrot", "support@example.com"]


def test_a_channel_that_outlasts_its_lease_does_not_have_the_last_word(with_parrot: WithParrot) -> None:
    """Another process takes the ticket over, and what the first one's channel says in the end changes nothing."""
    app, parrot = with_parrot(Refused("too late"))
    database = state_of(app).database
    sent_by_parrot = parrot.send

    def outlast(ticket: Ticket, conversation: Conversation) -> None:
        with database.write() as connection:
            connection.execute(ticket_table.update().values(leased_until=now(connection) - timedelta(seconds=1)))
        register(lambda *_: None)
        assert deliver(app).status is Status.DELIVERED
        sent_by_parrot(ticket, conversation)

    def register(send: Callable[[Ticket, Conversation], None]) -> None:
        state_of(app).registered.channels["parrot"] = RegisteredChannel("The Parrot", send)

    register(outlast)
    reference = send_ticket(app.test_client())
    deliver(app)
    ticket, attempts = ticket_and_attempts(app, reference)
    assert (ticket.status, ticket.attempts) == (Status.DELIVERED, 2)
    assert [attempt.outcome for attempt in attempts] == [Outcome.FAILED, Outcome.DELIVERED]


@pytest.mark.only("sqlite")
def test_threads_use_another_channel(with_parrot: WithParrot) -> None:
    """No engine knows which channel a ticket uses."""
    app, parrot = with_parrot(KAPA_HANDOFF_DELIVERY="thread")
    with watching(app) as endings:
        reference = send_ticket(app.test_client())
        assert endings.wait_for(reference) == [Status.DELIVERED]
    assert [one for one, _ in parrot.sent] == [reference]


@pytest.mark.only("sqlite")
def test_a_channel_that_is_busy_makes_a_courier_pause(
    with_parrot: WithParrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three attempts in a row, as if a mail server is down; the first success ends the pause."""
    app, parrot = with_parrot(TryLater("too many requests", seconds=60))
    courier, clock = courier_of(app), Clock(monkeypatch)
    pauses = []
    for _ in range(4):
        send_ticket(app.test_client())
        assert courier.deliver_next()
        pauses.append(courier.pause)
        clock.pass_by(courier.pause)
    assert pauses == [0.0, 0.0, *channels.PAUSES[:2]]
    parrot.ending = None
    send_ticket(app.test_client())
    assert courier.deliver_next()
    assert courier.pause == 0.0
    courier.close()


@pytest.mark.only("sqlite")
def test_tickets_that_a_channel_refuses_do_not_hold_up_others(with_parrot: WithParrot) -> None:
    """A refusal is about one ticket, so there is no pause."""
    app, _ = with_parrot(Refused("no such cage"))
    for _ in range(4):
        send_ticket(app.test_client())
    courier = courier_of(app)
    assert [ticket.status for ticket in iter(courier.deliver_next, None)] == [Status.FAILED] * 4
    assert courier.pause == 0.0
    courier.close()


@pytest.mark.only("sqlite")
def test_deliver_names_the_channel_that_is_busy(with_parrot: WithParrot) -> None:
    """``flask kapa-handoff deliver`` stops, and says why."""
    app, parrot = with_parrot(TryLater("busy"))
    for _ in range(4):
        send_ticket(app.test_client())
    told = invoke(app, "deliver").output
    assert "The Parrot could not be reached; the other tickets wait for the next run." in told
    assert len(parrot.sent) == 3


@pytest.mark.only("sqlite")
def test_a_channel_may_be_registered_after_the_app_is_set_up(make_app: Callable[..., Flask]) -> None:
    """As with every hook."""
    parrot = Parrot()
    handoff = parrot.handoff()
    app = make_app(handoff=handoff, KAPA_HANDOFF_CHANNEL="late")
    late = Parrot()
    handoff.channel("late", label="Late")(late.send)
    assert deliver_one(app).status is Status.DELIVERED
    assert (len(parrot.sent), len(late.sent)) == (0, 1)


@pytest.mark.only("sqlite")
def test_a_desk_whose_channel_is_gone_delays_its_tickets(make_app: Callable[..., Flask]) -> None:
    """A deploy that forgets a channel loses no ticket: it waits, and its page names the channel."""
    ticket = deliver_one(make_app(KAPA_HANDOFF_CHANNEL="helpdesk"))
    assert ticket.status is Status.QUEUED
    assert ticket.last_error == "KAPA_HANDOFF_CHANNEL is 'helpdesk', and no channel of that name is registered"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("ending", "outcome", "reply"),
    [
        (None, "accepted", ""),
        (TryLater("busy"), "delayed", "The Parrot did not accept it yet: busy"),
        (Refused("no such cage"), "refused", "The Parrot did not accept it: no such cage"),
        (ValueError("oops"), "delayed", "The site's code for The Parrot raised ValueError: oops"),
        (OwnError("busy"), "delayed", "The Parrot did not accept it yet: busy"),
        (SilentError(), "delayed", "RuntimeError was not expected: no words"),
    ],
    ids=["accepted", "delayed", "refused", "raises", "subclass", "without words"],
)
def test_the_sample_uses_the_desks_channel(with_parrot: WithParrot, ending: object, outcome: str, reply: str) -> None:
    """A test uses the same channel as tickets, and says where it was sent."""
    app, parrot = with_parrot(ending)
    assert send_sample(state_of(app), "agent@example.com") == SampleAttempt(outcome, reply, "The Parrot")
    assert [reference for reference, _ in parrot.sent] == ["T-SAMPLE"]
