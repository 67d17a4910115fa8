"""Sending a mail: every fault ends in the right status, with the server's own words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import flask_mail
import pytest
from flask import Flask

from flask_kapa_handoff.delivery.mail.channel import MailChannel
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Outcome, Status
from tests.helpers.couriers import (
    PASSWORD,
    assert_queued_again,
    courier_of,
    deliver,
    deliver_in_turn,
    ticket_and_attempts,
)
from tests.helpers.scripted_smtp import HANG_UP, SILENCE, Reply, ScriptedServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

# Silence


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"])
def test_silent_server_does_not_block(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str
) -> None:
    """A server that falls silent at any step ends the attempt after the timeout, and the ticket is queued again."""
    app = smtp_site(smtp({step: [SILENCE]}))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "timed out")


def test_slow_server_cannot_outlast_the_lease(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt with a server that is slow at every step ends before the ticket counts as abandoned."""

    def slowly(reply: str) -> Callable[[], str]:
        return lambda: reply[threading.Event().wait(0.4) :]

    server = smtp(
        {
            "CONNECT": [slowly("220 hello")],
            "EHLO": [slowly("250 hello")],
            "MAIL": [slowly("250 ok")],
            "RCPT": [slowly("250 ok")],
            "DATA": [slowly("354 go")],
            "END": [slowly("250 taken")],
        }
    )
    app = smtp_site(server)
    send_ticket(app.test_client())
    state = state_of(app)
    channel = MailChannel(state)
    assert channel.transport.patience < 1 + timedelta(seconds=30).total_seconds()  # the lease, see design.md, 9
    channel.transport.patience = 1.0
    monkeypatch.setattr(state, "open_channel", lambda name: channel)
    courier = courier_of(app)
    tried = courier.deliver_next()
    courier.close()
    assert tried is not None
    assert_queued_again(tried, "timed out")
    assert server.mails == []


def test_nothing_listens(make_app: Callable[..., Flask]) -> None:
    """A refused connection queues the ticket again and says so."""
    app = make_app(MAIL_PORT=free_port())
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "refused")


# Accepted is accepted


@pytest.mark.parametrize(
    "script",
    [
        {"QUIT": [HANG_UP]},
        {"QUIT": ["421 too late" + HANG_UP]},
        {"QUIT": ["500 what?"]},
        {"QUIT": [SILENCE]},
        {"END": ["250 taken" + HANG_UP]},
    ],
    ids=str,
)
def test_error_after_acceptance_does_not_repeat_the_mail(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], script: dict[str, list[Reply]]
) -> None:
    """Whatever goes wrong at the goodbye, a mail that the server has accepted is delivered, once."""
    server = smtp(script)
    app = smtp_site(server)
    reference = send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    ticket, attempts = ticket_and_attempts(app, reference)
    assert (ticket.last_error, ticket.next_attempt_at) == (None, None)
    assert [(attempt.outcome, attempt.detail) for attempt in attempts] == [(Outcome.DELIVERED, "250 taken")]
    assert courier_of(app).deliver_next() is None
    assert len(server.mails) == 1


def test_raising_receiver_does_not_repeat_the_mail(
    mail_server: MailServer, smtp_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver of Flask-Mail's email_dispatched that raises is logged; the mail is out and counts as delivered."""
    app = smtp_site(mail_server)
    send_ticket(app.test_client())

    def receiver(sender: Flask, message: flask_mail.Message) -> None:
        raise RuntimeError("the receiver is broken")

    with flask_mail.email_dispatched.connected_to(receiver):
        assert deliver(app).status is Status.DELIVERED
    assert len(mail_server.received) == 1
    assert any("email_dispatched failed. " in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("reply", [HANG_UP, SILENCE, "hello there", "250" + "x" * 10_000, "354 more?"], ids=ascii)
def test_lost_reply_counts_as_unknown(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], reply: str
) -> None:
    """If the whole mail was sent but no reply can be read, the attempt counts as unknown, and the ticket is queued."""
    server = smtp({"END": [reply]})
    app = smtp_site(server)
    reference = send_ticket(app.test_client())
    assert_queued_again(deliver(app), "the whole mail had been sent")
    _, attempts = ticket_and_attempts(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.UNKNOWN]
    assert len(server.mails) == 1


def test_any_success_counts_as_acceptance(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]
) -> None:
    """A reply that begins with 2 accepts the mail (RFC 5321, 4.2.1), whatever its other digits say."""
    app = smtp_site(smtp({"END": ["252 taken, more or less"]}))
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED


# The server's words


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("words", ["421 4.7.0 too many connections from you", "451 4.3.0 come back later"])
def test_words_survive_the_disconnect(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str, words: str
) -> None:
    """A temporary refusal queues the ticket again, and its words stay though the server hung up right after."""
    server = smtp({step: [words + HANG_UP]}, extensions=["AUTH PLAIN LOGIN"])
    app = smtp_site(server, MAIL_USERNAME="docs", MAIL_PASSWORD=PASSWORD)
    reference = send_ticket(app.test_client())
    assert_queued_again(deliver(app), words)
    _, attempts = ticket_and_attempts(app, reference)
    outcome = Outcome.UNREACHABLE if step in ("CONNECT", "EHLO", "AUTH") else Outcome.DELAYED
    assert [(attempt.outcome, attempt.detail) for attempt in attempts] == [(outcome, words)]


