"""Sending a mail: one connection for many mails, replaced once it is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from flask_kapa_handoff.delivery.mail.message import ComposedMessage
from flask_kapa_handoff.delivery.mail.transport import Transport
from flask_kapa_handoff.delivery.outcomes import TryLater
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.couriers import PASSWORD, assert_queued_again, courier_of, deliver, deliver_in_turn
from tests.helpers.scripted_smtp import HANG_UP, SILENCE, ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")


def test_one_connection_for_many(mail_server: MailServer, smtp_site: Callable[..., Flask]) -> None:
    """Tickets that follow each other share a connection."""
    app = smtp_site(mail_server)
    references = [send_ticket(app.test_client()) for _ in range(4)]
    courier = courier_of(app)
    while courier.deliver_next():
        pass
    courier.close()
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == references
    assert mail_server.connections == 1


@pytest.mark.parametrize("reply", [HANG_UP, "421 4.4.2 idle for too long" + HANG_UP, "500 what?", SILENCE], ids=str)
def test_idle_connection_that_went_away_is_replaced(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], reply: str
) -> None:
    """A kept-open connection that the server has closed meanwhile costs the next ticket nothing."""
    server = smtp({"MAIL": ["250 ok", reply]})
    app = smtp_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    tried = deliver_in_turn(app)
    assert [ticket.status for ticket in tried] == [Status.DELIVERED] * 2
    assert (server.connections, len(server.mails)) == (2, 2)


def test_accepted_mail_needs_no_reset(smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]) -> None:
    """After an acceptance the next mail begins at once: RSET would cost a round trip for nothing."""
    server = smtp()
    app = smtp_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    courier = courier_of(app)
    while courier.deliver_next():
        pass
    courier.close()
    mail = ["MAIL", "RCPT", "DATA", "END"]
    assert [verb for verb in server.verbs() if verb in (*mail, "EHLO", "RSET", "QUIT")] == [
        "EHLO",
        *mail,
        *mail,
        "QUIT",
    ]


@pytest.mark.parametrize("reply", [HANG_UP, "421 4.4.2 closing" + HANG_UP, "500 what?", SILENCE], ids=str)
def test_reset_that_does_not_work_costs_nothing(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], reply: str
) -> None:
    """Where half a mail cannot be taken back after a refusal, the next ticket goes out over a new connection."""
    server = smtp({"RCPT": ["550 5.1.1 no such user"], "RSET": [reply]})
    app = smtp_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    tried = deliver_in_turn(app)
    assert [ticket.status for ticket in tried] == [Status.FAILED, Status.DELIVERED]
    assert (server.connections, len(server.mails)) == (2, 1)


def test_sender_refused_on_a_new_connection_is_not_retried(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]
) -> None:
    """A kept connection is replaced once: a new connection's reply about the sender is final."""
    server = smtp({"MAIL": ["250 ok", "550 5.7.1 not you", "450 4.7.1 nor now"]})
    app = smtp_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    courier = courier_of(app)
    courier.deliver_next()
    tried = courier.deliver_next()
    courier.close()
    assert tried is not None
    assert_queued_again(tried, "450 4.7.1 nor now")
    assert server.connections == 2


def test_dots_arrive_as_they_were(mail_server: MailServer, smtp_site: Callable[..., Flask]) -> None:
    """Lines that begin with a dot neither end the mail nor lose one (RFC 5321, 4.5.2)."""
    app = smtp_site(mail_server)
    data = b"Subject: dots\r\n\r\n.\r\n..\r\n.three.\r\nend.\r\n"
    transport = Transport(state_of(app))
    transport.send(
        ComposedMessage("site@example.com", ("support@example.com",), "v@example.com", "dots", "text", "html", data)
    )
    transport.close()
    assert [mail.data for mail in mail_server.received] == [data]


def test_max_emails_a_connection(mail_server: MailServer, smtp_site: Callable[..., Flask]) -> None:
    """MAIL_MAX_EMAILS: after so many mails a new connection is made."""
    app = smtp_site(mail_server, MAIL_MAX_EMAILS=2)
    for _ in range(5):
        send_ticket(app.test_client())
    courier = courier_of(app)
    while courier.deliver_next():
        pass
    courier.close()
    assert (len(mail_server.received), mail_server.connections) == (5, 3)


def test_goodbye_comes_after_the_record(smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]) -> None:
    """A last mail of a connection is recorded before QUIT is said, which may take its time."""
    server = smtp()
    app = smtp_site(server, MAIL_MAX_EMAILS=1)
    send_ticket(app.test_client())
    courier = courier_of(app)
    courier.deliver_next()
    assert "QUIT" not in server.verbs()
    courier.close()
    assert "QUIT" in server.verbs()


def test_own_name_is_one(smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]) -> None:
    """The greeting has a full host name or an address literal (RFC 5321, 4.1.3), which strict servers ask for."""
    server = smtp()
    app = smtp_site(server)
    send_ticket(app.test_client())
    deliver(app)
    name = server.lines[0].split(" ")[1]
    assert "." in name
    assert name[0] != "[" or name[-1] == "]"


def test_check_sends_nothing(smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]) -> None:
    """The check connects and logs in, and says what is wrong in the server's words."""
    server = smtp({"AUTH": ["235 welcome", "535 5.7.8 wrong password"]}, extensions=["AUTH PLAIN"])
    app = smtp_site(server, MAIL_USERNAME="docs", MAIL_PASSWORD=PASSWORD)
    transport = Transport(state_of(app))
    transport.check()
    with pytest.raises(TryLater, match=r"535 5\.7\.8 wrong password"):
        transport.check()
    assert "MAIL" not in server.verbs()
