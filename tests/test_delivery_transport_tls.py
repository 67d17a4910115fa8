"""Sending a mail: a server whose certificate is not trusted gets no password."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.couriers import PASSWORD, assert_queued_again, deliver
from tests.helpers.scripted_smtp import ScriptedServer, make_certificate, server_context
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

PASSWORD_ON_THE_WIRE = b"AGRvY3MAY29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="  # base64 of "\0docs\0" and the password


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Self-signed certificates: for the server's address, and for another host's."""
    return {
        name: make_certificate(tmp_path_factory.mktemp(name), subject)
        for name, subject in (("own", "IP:127.0.0.1"), ("foreign", "DNS:other.example"))
    }


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
    smtp_site: Callable[..., Flask],
    certificates: dict[str, Path],
    kind: str,
) -> None:
    """A server that cannot prove who it is gets neither password nor mail; the ticket waits."""
    server = tls_server(smtp, kind, certificates["own"])
    app = smtp_site(server, **tls_config(kind))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "CERTIFICATE_VERIFY_FAILED")
    assert "AUTH" not in server.verbs()
    assert PASSWORD_ON_THE_WIRE not in heard(server)
    assert server.mails == []


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_certificate_of_another_host_gets_no_password(
    smtp: Callable[..., ScriptedServer],
    smtp_site: Callable[..., Flask],
    certificates: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """A trusted certificate for another name is not enough."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["foreign"]))
    server = tls_server(smtp, kind, certificates["foreign"])
    app = smtp_site(server, **tls_config(kind))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "CERTIFICATE_VERIFY_FAILED")
    assert "AUTH" not in server.verbs()


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_trusted_certificate_is_taken(
    smtp: Callable[..., ScriptedServer],
    smtp_site: Callable[..., Flask],
    certificates: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """A server with a certificate that the machine trusts gets the password and the mail, both encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["own"]))
    server = tls_server(smtp, kind, certificates["own"])
    app = smtp_site(server, **tls_config(kind))
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    assert PASSWORD_ON_THE_WIRE in heard(server)
    assert len(server.mails) == 1


@pytest.mark.parametrize("kind", ["starttls", "smtps"])
def test_verification_can_be_switched_off(
    smtp: Callable[..., ScriptedServer],
    smtp_site: Callable[..., Flask],
    certificates: dict[str, Path],
    kind: str,
) -> None:
    """KAPA_HANDOFF_SMTP_VERIFY_TLS=False accepts any certificate, for a server in one's own network."""
    server = tls_server(smtp, kind, certificates["foreign"])
    app = smtp_site(server, KAPA_HANDOFF_SMTP_VERIFY_TLS=False, **tls_config(kind))
    send_ticket(app.test_client())
    assert deliver(app).status is Status.DELIVERED
    assert len(server.mails) == 1


def test_without_starttls_nothing_is_sent_unencrypted(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]
) -> None:
    """Where STARTTLS was asked for and is not offered, as with somebody in between, nothing is sent unencrypted."""
    server = smtp(extensions=["AUTH PLAIN"])
    app = smtp_site(server, **tls_config("starttls"))
    send_ticket(app.test_client())
    assert_queued_again(deliver(app), "STARTTLS")
    assert not {"AUTH", "MAIL"} & set(server.verbs())
