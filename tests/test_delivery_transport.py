"""The way to the mail server: every fault of it ends in the right status, with the server's own words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_mail
import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.delivery.message import ComposedMessage
from flask_kapa_handoff.delivery.transport import Delayed, Transport
from flask_kapa_handoff.storage.models import ticket as ticket_table
from flask_kapa_handoff.storage.records import Attempt, Outcome, Status, Ticket, find_attempts, find_ticket
from tests.helpers.scripted_smtp import HANG_UP, SILENCE, Reply, ScriptedServer, make_certificate, server_context
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket

PASSWORD = "correct horse battery staple"
PASSWORD_ON_THE_WIRE = b"AGRvY3MAY29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="  # base64 of "\0docs\0" and the password


@pytest.fixture
def smtp() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts scripted servers: ``smtp({"RCPT": ["450 later"]})``."""
    servers: list[ScriptedServer] = []

    def start(script: dict[str, list[Reply]] | None = None, **options: Any) -> ScriptedServer:
        servers.append(ScriptedServer(script, **options).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def make_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps that send to a server of the test, and wait no longer than a second for it."""

    def build(server: ScriptedServer | MailServer, **config: Any) -> Flask:
        defaults = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": server.port, "KAPA_HANDOFF_SMTP_TIMEOUT": 1}
        return make_app(**{**defaults, **config})

    return build


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Self-signed certificates: for the server's address, and for another host's."""
    return {
        name: make_certificate(tmp_path_factory.mktemp(name), subject)
        for name, subject in (("own", "IP:127.0.0.1"), ("foreign", "DNS:other.example"))
    }


def courier_of(app: Flask) -> Courier:
    return Courier(app, app.extensions["kapa_handoff"])


def deliver(app: Flask) -> Ticket:
    """One try for the ticket that is due first."""
    courier = courier_of(app)
    try:
        tried = courier.deliver_next()
    finally:
        courier.close()
    assert tried is not None
    return tried


def look_up(app: Flask, reference: str) -> tuple[Ticket, list[Attempt]]:
    with app.extensions["kapa_handoff"].database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
        assert ticket is not None
        return ticket, find_attempts(connection, ticket.id)


def assert_queued_again(ticket: Ticket, *words: str) -> None:
    assert ticket.status is Status.QUEUED
    assert ticket.next_attempt_at is not None
    assert ticket.leased_until is None
    assert ticket.last_error is not None
    for word in words:
        assert word in ticket.last_error


# Silence


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"])
def test_silent_server_does_not_block(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], step: str
) -> None:
    """A server that falls silent at any step ends the try after the timeout, and the ticket is queued again."""
    app = make_site(smtp({step: [SILENCE]}))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "timed out")


def test_slow_server_cannot_outlast_the_lease(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]
) -> None:
    """A server that takes its time at every step is given up before the ticket counts as abandoned."""

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
    app = make_site(server)
    send_ticket(app.test_client())
    courier = courier_of(app)
    assert courier.transport.patience < 1 + timedelta(seconds=30).total_seconds()  # the lease, see design.md, 9
    courier.transport.patience = 1.0
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


# TLS


def tls_server(smtp: Callable[..., ScriptedServer], kind: str, certificate: Path) -> ScriptedServer:
    context = server_context(certificate)
    if kind == "starttls":
        return smtp(extensions=["STARTTLS", "AUTH PLAIN"], starttls=context)
    return smtp(extensions=["AUTH PLAIN"], tls=context)


def tls_config(kind: str) -> dict[str, Any]:
    switch = "MAIL_USE_TLS" if kind == "starttls" else "MAIL_USE_SSL"
    return {switch: True, "MAIL_USERNAME": "docs", "MAIL_PASSWORD": PASSWORD}


