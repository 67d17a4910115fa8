"""Uses the site's own Flask-Mail: its configuration for our connections, and its signal.

Only this module imports Flask-Mail. The connection of version 0.10 is not used: it has no timeout, does not verify
certificates, prints the whole exchange if the app is in debug mode, and reports an error at QUIT for a mail that was
accepted.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from typing import Any

import flask_mail
from flask import current_app

from ...tracebacks import without_message
from ..mailroom import Mailroom
from ..outcomes import Unreachable
from .mail_settings import MailSettings, read_mail_settings
from .message import ComposedMessage
from .replies import before_mail
from .sender import find_sender
from .smtp_client import EncryptedSMTPClient, SMTPClient

_logger = logging.getLogger(__name__)


class SiteMail:
    """How the site sends mail."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom
        self._config = mailroom.config

    @property
    def state(self) -> Any:
        """Flask-Mail's state for this app. Looked up late, since a site may set up Flask-Mail after this package."""
        app, mail = self._mailroom.app, self._mailroom.mail
        own = mail.state if mail is not None else None
        found = own or app.extensions.get("mail")
        if hasattr(found, "suppress"):
            return found
        # There is none, or one of another library with the same name.
        config = app.config | {"MAIL_DEBUG": False}  # not used here, and Flask-Mail does not take text
        return flask_mail.Mail().init_mail(config, app.debug, app.testing)

    @property
    def settings(self) -> MailSettings:
        """The same, read and checked.

        Raises:
            Unreachable: a value is wrong; the message begins with the key.
        """
        try:
            return read_mail_settings(self.state)
        except ValueError as error:
            raise Unreachable(str(error)) from error

    @property
    def sender(self) -> str | None:
        """The ``From`` address: ``KAPA_HANDOFF_SENDER``, else ``MAIL_DEFAULT_SENDER``.

        Raises:
            ValueError: ``MAIL_DEFAULT_SENDER`` is not an address.
        """
        return find_sender(self._mailroom)

    def connect(self, deadline: float) -> SMTPClient:
        """Connect, start TLS and log in, according to the site's ``MAIL_*`` configuration.

        Arguments:
            deadline: the moment (``time.monotonic()``) at which the whole exchange must end.

        Raises:
            Unreachable: the configuration names no usable server, or the server hung up with a refusal.
            OSError, smtplib.SMTPException, ValueError: any other error.
        """
        mail = self.settings
        client = self._open(mail, deadline)
        try:
            client.ehlo_or_helo_if_needed()
            if mail.use_tls:
                client.starttls(context=self._tls())
                client.ehlo_or_helo_if_needed()  # what the server offers now is all that counts (RFC 3207, 4.2)
            if mail.username is not None and mail.password is not None:
                client.login(mail.username, mail.password)
        except BaseException as error:
            client.close()
            if isinstance(error, UnicodeEncodeError):
                raise Unreachable("MAIL_USERNAME, MAIL_PASSWORD: smtplib sends ASCII characters only") from None
            if isinstance(error, smtplib.SMTPServerDisconnected) and client.refusal is not None:
                raise Unreachable(before_mail(client.refusal)) from None
            raise
        return client

    def _open(self, mail: MailSettings, deadline: float) -> SMTPClient:
        if mail.server is None:
            raise Unreachable("MAIL_SERVER is not set")
        timeout = self._config.smtp_timeout
        if mail.use_ssl:
            return EncryptedSMTPClient(deadline, mail.server, mail.port, timeout=timeout, context=self._tls())
        return SMTPClient(deadline, mail.server, mail.port, timeout=timeout)

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self._config.smtp_verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def announce(message: ComposedMessage) -> bool:
    """Tell the site's receivers of ``email_dispatched``, and ``record_messages()``, about a mail that was sent.

    Never raises: the mail was sent, and an error of theirs must not repeat it.

    Returns:
        Whether one of them accepted it in place of a mail server; see :attr:`SentMessage.accepted`.
    """
    if not flask_mail.email_dispatched.receivers:
        return False
    sent = SentMessage(message)
    try:
        flask_mail.email_dispatched.send(
            current_app._get_current_object(),  # type: ignore[attr-defined]
            message=sent,
        )
    except Exception as error:
        _logger.error("A receiver of Flask-Mail's email_dispatched failed. %s", without_message(error))
    return sent.accepted


class SentMessage(flask_mail.Message):
    """Flask-Mail's view of a mail that was composed here."""

    accepted = False
    """A receiver that stands in for the mail server, as in a site's own tests, sets this."""

    def __init__(self, message: ComposedMessage) -> None:
        super().__init__(
            message.subject,
            recipients=[*message.recipients],
            body=message.text,
            html=message.html,
            sender=message.sender,
            reply_to=message.reply_to,
        )
        self._data = message.data

    def as_bytes(self) -> bytes:
        return self._data

    def as_string(self) -> str:
        return self._data.decode("ascii")
