"""One connection to the mail server: Flask-Mail's, with an end in time, verified certificates and no wire trace."""

from __future__ import annotations

import math
import smtplib
import socket
import ssl
import time
from typing import Any

import flask_mail

from ..config import Config
from ..storage.records import Outcome


class Delayed(Exception):
    """The mail could not be sent now; a later try may succeed. The message is the server's word."""

    outcome = Outcome.DELAYED


class Unreachable(Delayed):
    """No usable connection could be made, up to the log-in; nothing of the mail was said."""

    outcome = Outcome.UNREACHABLE


class Unanswered(Delayed):
    """The whole mail was sent and the reply was lost: it may have been accepted, and a later try be a duplicate."""

    outcome = Outcome.UNKNOWN


class Exchange(smtplib.SMTP):
    """smtplib's exchange with two additions: an end in time, and a memory of the last refusal.

    The timeout alone is for each wait: a server that takes its time at every step could outlast a ticket's lease,
    and somebody else would send the mail, too.
    """

    def __init__(self, deadline: float, server: str, port: int, **options: Any) -> None:
        self.deadline = deadline
        self.refusal: str | None = None
        super().__init__(server, port, _own_name(), **options)

    def send(self, s: Any) -> None:
        self._hurry()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        self._hurry()
        code, reply = super().getreply()
        if code >= 400:
            self.refusal = words_of_reply(code, reply)
        return code, reply

    def _hurry(self) -> None:
        if self.sock is not None:
            self.sock.settimeout(max(0.001, min(self.timeout, self.deadline - time.monotonic())))


class EncryptedExchange(Exchange, smtplib.SMTP_SSL):
    """The same, encrypted from the start."""


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with a timeout, verified certificates and no wire trace."""

    def __init__(self, mail: Any, config: Config, deadline: float = math.inf) -> None:
        super().__init__(mail)
        self._timeout = config.smtp_timeout
        self._verify_tls = config.smtp_verify_tls
        self._deadline = deadline

    def configure_host(self) -> Exchange:
        mail = self.mail
        if not mail.server:
            raise Unreachable("MAIL_SERVER is not set")
        try:
            port = int(mail.port or 0)
        except ValueError:
            raise Unreachable(f"MAIL_PORT: {mail.port!r} is no number") from None
        if mail.use_ssl:
            host: Exchange = EncryptedExchange(
                self._deadline, mail.server, port, timeout=self._timeout, context=self._tls()
            )
        else:
            host = Exchange(self._deadline, mail.server, port, timeout=self._timeout)
        try:
            host.ehlo_or_helo_if_needed()
            if mail.use_tls:
                host.starttls(context=self._tls())
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
        except BaseException as error:
            host.close()
            if isinstance(error, UnicodeEncodeError):
                raise Unreachable("MAIL_USERNAME, MAIL_PASSWORD: smtplib sends ASCII characters only") from None
            if isinstance(error, smtplib.SMTPServerDisconnected) and host.refusal is not None:
                raise Unreachable(host.refusal) from None
            raise
        return host

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self._verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def words_of_reply(code: int, reply: bytes | str) -> str:
    """A server's reply on one line, at most 500 characters."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"[:500].strip()


def _own_name() -> str:
    # Given by hand, since smtplib would ask the DNS for it, for as long as that takes. RFC 5321, 4.1.3: an address
    # literal where there is no full name.
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