def heard(server: ScriptedServer) -> bytes:
    return "\n".join(server.lines).encode()


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_self_signed_certificate_gets_no_password(
    smtp: Callable[..., ScriptedServer],
    make_site: Callable[..., Flask],
    certificates: dict[str, Path],
    kind: str,
) -> None:
    """A server that cannot prove who it is gets neither password nor mail; the ticket waits."""
    server = tls_server(smtp, kind, certificates["own"])
    app = make_site(server, **tls_config(kind))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "CERTIFICATE_VERIFY_FAILED")
    assert "AUTH" not in server.verbs()
    assert PASSWORD_ON_THE_WIRE not in heard(server)
    assert server.mails == []


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_certificate_of_another_host_gets_no_password(
    smtp: Callable[..., ScriptedServer],
    make_site: Callable[..., Flask],
    certificates: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """A certificate that is trusted, but for another name, does not do."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["foreign"]))
    server = tls_server(smtp, kind, certificates["foreign"])
    app = make_site(server, **tls_config(kind))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "CERTIFICATE_VERIFY_FAILED")
    assert "AUTH" not in server.verbs()


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_trusted_certificate_is_taken(
    smtp: Callable[..., ScriptedServer],
    make_site: Callable[..., Flask],
    certificates: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """A server with a certificate that the machine trusts gets the password and the mail, both encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["own"]))
    server = tls_server(smtp, kind, certificates["own"])
    app = make_site(server, **tls_config(kind))
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    assert PASSWORD_ON_THE_WIRE in heard(server)
    assert len(server.mails) == 1


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_verification_can_be_switched_off(
    smtp: Callable[..., ScriptedServer],
    make_site: Callable[..., Flask],
    certificates: dict[str, Path],
    kind: str,
) -> None:
    """KAPA_HANDOFF_SMTP_VERIFY_TLS=False takes any certificate, for a server of one's own network."""
    server = tls_server(smtp, kind, certificates["foreign"])
    app = make_site(server, KAPA_HANDOFF_SMTP_VERIFY_TLS=False, **tls_config(kind))
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    assert len(server.mails) == 1


def test_missing_starttls_is_no_reason_to_go_on_in_the_clear(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]
) -> None:
    """Where STARTTLS was asked for and is not offered, as with somebody in between, nothing is sent unencrypted."""
    server = smtp(extensions=["AUTH PLAIN"])
    app = make_site(server, **tls_config("starttls"))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "STARTTLS")
    assert not {"AUTH", "MAIL"} & set(server.verbs())


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
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], script: dict[str, list[Reply]]
) -> None:
    """Whatever goes wrong at the goodbye, a mail that the server has accepted is delivered, once."""
    server = smtp(script)
    app = make_site(server)
    reference = send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    ticket, attempts = look_up(app, reference)
    assert (ticket.last_error, ticket.next_attempt_at) == (None, None)
    assert [(attempt.outcome, attempt.detail) for attempt in attempts] == [(Outcome.DELIVERED, "250 taken")]
    assert courier_of(app).deliver_next() is None
    assert len(server.mails) == 1


def test_raising_receiver_does_not_repeat_the_mail(
    mail_server: MailServer, make_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver of Flask-Mail's email_dispatched that raises is logged; the mail is out and counts as delivered."""
    app = make_site(mail_server)
    send_ticket(app.test_client())

    def receiver(sender: Flask, message: flask_mail.Message) -> None:
        raise RuntimeError("the receiver is broken")

    with flask_mail.email_dispatched.connected_to(receiver):
        assert deliver(app).status is Status.DELIVERED
    assert len(mail_server.received) == 1
    assert any("email_dispatched failed. " in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("reply", [HANG_UP, SILENCE, "hello there", "250" + "x" * 10_000, "354 more?"], ids=ascii)
def test_lost_reply_is_told_apart(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], reply: str
) -> None:
    """Where the whole mail was sent and no reply can be read, the try counts as unknown, and the ticket is queued."""
    server = smtp({"END": [reply]})
    app = make_site(server)
    reference = send_ticket(app.test_client())
    assert_queued_again(deliver(app), "the whole mail had been sent")
    _, attempts = look_up(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.UNKNOWN]
    assert len(server.mails) == 1


def test_any_success_counts_as_acceptance(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]
) -> None:
    """A reply that begins with 2 accepts the mail (RFC 5321, 4.2.1), whatever its other digits say."""
    app = make_site(smtp({"END": ["252 taken, more or less"]}))
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED


