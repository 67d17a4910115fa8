"""MAIL, RCPT and DATA: in one write where the server offers PIPELINING, else one after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff.delivery.mail.smtp_client import SMTPClient
from flask_kapa_handoff.storage.tickets import Status, Ticket
from tests.helpers.couriers import deliver, deliver_in_turn
from tests.helpers.scripted_smtp import ScriptedServer, make_certificate, server_context
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

PIPELINING = {"extensions": ["PIPELINING"]}
GROUP = "MAIL FROM:<site@example.com>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What clients write in one go, without the mails."""
    found: list[str] = []
    send = SMTPClient.send

    def noted(client: SMTPClient, data: Any) -> None:
        if isinstance(data, str):
            found.append(data)
        send(client, data)

    monkeypatch.setattr(SMTPClient, "send", noted)
    return found


def deliver_tickets(app: Flask, number: int = 1) -> list[Ticket]:
    for _ in range(number):
        send_ticket(app.test_client())
    return deliver_in_turn(app)


def test_one_write_for_each_mail(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], written: list[str]
) -> None:
    """The commands go out together, on a new and on a kept connection, and not before the reply to EHLO."""
    server = smtp(**PIPELINING)
    tried = deliver_tickets(smtp_site(server), 2)
    assert [ticket.status for ticket in tried] == [Status.DELIVERED] * 2
    assert [text.split()[0].upper() for text in written] == ["EHLO", "MAIL", "MAIL", "QUIT"]
    assert written[1:3] == [GROUP] * 2
    assert (len(server.mails), server.connections) == (2, 1)


@pytest.mark.parametrize("offer", [["8BITMIME"], ["XPIPELINING"], []], ids=str)
def test_one_after_another_without_the_offer(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], written: list[str], offer: list[str]
) -> None:
    """A server that does not offer it gets each command after its reply to the one before."""
    server = smtp(extensions=offer)
    assert deliver_tickets(smtp_site(server))[0].status is Status.DELIVERED
    assert written[1:4] == [f"{line}\r\n" for line in GROUP.splitlines()]


def test_a_server_that_knows_only_helo(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], written: list[str]
) -> None:
    """HELO offers nothing."""
    server = smtp({"EHLO": ["500 what?"]}, **PIPELINING)
    assert deliver_tickets(smtp_site(server))[0].status is Status.DELIVERED
    assert GROUP not in written


@pytest.mark.parametrize(("before", "after"), [("PIPELINING", "SIZE"), ("SIZE", "PIPELINING")])
def test_after_starttls_only_the_encrypted_offer_counts(
    smtp: Callable[..., ScriptedServer],
    smtp_site: Callable[..., Flask],
    written: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    after: str,
) -> None:
    """EHLO is sent once more, since anybody on the way could have written the first reply."""
    certificate = make_certificate(tmp_path, "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    offers: list[Any] = [
        f"250-scripted.example\r\n250-STARTTLS\r\n250 {before}",
        f"250-scripted.example\r\n250 {after}",
    ]
    server = smtp({"EHLO": offers}, starttls=server_context(certificate))
    assert deliver_tickets(smtp_site(server, MAIL_USE_TLS=True))[0].status is Status.DELIVERED
    assert server.verbs()[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert (GROUP in written) == (after == "PIPELINING")


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]], ids=str)
def test_some_recipients_are_refused(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], extensions: list[str]
) -> None:
    """The others get the mail, and each reply is taken for its own recipient's."""
    replies: list[Any] = ["550 5.1.1 nobody", "250 ok", "451 4.2.1 later"]
    server = smtp({"RCPT": replies}, extensions=extensions)
    app = smtp_site(server, KAPA_HANDOFF_EMAIL="a@example.com, b@example.com, c@example.com")
    send_ticket(app.test_client())
    ticket = deliver(app)
    assert (ticket.status, ticket.recipient) == (Status.QUEUED, "c@example.com")
    assert ticket.last_error == (
        "451 4.2.1 later (for c@example.com) / 250 taken / Not accepted for a@example.com: 550 5.1.1 nobody"
    )
    assert len(server.mails) == 1


@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]], ids=str)
def test_the_connection_serves_the_mail_after_a_refused_one(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], extensions: list[str]
) -> None:
    """All replies to a refused mail are read, so that none of them passes for a reply to the next mail."""
    server = smtp(
        {"RCPT": ["550 5.1.1 nobody"], "DATA": ["554 5.5.1 no recipients"][: len(extensions)]}, extensions=extensions
    )
    tried = deliver_tickets(smtp_site(server), 2)
    assert [ticket.status for ticket in tried] == [Status.FAILED, Status.DELIVERED]
    assert "550 5.1.1 nobody" in str(tried[0].last_error)
    assert (len(server.mails), server.connections) == (1, 1)
    assert server.verbs().count("RSET") == 1
