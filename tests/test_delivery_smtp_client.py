"""The SMTP client ends in time, whatever the server, the network or the name server does."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.mail.smtp_client import EncryptedSMTPClient, SMTPClient
from flask_kapa_handoff.delivery.mail.transport import Transport
from flask_kapa_handoff.delivery.outcomes import Unreachable
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import BUSY_TIMEOUT
from flask_kapa_handoff.storage.tables import delivery_attempt
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from tests.helpers.scripted_smtp import FLOOD, HANG_UP, ScriptedServer, make_certificate, server_context
from tests.helpers.tickets import send_ticket

SOON = 1.0  # seconds that a test waits for what would never come
EVER = 600.0
LARGE = b"x" * 400_000


def client_with(server: ScriptedServer, *, patience: float = EVER, timeout: float = EVER) -> SMTPClient:
    return SMTPClient(time.monotonic() + patience, "127.0.0.1", server.port, timeout=timeout)


@pytest.fixture(params=["plain", "TLS"])
def slow_reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., SMTPClient]]:
    """A client with a server that reads everything, at 16 kB in a tenth of a second."""
    context = server_context(make_certificate(tmp_path, "IP:127.0.0.1")) if request.param == "TLS" else None
    stopped = threading.Event()

    def read(listener: socket.socket) -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as plain:
            connection = context.wrap_socket(plain, server_side=True) if context else plain
            with connection:
                connection.sendall(b"220 hello\r\n")
                while connection.recv(16_384) and not stopped.wait(0.1):
                    pass

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        reader = threading.Thread(target=read, args=(listener,))
        reader.start()

        def connect(*, patience: float, timeout: float) -> SMTPClient:
            deadline, port = time.monotonic() + patience, listener.getsockname()[1]
            if context is None:
                client = SMTPClient(deadline, "127.0.0.1", port, timeout=timeout)
            else:
                trusting = ssl.create_default_context()
                trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
                client = EncryptedSMTPClient(deadline, "127.0.0.1", port, timeout=timeout, context=trusting)
            assert client.sock is not None
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
            return client

        yield connect
        stopped.set()
        reader.join(20)


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The next replies of the name server, instead of a real one's."""
    answers: list[Any] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        answer = answers.pop(0)
        found: list[Any] = answer(port) if callable(answer) else answer
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


def addresses(*hosts: str) -> Callable[[int], list[Any]]:
    return lambda port: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in hosts]


@pytest.mark.parametrize("timeout", [1, 30, 600])
def test_a_mail_ends_before_its_lease(make_app: Callable[..., Flask], timeout: int) -> None:
    """Whatever the timeout, a mail has less time than its ticket's lease, and the rest is enough for the database."""
    app = make_app(KAPA_HANDOFF_SMTP_TIMEOUT=timeout)
    state = state_of(app)
    send_ticket(app.test_client())
    assert outbox.claim(state.database, state.config.smtp_timeout)
    with state.database.read() as connection:
        until = connection.execute(select(ticket_table.c.leased_until)).scalar_one()
        since = connection.execute(select(delivery_attempt.c.started_at)).scalar_one()
    lease = (until - since).total_seconds()
    assert timeout < Transport(state).patience <= lease - BUSY_TIMEOUT


def test_name_server_without_a_response(look_ups: list[Any]) -> None:
    """A slow look-up ends at the timeout, though getaddrinfo() itself has none."""
    answered = threading.Event()
    look_ups.append(lambda port: [answered.wait(20)][1:])
    with ScriptedServer() as server, pytest.raises(TimeoutError, match="looking up 127"):
        client_with(server, timeout=SOON)
    answered.set()


def test_name_server_that_finds_nothing(look_ups: list[Any]) -> None:
    """The name server's own error message is passed on."""

    def unknown(port: int) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    look_ups.append(unknown)
    with ScriptedServer() as server, pytest.raises(socket.gaierror, match="not known"):
        client_with(server)