# The server's words


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("words", ["421 4.7.0 too many connections from you", "451 4.3.0 come back later"])
def test_words_survive_the_disconnect(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], step: str, words: str
) -> None:
    """A temporary refusal queues the ticket again, and its words stay though the server hung up right after."""
    server = smtp({step: [words + HANG_UP]}, extensions=["AUTH PLAIN LOGIN"])
    app = make_site(server, MAIL_USERNAME="docs", MAIL_PASSWORD=PASSWORD)
    reference = send_ticket(app.test_client())
    assert_queued_again(deliver(app), words)
    _, attempts = look_up(app, reference)
    outcome = Outcome.UNREACHABLE if step in ("CONNECT", "EHLO", "AUTH") else Outcome.DELAYED
    assert [(attempt.outcome, attempt.detail) for attempt in attempts] == [(outcome, words)]


@pytest.mark.parametrize("step", ["RCPT", "DATA", "END"])
def test_permanent_refusal_fails_at_once(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], step: str
) -> None:
    """A 5xx reply about the mail or its recipient fails the ticket, with the server's words on all lines."""
    app = make_site(smtp({step: ["550-5.1.1 No such\r\n550 5.1.1 recipient"]}))
    reference = send_ticket(app.test_client())
    ticket = deliver(app)
    assert (ticket.status, ticket.next_attempt_at) == (Status.FAILED, None)
    assert ticket.last_error == "550 5.1.1 No such 5.1.1 recipient"
    _, attempts = look_up(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.FAILED]


@pytest.mark.parametrize("step", ["RCPT", "DATA", "END"])
def test_permanent_refusal_leaves_the_connection_to_the_next(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], step: str
) -> None:
    """After a 5xx reply the next ticket goes out over the same connection."""
    server = smtp({step: ["554 5.7.1 not this one"]})
    app = make_site(server)
    references = [send_ticket(app.test_client()) for _ in range(2)]
    courier = courier_of(app)
    tried = [courier.deliver_next(), courier.deliver_next()]
    courier.close()
    assert [(ticket.reference, ticket.status) for ticket in tried if ticket] == list(
        zip(references, (Status.FAILED, Status.DELIVERED), strict=True)
    )
    assert server.connections == 1
    # A refusal of the mail itself leaves half a transaction open, which RSET ends.
    assert server.verbs().index("RSET") < len(server.verbs()) - 2


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
def test_temporary_refusal_does_not_harm_the_next(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], step: str
) -> None:
    """After a 4xx reply the next ticket is delivered all the same."""
    server = smtp({step: ["450 4.2.1 mailbox busy"]})
    app = make_site(server)
    references = [send_ticket(app.test_client()) for _ in range(2)]
    courier = courier_of(app)
    tried = [courier.deliver_next(), courier.deliver_next()]
    courier.close()
    assert [(ticket.reference, ticket.status) for ticket in tried if ticket] == list(
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
def test_what_the_owner_can_mend_is_tried_again(
    smtp: Callable[..., ScriptedServer],
    make_site: Callable[..., Flask],
    script: dict[str, list[Reply]],
    extensions: list[str],
) -> None:
    """A 5xx reply about the log-in or the connection, not about the mail, queues the ticket again with its words."""
    server = smtp(script, extensions=extensions)
    app = make_site(server, **({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": PASSWORD} if extensions else {}))
    send_ticket(app.test_client())
    (replies,) = script.values()
    assert_queued_again(deliver(app), str(replies[0] if replies else "").removesuffix(HANG_UP) or "535 5.7.8")
    assert server.mails == []


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("reply", ["hello there", "9999", "250" + "x" * 10_000, "\xff\x00"], ids=ascii)
def test_nonsense_from_the_server_is_temporary(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], step: str, reply: str
) -> None:
    """What is no SMTP reply never fails a ticket for good and never counts as acceptance."""
    app = make_site(smtp({step: [reply], "HELO": [reply]}))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app))


# The connection


def test_one_connection_for_many(mail_server: MailServer, make_site: Callable[..., Flask]) -> None:
    """Tickets that follow each other share a connection."""
    app = make_site(mail_server)
    references = [send_ticket(app.test_client()) for _ in range(4)]
    courier = courier_of(app)
    while courier.deliver_next():
        pass
    courier.close()
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == references
    assert mail_server.connections == 1


@pytest.mark.parametrize("reply", [HANG_UP, "421 4.4.2 idle for too long" + HANG_UP, "500 what?", SILENCE], ids=str)
def test_idle_connection_that_went_away_is_replaced(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], reply: str
) -> None:
    """A kept-open connection that the server has given up meanwhile costs the next ticket nothing."""
    server = smtp({"MAIL": ["250 ok", reply]})
    app = make_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    courier = courier_of(app)
    tried = [courier.deliver_next(), courier.deliver_next()]
    courier.close()
    assert [ticket.status for ticket in tried if ticket] == [Status.DELIVERED] * 2
    assert (server.connections, len(server.mails)) == (2, 2)


