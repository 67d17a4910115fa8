"""Real servers on loopback for the tests: a mail server that keeps what arrives, a web server for browsers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from werkzeug.serving import make_server

from tests.helpers.mails import content


class Received:
    """One mail as it arrived: the envelope, the bytes, and the parsed message."""

    def __init__(self, envelope: Envelope) -> None:
        self.sender = envelope.mail_from
        self.recipients = list(envelope.rcpt_tos)
        assert envelope.original_content is not None
        self.data = envelope.original_content
        self.message: EmailMessage = message_from_bytes(self.data, policy=policy.default)

    def body(self, kind: str) -> str:
        """The text of the ``plain`` or ``html`` part."""
        part = self.message.get_body((kind,))
        assert part is not None
        return content(part)


class _Controller(Controller):
    """aiosmtpd's controller, on a port that the kernel chooses."""

    def factory(self) -> SMTP:
        # Without its loop, aiosmtpd asks asyncio for one in a way that newer Pythons warn about.
        return SMTP(self.handler, loop=self.loop, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        # It now connects once to see whether the server answers: to the port that was bound, not to port 0.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class MailServer:
    """An SMTP server on a free port of loopback. ``replies`` overrides replies to RCPT or DATA, one after another."""

    def __init__(self, port: int = 0, **smtp_options: Any) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.replies: dict[str, list[str]] = {"RCPT": [], "DATA": []}
        self._news = threading.Condition()
        self._controller = _Controller(self, hostname="127.0.0.1", port=port, **smtp_options)

    @property
    def port(self) -> int:
        return self._controller.port

    def start(self) -> MailServer:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.replies["RCPT"]:
            reply = self.replies["RCPT"].pop(0)
            if not reply.startswith("250"):
                return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.replies["DATA"].pop(0) if self.replies["DATA"] else "250 2.0.0 taken"
        if reply.startswith("250"):
            with self._news:
                self.received.append(Received(envelope))
                self._news.notify_all()
        return reply

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Received]:
        """The mails, as soon as there are ``count`` of them."""
        with self._news:
            arrived = self._news.wait_for(lambda: len(self.received) >= count, seconds)
        assert arrived, f"{len(self.received)} of {count} mails arrived within {seconds} seconds"
        return list(self.received)


class WebServer:
    """A threaded web server on a free port of loopback."""

    def __init__(self, app: Flask | Callable[..., Any], *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=ssl_context)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def free_port() -> int:
    """A port of loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
