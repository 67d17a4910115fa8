"""A second channel beside mail: the outbox, the courier and the engines treat both alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation
from flask_kapa_handoff.delivery import channels, outbox
from flask_kapa_handoff.delivery.outcomes import Delivered, Refused, TryLater, Unknown, Unreachable
from flask_kapa_handoff.delivery.sample import send_sample
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Outcome, Status, Ticket
from tests.helpers.couriers import courier_of, deliver, ticket_and_attempts
from tests.helpers.deliveries import watching
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket


class Parrot:
    """A channel that remembers what it got, and ends each ticket as it was told."""

    def __init__(self, ending: Delivered | Exception) -> None:
        self.ending = ending
        self.sent: list[tuple[str, str]] = []
        self.closed = 0

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        self.sent.append((ticket.reference, conversation.pairs[0].question))
        if isinstance(self.ending, Exception):
            raise self.ending
        return self.ending

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def with_parrot(make_app: Callable[..., Flask]) -> Callable[..., tuple[Flask, Parrot]]:
    """Builds a site that sends its tickets by its own channel."""

    def build(ending: Delivered | Exception, **config: object) -> tuple[Flask, Parrot]:
        app, parrot = make_app(**config), Parrot(ending)
        state = state_of(app)
        state.channels["parrot"] = lambda: parrot
        state.desk_channels["default"] = "parrot"
        return app, parrot

    return build


@pytest.mark.parametrize(
    ("ending", "status", "outcome", "detail"),
    [
        (Delivered("case 4711"), Status.DELIVERED, Outcome.DELIVERED, "case 4711"),
        (TryLater("busy"), Status.QUEUED, Outcome.DELAYED, "busy"),
        (TryLater(), Status.QUEUED, Outcome.DELAYED, ""),
        (Unreachable("no route"), Status.QUEUED, Outcome.UNREACHABLE, "no route"),
        (Unknown("no reply"), Status.QUEUED, Outcome.UNKNOWN, "no reply"),
        (Refused("no such queue"), Status.FAILED, Outcome.FAILED, "no such queue"),
        (ZeroDivisionError("oops"), Status.QUEUED, Outcome.DELAYED, "ZeroDivisionError was not expected: oops"),
    ],
    ids=["delivered", "later", "later, without a word", "unreachable", "unknown", "refused", "unexpected"],
)
def test_each_outcome_is_recorded(
    with_parrot: Callable[..., tuple[Flask, Parrot]],
    ending: Delivered | Exception,
    status: Status,
    outcome: Outcome,
    detail: str,
) -> None:
    """Whatever a channel returns or raises, the ticket and its attempt record it in the channel's words."""
    app, parrot = with_parrot(ending)
    reference = send_ticket(app.test_client())
    deliver(app)
    ticket, (attempt,) = ticket_and_attempts(app, reference)
    assert parrot.sent == [(reference, "How do I rotate a key?")]
    assert parrot.closed == 1
    assert (ticket.status, attempt.outcome, attempt.detail) == (status, outcome, detail)
    assert ticket.last_error == (None if status is Status.DELIVERED else detail)


@pytest.mark.parametrize(("seconds", "wait"), [(None, 60.0), (300, 300.0), (0, 1.0), (-5, 1.0)])
def test_a_channel_may_say_how_long_to_wait(
    with_parrot: Callable[..., tuple[Flask, Parrot]], seconds: float | None, wait: float
) -> None:
    """``TryLater(seconds=…)`` takes the place of the usual wait, such as that of a Retry-After."""
    app, _ = with_parrot(TryLater("slow down", seconds=seconds))
    reference = send_ticket(app.test_client())
    deliver(app)
    ticket, (attempt,) = ticket_and_attempts(app, reference)
    assert attempt.finished_at is not None
    assert ticket.next_attempt_at == attempt.finished_at + timedelta(seconds=wait)