def test_accepted_mail_needs_no_reset(smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]) -> None:
    """After an acceptance the next mail begins at once: RSET would cost a round trip for nothing."""
    server = smtp()
    app = make_site(server)
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
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], reply: str
) -> None:
    """Where half a mail cannot be taken back after a refusal, the next ticket goes out over a new connection."""
    server = smtp({"RCPT": ["550 5.1.1 no such user"], "RSET": [reply]})
    app = make_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    courier = courier_of(app)
    tried = [courier.deliver_next(), courier.deliver_next()]
    courier.close()
    assert [ticket.status for ticket in tried if ticket] == [Status.FAILED, Status.DELIVERED]
    assert (server.connections, len(server.mails)) == (2, 1)


def test_sender_refused_on_a_new_connection_is_not_tried_twice(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]
) -> None:
    """A kept connection is replaced once: what a new one says to the sender holds."""
    server = smtp({"MAIL": ["250 ok", "550 5.7.1 not you", "450 4.7.1 nor now"]})
    app = make_site(server)
    for _ in range(2):
        send_ticket(app.test_client())
    courier = courier_of(app)
    courier.deliver_next()
    tried = courier.deliver_next()
    courier.close()
    assert tried is not None
    assert_queued_again(tried, "450 4.7.1 nor now")
    assert server.connections == 2


def test_dots_arrive_as_they_were(mail_server: MailServer, make_site: Callable[..., Flask]) -> None:
    """Lines that begin with a dot neither end the mail nor lose one (RFC 5321, 4.5.2)."""
    app = make_site(mail_server)
    data = b"Subject: dots\r\n\r\n.\r\n..\r\n.three.\r\nend.\r\n"
    transport = Transport(app, app.extensions["kapa_handoff"].config)
    transport.send(
        ComposedMessage("site@example.com", "support@example.com", "v@example.com", "dots", "text", "html", data)
    )
    transport.close()
    assert [mail.data for mail in mail_server.received] == [data]


def test_max_emails_a_connection(mail_server: MailServer, make_site: Callable[..., Flask]) -> None:
    """MAIL_MAX_EMAILS: after so many mails a new connection is made."""
    app = make_site(mail_server, MAIL_MAX_EMAILS=2)
    for _ in range(5):
        send_ticket(app.test_client())
    courier = courier_of(app)
    while courier.deliver_next():
        pass
    courier.close()
    assert (len(mail_server.received), mail_server.connections) == (5, 3)