def test_each_address_is_tried(look_ups: list[Any]) -> None:
    """If a server has several addresses and one refuses, the next one is used."""
    look_ups.append(addresses("127.0.0.2", "127.0.0.1"))
    with ScriptedServer() as server:
        client_with(server).quit()


def test_look_up_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that can start no thread, as one at its end, finds the mail server all the same."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with ScriptedServer() as server, monkeypatch.context() as patch:
        real = threading.Thread.start
        patch.setattr(threading.Thread, "start", lambda it: start(it) if it.name.startswith("dns") else real(it))
        client_with(server).quit()


def test_handshake_has_what_the_reply_left() -> None:
    """After a late reply the socket waits no longer than until the deadline: a handshake takes it as it is."""
    said: list[float] = []

    def late() -> str:
        threading.Event().wait(0.4)
        said.append(time.monotonic())
        return "220 go ahead"

    with ScriptedServer({"STARTTLS": [late]}) as server:
        client = client_with(server, patience=5.0)
        client.docmd("STARTTLS")
        assert client.sock is not None
        waits = client.sock.gettimeout()
        assert waits is not None
        assert waits <= client.deadline - said[0]
        client.close()


def test_endless_reply_ends_early() -> None:
    """An endless reply is cut off after a number of octets, before memory or time runs out."""
    with ScriptedServer({"NOOP": [FLOOD]}) as server:
        client = client_with(server, timeout=20.0)
        with pytest.raises(OSError, match="a reply of more than 100000 octets"):
            client.noop()


def test_long_exchange_is_no_endless_reply() -> None:
    """Only one reply counts, however many were said before it over the same connection."""
    reply = "\r\n".join(["250-" + "x" * 500] * 100 + ["250 ok"])
    with ScriptedServer({"NOOP": [reply] * 4}) as server:
        client = client_with(server)
        assert [client.noop()[0] for _ in range(4)] == [250] * 4
        client.quit()


def test_nothing_is_sent_after_the_deadline() -> None:
    """When the time is up, not even a command goes out that the network would take at once."""
    with ScriptedServer() as server:
        client = client_with(server)
        client.deadline = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            client.docmd("NOOP")
        server.wait_for(lambda: server.open == 0)
        assert server.lines == []


def test_slow_server_gets_a_large_mail(slow_reader: Callable[..., SMTPClient]) -> None:
    """A large mail may take longer than the timeout, as long as the server goes on reading."""
    client = slow_reader(patience=EVER, timeout=SOON)
    begun = time.monotonic()
    client.send(LARGE)
    assert time.monotonic() - begun > SOON
    client.close()


def test_large_mail_ends_at_the_deadline(slow_reader: Callable[..., SMTPClient]) -> None:
    """However steadily the server reads, the deadline holds, over TLS, too."""
    client = slow_reader(patience=SOON, timeout=EVER)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        client.send(LARGE)


def test_last_piece_is_not_held_back() -> None:
    """A mail goes out in pieces, and the network holds none back until those before it are acknowledged (40 ms)."""
    with ScriptedServer() as server:
        client = client_with(server)
        assert client.sock is not None
        assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        client.quit()


def test_lost_connection_is_named() -> None:
    """A connection that broke while something was said has the network's word in its error."""
    with ScriptedServer({"CONNECT": ["220 hello" + HANG_UP]}) as server:
        client = client_with(server)
        server.wait_for(lambda: server.open == 0)
        with pytest.raises(OSError, match="Connection unexpectedly closed") as error:
            client.send(b"NOOP\r\n" * 1_000_000)
        assert any(word in str(error.value) for word in ("reset", "Broken pipe"))


def test_nonsense_at_login(make_app: Callable[..., Flask]) -> None:
    """A challenge that is no base64 is the server's fault, and the server counts as out of reach."""
    with ScriptedServer({"AUTH": ["334 abc"]}, extensions=["AUTH PLAIN"]) as server:
        app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, MAIL_USERNAME="docs", MAIL_PASSWORD="secret")
        with pytest.raises(Unreachable):
            Transport(state_of(app)).check()
        server.wait_for(lambda: server.open == 0)