@pytest.mark.parametrize("step", ["RCPT", "DATA", "END"])
def test_permanent_refusal_fails_at_once(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str
) -> None:
    """A 5xx reply about the mail or its recipient fails the ticket, with the server's words on all lines."""
    app = smtp_site(smtp({step: ["550-5.1.1 No such\r\n550 5.1.1 recipient"]}))
    reference = send_ticket(app.test_client())
    ticket = deliver(app)
    assert (ticket.status, ticket.next_attempt_at) == (Status.FAILED, None)
    assert ticket.last_error == "550 5.1.1 No such 5.1.1 recipient"
    _, attempts = ticket_and_attempts(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.FAILED]


@pytest.mark.parametrize("step", ["RCPT", "DATA", "END"])
def test_permanent_refusal_leaves_the_connection_to_the_next(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str
) -> None:
    """After a 5xx reply the next ticket goes out over the same connection."""
    server = smtp({step: ["554 5.6.0 not this one"]})
    app = smtp_site(server)
    references = [send_ticket(app.test_client()) for _ in range(2)]
    tried = deliver_in_turn(app)
    assert [(ticket.reference, ticket.status) for ticket in tried] == list(
        zip(references, (Status.FAILED, Status.DELIVERED), strict=True)
    )
    assert server.connections == 1
    # A refusal of the mail itself leaves half a transaction open, which RSET ends.
    assert server.verbs().index("RSET") < len(server.verbs()) - 2


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
def test_temporary_refusal_does_not_harm_the_next(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str
) -> None:
    """After a 4xx reply the next ticket is delivered all the same."""
    server = smtp({step: ["450 4.2.1 mailbox busy"]})
    app = smtp_site(server)
    references = [send_ticket(app.test_client()) for _ in range(2)]
    tried = deliver_in_turn(app)
    assert [(ticket.reference, ticket.status) for ticket in tried] == list(
        zip(references, (Status.QUEUED, Status.DELIVERED), strict=True)
    )


@pytest.mark.parametrize(
    ("script", "extensions"),
    [
        ({"AUTH": ["535 5.7.8 wrong password"] * 5}, ["AUTH PLAIN LOGIN"]),
        ({"AUTH": ["535 5.7.8 wrong password" + HANG_UP]}, ["AUTH PLAIN LOGIN"]),
        ({"MAIL": ["530 5.7.0 log in first"]}, ["AUTH PLAIN"]),
        ({"MAIL": ["550 5.7.1 sender not allowed"]}, []),
        ({"CONNECT": ["554 5.7.1 your network is blocked"]}, []),
        ({"CONNECT": ["554 5.7.1 your network is blocked" + HANG_UP]}, []),
    ],
    ids=str,
)
def test_what_the_owner_can_fix_is_retried(
    smtp: Callable[..., ScriptedServer],
    smtp_site: Callable[..., Flask],
    script: dict[str, list[Reply]],
    extensions: list[str],
) -> None:
    """A 5xx reply about the login or the connection, not about the mail, queues the ticket again with its words."""
    server = smtp(script, extensions=extensions)
    app = smtp_site(server, **({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": PASSWORD} if extensions else {}))
    send_ticket(app.test_client())
    (replies,) = script.values()
    assert_queued_again(deliver(app), str(replies[0] if replies else "").removesuffix(HANG_UP) or "535 5.7.8")
    assert server.mails == []


@pytest.mark.only("sqlite", "postgresql")  # whose columns take no NUL
@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("reply", ["hello there", "9999", "250" + "x" * 10_000, "\xff\x00"], ids=ascii)
def test_nonsense_from_the_server_is_temporary(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str, reply: str
) -> None:
    """Anything that is not an SMTP reply neither fails a ticket permanently nor counts as acceptance."""
    app = smtp_site(smtp({step: [reply], "HELO": [reply]}))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app))


@pytest.mark.only("sqlite", "postgresql")  # whose columns take no NUL
@pytest.mark.parametrize(("code", "status"), [(250, Status.DELIVERED), (450, Status.QUEUED), (550, Status.FAILED)])
def test_a_reply_that_no_database_or_terminal_takes(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], code: int, status: Status
) -> None:
    """It is recorded without its controls. A mail whose acceptance could not be recorded would be sent again."""
    app = smtp_site(smtp({"END": [f"{code} no\0thing \x1b[31mhere\u202e"]}))
    reference = send_ticket(app.test_client())
    assert deliver(app).status is status
    assert ticket_and_attempts(app, reference)[1][0].detail == f"{code} nothing [31mhere"


# Logs


def test_logs_have_nothing_personal(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Success, delay, refusal and a mail that cannot be composed are logged by reference, without a personal word."""
    caplog.set_level(logging.DEBUG)
    server = smtp({"RCPT": ["250 ok", "450 <support@example.com>: busy", "550 <support@example.com>: gone"]})
    app = smtp_site(server)
    references = [
        send_ticket(
            app.test_client(),
            email="ada.lovelace@example.org",
            note="My note is private.",
            conversation='[{"question": "A private question?", "answer": "A private answer."}]',
        )
        for _ in range(4)
    ]
    courier = courier_of(app)
    for _ in range(3):
        courier.deliver_next()
    with state_of(app).database.write() as connection:  # an address that no mail can carry
        connection.execute(
            ticket_table.update()
            .where(ticket_table.c.reference == references[3])
            .values(visitor_email="ada.lovelace@example.org\n")
        )
    courier.deliver_next()
    courier.close()
    assert [ticket_and_attempts(app, reference)[0].status for reference in references] == [
        Status.DELIVERED,
        Status.QUEUED,
        Status.FAILED,
        Status.FAILED,
    ]
    formatter = logging.Formatter()
    logged = "\n".join(formatter.format(record) for record in caplog.records)
    for reference in references:
        assert reference in logged
    for private in ("ada.lovelace", "example.org", "support@example.com", "private"):
        assert private not in logged