def test_goodbye_comes_after_the_record(smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]) -> None:
    """A last mail of a connection is recorded before QUIT is said, which may take its time."""
    server = smtp()
    app = make_site(server, MAIL_MAX_EMAILS=1)
    send_ticket(app.test_client())
    courier = courier_of(app)
    courier.deliver_next()
    assert "QUIT" not in server.verbs()
    courier.close()
    assert "QUIT" in server.verbs()


def test_own_name_is_one(smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]) -> None:
    """The greeting has a full host name or an address literal (RFC 5321, 4.1.3), which strict servers ask for."""
    server = smtp()
    app = make_site(server)
    send_ticket(app.test_client())
    deliver(app)
    name = server.lines[0].split(" ")[1]
    assert "." in name
    assert name[0] != "[" or name[-1] == "]"


def test_check_sends_nothing(smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask]) -> None:
    """The check connects and logs in, and says what is wrong in the server's words."""
    server = smtp({"AUTH": ["235 welcome", "535 5.7.8 wrong password"]}, extensions=["AUTH PLAIN"])
    app = make_site(server, MAIL_USERNAME="docs", MAIL_PASSWORD=PASSWORD)
    transport = Transport(app, app.extensions["kapa_handoff"].config)
    transport.check()
    with pytest.raises(Delayed, match=r"535 5\.7\.8 wrong password"):
        transport.check()
    assert "MAIL" not in server.verbs()


# Flask-Mail's configuration


def test_no_wire_trace(
    mail_server: MailServer, make_site: Callable[..., Flask], capfd: pytest.CaptureFixture[str]
) -> None:
    """MAIL_DEBUG, which follows app.debug, does not print the transcript on stderr."""
    app = make_site(mail_server, DEBUG=True, MAIL_DEBUG=True)
    flask_mail.Mail(app)
    assert app.extensions["mail"].debug
    send_ticket(app.test_client())
    capfd.readouterr()
    assert deliver(app).status is Status.DELIVERED
    printed = capfd.readouterr()
    assert printed.out == ""
    assert [line for line in printed.err.splitlines() if not line.startswith(("[20", "INFO"))] == []


@pytest.mark.parametrize("suppressed", [True, False])
def test_flask_mail_recorder_sees_the_mail(
    mail_server: MailServer, make_site: Callable[..., Flask], suppressed: bool
) -> None:
    """The site's record_messages() has the mail as it was sent, also when MAIL_SUPPRESS_SEND keeps it in."""
    app = make_site(mail_server, MAIL_SUPPRESS_SEND=suppressed)
    mail = flask_mail.Mail(app)
    reference = send_ticket(app.test_client(), note="Not on Tuesdays.")
    with mail.record_messages() as recorded:
        ticket = deliver(app)
    assert ticket.status is Status.DELIVERED
    (message,) = recorded
    assert message.subject == f"[site] {reference}: How do I rotate a key?"
    assert (message.recipients, message.reply_to) == (["support@example.com"], "visitor@example.com")
    assert message.sender == "site@example.com"
    assert "Not on Tuesdays." in message.body
    assert "Not on Tuesdays." in message.html
    assert f"X-Kapa-Handoff-Ticket: {reference}".encode() in message.as_bytes()
    assert message.as_string().encode() == message.as_bytes()
    assert [mail.data for mail in mail_server.received] == ([] if suppressed else [message.as_bytes()])
    if suppressed:
        _, attempts = look_up(app, reference)
        assert "MAIL_SUPPRESS_SEND" in (attempts[0].detail or "")


def test_testing_app_sends_nothing(mail_server: MailServer, make_site: Callable[..., Flask]) -> None:
    """In a site's own tests (TESTING) nothing leaves, as with Flask-Mail itself."""
    app = make_site(mail_server, TESTING=True)
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    assert mail_server.received == []


