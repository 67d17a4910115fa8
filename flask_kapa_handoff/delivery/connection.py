"""One connection to the mail server: Flask-Mail's, with an end in time, verified certificates and no wire trace."""

from __future__ import annotations

import smtplib
import ssl
from typing import Any

import flask_mail

from ..config import Config
from ..storage.records import Outcome
from .exchange import EncryptedExchange, Exchange


class Delayed(Exception):
    """The mail could not be sent now; a later try may succeed. The message is the server's word."""

    outcome = Outcome.DELAYED


class Unreachable(Delayed):
    """No usable connection could be made, up to the log-in; nothing of the mail was said."""

    outcome = Outcome.UNREACHABLE


class Unanswered(Delayed):
    """The whole mail was sent and the reply was lost: it may have been accepted, and a later try be a duplicate."""

    outcome = Outcome.UNKNOWN


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with a timeout, verified certificates and no wire trace."""

    def __init__(self, mail: Any, config: Config, deadline: float) -> None:
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
        if not 0 <= port <= 65_535:
            raise Unreachable(f"MAIL_PORT: {port} is no port; use 1 to 65535")
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