def test_no_wait_exceeds_the_five_days(with_parrot: Callable[..., tuple[Flask, Parrot]]) -> None:
    """A channel that asks for more time than the ticket has left does not get it: the ticket fails, visibly."""
    app, _ = with_parrot(TryLater("come back next year", seconds=outbox.GIVE_UP_AFTER.total_seconds() + 60))
    assert deliver_one(app).status is Status.FAILED


def deliver_one(app: Flask) -> Ticket:
    send_ticket(app.test_client())
    return deliver(app)


def test_mail_and_another_channel_beside_each_other(
    with_parrot: Callable[..., tuple[Flask, Parrot]], mail_server: MailServer
) -> None:
    """The desk decides which channel its tickets use; one courier handles both."""
    app, parrot = with_parrot(Delivered("taken"), MAIL_PORT=mail_server.port)
    by_channel = send_ticket(app.test_client())
    courier = courier_of(app)
    assert courier.deliver_next()
    state_of(app).desk_channels.clear()
    by_mail = send_ticket(app.test_client())
    assert courier.deliver_next()
    courier.close()
    assert [reference for reference, _ in parrot.sent] == [by_channel]
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [by_mail]


def test_threads_use_another_channel(with_parrot: Callable[..., tuple[Flask, Parrot]]) -> None:
    """No engine knows which channel a ticket uses."""
    app, parrot = with_parrot(Delivered("taken"), KAPA_HANDOFF_DELIVERY="thread")
    with watching(app) as endings:
        reference = send_ticket(app.test_client())
        assert endings.wait_for(reference) == [Status.DELIVERED]
    assert [one for one, _ in parrot.sent] == [reference]


def test_a_channel_out_of_reach_makes_a_courier_pause(with_parrot: Callable[..., tuple[Flask, Parrot]]) -> None:
    """After three failed attempts, as with a mail server; the first success ends the pause."""
    app, parrot = with_parrot(Unreachable("no route"))
    courier = courier_of(app)
    pauses = []
    for _ in range(4):
        send_ticket(app.test_client())
        assert courier.deliver_next()
        pauses.append(courier.pause)
    assert pauses == [0.0, 0.0, *channels.PAUSES[:2]]
    parrot.ending = Delivered("taken")
    send_ticket(app.test_client())
    assert courier.deliver_next()
    assert courier.pause == 0.0
    courier.close()


def test_what_waits_for_a_channel_goes_out_when_it_is_back(with_parrot: Callable[..., tuple[Flask, Parrot]]) -> None:
    """A ticket that could not be sent for an hour does not wait for the next one."""
    app, parrot = with_parrot(Unreachable("no route"))
    waiting = deliver_one(app).reference
    parrot.ending = Delivered("taken")
    send_ticket(app.test_client())
    courier = courier_of(app)
    assert [ticket.status for ticket in iter(courier.deliver_next, None)] == [Status.DELIVERED] * 2
    courier.close()
    assert parrot.sent[-1][0] == waiting


def test_a_desk_whose_channel_is_gone_delays_its_tickets(make_app: Callable[..., Flask]) -> None:
    """A deploy that forgets a channel loses no ticket: it waits, and its page names the channel."""
    app = make_app(MAIL_PORT=free_port())
    state_of(app).desk_channels["default"] = "helpdesk"
    ticket = deliver_one(app)
    assert ticket.status is Status.QUEUED
    assert "'helpdesk'" in str(ticket.last_error)


def test_the_sample_uses_the_desks_channel(with_parrot: Callable[..., tuple[Flask, Parrot]]) -> None:
    """A test uses the same channel as tickets, and leaves no connection open."""
    app, parrot = with_parrot(Delivered("case 1"))
    assert send_sample(state_of(app), "agent@example.com") == (
        "accepted",
        "case 1",
        "agent@example.com",
    )
    assert [reference for reference, _ in parrot.sent] == ["T-SAMPLE"]
    assert parrot.closed == 1