@pytest.mark.parametrize("way", ["argument", "before", "after", "none"])
def test_sites_flask_mail_is_used(mail_server: MailServer, make_app: Callable[..., Flask], way: str) -> None:
    """The site's Mail counts, however it got there: handed over, set up before or after; else MAIL_* is read."""
    app = make_app(mount=False, MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    handed_over: flask_mail.Mail | None = None
    if way == "argument":
        handed_over = flask_mail.Mail(app)
        app.extensions["mail"] = flask_mail.Mail().init_mail({"MAIL_PORT": free_port()})
    elif way == "before":
        flask_mail.Mail(app)
    KapaHandoff(app, mail=handed_over)
    if way == "after":
        flask_mail.Mail(app)
    if way in ("before", "after"):
        app.config["MAIL_PORT"] = free_port()  # read when Mail was set up; nobody looks at it again
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    assert len(mail_server.received) == 1


@pytest.mark.parametrize("sender", [None, "", "Docs", "Foo, Bar <docs@example.com>", "a@b@c"])
def test_wrong_default_sender_is_named(
    mail_server: MailServer, make_site: Callable[..., Flask], sender: str | None
) -> None:
    """A MAIL_DEFAULT_SENDER that is missing or no address delays the ticket, and the error names the key."""
    app = make_site(mail_server, MAIL_DEFAULT_SENDER=sender)
    send_ticket(app.test_client())
    ticket = deliver(app)
    if ticket.status is Status.DELIVERED:  # a lenient reading is as good, if it is the right one
        assert mail_server.received[0].sender == "docs@example.com"
        return
    assert_queued_again(ticket, "MAIL_DEFAULT_SENDER")


def test_sender_of_the_package_comes_first(mail_server: MailServer, make_site: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SENDER takes precedence over MAIL_DEFAULT_SENDER, in the envelope as in From."""
    app = make_site(mail_server, KAPA_HANDOFF_SENDER=("Foo, Bar", "handoff@example.com"))
    send_ticket(app.test_client())
    deliver(app)
    (mail,) = mail_server.received
    assert mail.sender == "handoff@example.com"
    assert mail.message["From"] == '"Foo, Bar" <handoff@example.com>'


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"MAIL_PORT": "smtp"}, "MAIL_PORT"),
        ({"MAIL_SERVER": ""}, "MAIL_SERVER"),
        ({"MAIL_PORT": 99_999}, "MAIL_PORT"),
        ({"MAIL_SERVER": "no such host"}, "gaierror"),
        ({"MAIL_SERVER": "x" * 70}, "too long"),
        ({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": "pässwörd"}, "MAIL_PASSWORD"),
    ],
    ids=str,
)
def test_wrong_mail_configuration_delays(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], config: dict[str, Any], word: str
) -> None:
    """A wrong MAIL_* value leaves no ticket in the air: it is queued again, with a reason."""
    app = make_site(smtp(extensions=["AUTH PLAIN"]), **config)
    reference = send_ticket(app.test_client())
    assert_queued_again(deliver(app), word)
    _, attempts = look_up(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.UNREACHABLE]


# Logs


def test_logs_have_nothing_personal(
    smtp: Callable[..., ScriptedServer], make_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Success, delay, refusal and a mail that cannot be composed are logged by reference, without a personal word."""
    caplog.set_level(logging.DEBUG)
    server = smtp({"RCPT": ["250 ok", "450 <support@example.com>: busy", "550 <support@example.com>: gone"]})
    app = make_site(server)
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
    with app.extensions["kapa_handoff"].database.write() as connection:  # an address that no mail can carry
        connection.execute(
            ticket_table.update()
            .where(ticket_table.c.reference == references[3])
            .values(visitor_email="ada.lovelace@example.org\n")
        )
    courier.deliver_next()
    courier.close()
    assert [look_up(app, reference)[0].status for reference in references] == [
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
