"""Sending a mail: Flask-Mail's configuration, the site's own Mail object, and the sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_mail
import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.storage.tickets import Outcome, Status
from tests.helpers.couriers import assert_queued_again, deliver, deliver_as_a_worker, ticket_and_attempts
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")


def test_no_protocol_log(
    mail_server: MailServer, smtp_site: Callable[..., Flask], capfd: pytest.CaptureFixture[str]
) -> None:
    """MAIL_DEBUG, which follows app.debug, does not print the transcript on stderr."""
    app = smtp_site(mail_server, DEBUG=True, MAIL_DEBUG=True)
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
    mail_server: MailServer, smtp_site: Callable[..., Flask], suppressed: bool
) -> None:
    """The site's record_messages() has the mail as it was sent, also when MAIL_SUPPRESS_SEND keeps it in."""
    app = smtp_site(mail_server, MAIL_SUPPRESS_SEND=suppressed)
    mail = flask_mail.Mail(app)
    reference = send_ticket(app.test_client(), note="Not on Tuesdays.")
    with mail.record_messages() as recorded:
        ticket = deliver_as_a_worker(app)
    assert ticket.status is (Status.SUPPRESSED if suppressed else Status.DELIVERED)
    (message,) = recorded
    assert message.subject == f"[site] {reference}: How do I rotate a key?"
    assert (message.recipients, message.reply_to) == (["support@example.com"], "visitor@example.com")
    assert message.sender == "site@example.com"
    assert "Not on Tuesdays." in (message.body or "")
    assert "Not on Tuesdays." in (message.html or "")
    assert f"X-Kapa-Handoff-Ticket: {reference}".encode() in message.as_bytes()
    assert message.as_string().encode() == message.as_bytes()
    assert [mail.data for mail in mail_server.received] == ([] if suppressed else [message.as_bytes()])
    if suppressed:
        _, attempts = ticket_and_attempts(app, reference)
        assert "MAIL_SUPPRESS_SEND" in (attempts[0].detail or "")


def test_testing_app_sends_nothing(mail_server: MailServer, smtp_site: Callable[..., Flask]) -> None:
    """In a site's own tests (TESTING) nothing leaves, as with Flask-Mail itself."""
    app = smtp_site(mail_server, TESTING=True)
    send_ticket(app.test_client())
    assert deliver_as_a_worker(app).status is Status.SUPPRESSED
    assert mail_server.received == []


@pytest.mark.parametrize("way", ["argument", "before", "after", "none"])
def test_sites_flask_mail_is_used(mail_server: MailServer, make_app: Callable[..., Flask], way: str) -> None:
    """The site's Mail counts, whether passed, set up before or set up after; without one, MAIL_* is read."""
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


@pytest.mark.parametrize("sender", [None, "", "Docs", "Foo, Bar <docs@example.com>", "a@b@c", {"Docs": 1}], ids=str)
def test_wrong_default_sender_is_named(
    mail_server: MailServer, smtp_site: Callable[..., Flask], sender: object
) -> None:
    """A MAIL_DEFAULT_SENDER that is missing or no address delays the ticket, and the error names the key."""
    app = smtp_site(mail_server, MAIL_DEFAULT_SENDER=sender)
    send_ticket(app.test_client())
    ticket = deliver(app)
    if ticket.status is Status.DELIVERED:  # a lenient reading is as good, if it is the right one
        assert mail_server.received[0].sender == "docs@example.com"
        return
    assert_queued_again(ticket, "MAIL_DEFAULT_SENDER")


def test_sender_of_the_package_comes_first(mail_server: MailServer, smtp_site: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SENDER takes precedence over MAIL_DEFAULT_SENDER, in the envelope as in From."""
    sender = ("Foo, Bar", "handoff@example.com")
    app = smtp_site(mail_server, KAPA_HANDOFF_SENDER=sender, KAPA_HANDOFF_SENDER_NAMES_VISITOR=False)
    send_ticket(app.test_client())
    deliver(app)
    (mail,) = mail_server.received
    assert mail.sender == "handoff@example.com"
    assert mail.message["From"] == '"Foo, Bar" <handoff@example.com>'


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"MAIL_SERVER": ""}, "MAIL_SERVER"),
        ({"MAIL_SERVER": "no-such-host.invalid"}, "gaierror"),
        ({"MAIL_SERVER": "x" * 70}, "too long"),
        ({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": "pässwörd"}, "MAIL_PASSWORD"),
    ],
    ids=str,
)
def test_wrong_mail_configuration_delays(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], config: dict[str, Any], word: str
) -> None:
    """A wrong MAIL_* value leaves no ticket in the air: it is queued again, with a reason."""
    app = smtp_site(smtp(extensions=["AUTH PLAIN"]), **config)
    reference = send_ticket(app.test_client())
    assert_queued_again(deliver(app), word)
    _, attempts = ticket_and_attempts(app, reference)
    assert [attempt.outcome for attempt in attempts] == [Outcome.UNREACHABLE]
