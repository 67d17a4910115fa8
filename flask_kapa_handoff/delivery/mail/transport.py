"""The way to the mail server: Flask-Mail's configuration and connection, with its gaps closed.

Only this module and ``connection.py`` import Flask-Mail. Flask-Mail 0.10 has no timeout, does not verify
certificates, prints the whole exchange when the app is in debug mode, and lets an error at QUIT hide that a mail was
accepted.
"""

from __future__ import annotations

import logging
import math
import re
import smtplib
import time
from functools import lru_cache
from typing import Any

import flask_mail
from flask import Flask, current_app

from ...config import Config, parse_sender
from ...storage import BUSY_TIMEOUT
from ...tracebacks import without_message
from ..outbox import LEASE_MARGIN
from .message import ComposedMessage
from .smtp_client import Connection, Delayed, Exchange, Unanswered, Unreachable, words_of_reply

__all__ = ["Delayed", "Refused", "Transport", "Unanswered", "Unreachable"]

# The dot first: base64 has none, and to look for it is much faster than to look at every end of a line.
_FIRST_DOT = re.compile(rb"\.(?<=\r\n\.)")

_logger = logging.getLogger(__name__)


class Refused(Exception):
    """The server refuses this mail for good (a 5xx reply). The message is the server's word."""


class Transport:
    """One kept-open connection to the site's mail server, opened when it is first needed. Not for several threads.

    Arguments:
        app: the site.
        mail: the site's ``flask_mail.Mail``; none: the one that is registered on the app, or else one made from the
            app's ``MAIL_*`` configuration.
    """

    def __init__(self, app: Flask, config: Config, mail: flask_mail.Mail | None = None) -> None:
        self._app = app
        self._config = config
        self._mail = mail
        self._exchange: Exchange | None = None
        self.connections = 0
        """How many connections were made so far."""
        self._sent = 0
        self._refused = False
        self.patience = config.smtp_timeout + LEASE_MARGIN.total_seconds() - BUSY_TIMEOUT
        """Seconds that one mail may take in all: its end can still be recorded before the lease runs out."""

    @property
    def state(self) -> Any:
        """Flask-Mail's state for this app. Looked up late: a site may set Flask-Mail up after this package."""
        own = self._mail.state if self._mail is not None else None
        found = own or self._app.extensions.get("mail")
        if hasattr(found, "suppress"):
            return found
        # There is none, or another library's of the same name.
        return flask_mail.Mail().init_mail(self._app.config, self._app.debug, self._app.testing)

    @property
    def sender(self) -> str | None:
        """The ``From`` address: ``KAPA_HANDOFF_SENDER``, else ``MAIL_DEFAULT_SENDER``."""
        if self._config.sender:
            return self._config.sender
        default = self.state.default_sender
        return _parsed(tuple(default) if isinstance(default, list) else default) if default else None

    def send(self, message: ComposedMessage) -> str:
        """Hand one mail to the server.

        Returns:
            The server's words at acceptance.

        Raises:
            Unreachable: no usable connection could be made.
            Unanswered: the reply was lost after the whole mail had been sent.
            Delayed: any other temporary error.
            Refused: the server refuses this mail for good.
        """
        state = self.state
        if state.suppress:
            reply = "not sent: MAIL_SUPPRESS_SEND is on"
        else:
            try:
                reply = _hand_over(self._begin(state, message.sender), message)
            except Refused:
                self._refused = True
                raise  # the connection is sound, and the next mail may be welcome
            except BaseException:
                self.close()
                raise
            self._sent += 1
        self._announce(message)
        return reply

    def check(self, seconds: float = math.inf) -> None:
        """Connect, greet and log in, without sending anything.

        Arguments:
            seconds: how long that may take; no longer than a mail may, in any case.

        Raises:
            Unreachable: it does not work; the message says why.
        """
        self.close()
        try:
            self._connect(self.state, time.monotonic() + min(seconds, self.patience))
        finally:
            self.close()

    def close(self) -> None:
        """Say goodbye; whatever goes wrong there does not matter any more."""
        exchange, self._exchange, self._sent, self._refused = self._exchange, None, 0, False
        if exchange is not None:
            try:
                exchange.quit()
            except (OSError, smtplib.SMTPException):
                exchange.close()

    def _begin(self, state: Any, sender: str) -> Exchange:
        """Say MAIL, over the last mail's connection if it is still good, else over a new one."""
        deadline = time.monotonic() + self.patience
        if self._exchange is not None:
            self._exchange.deadline = deadline
            if self._goes_on(self._exchange, state, sender):
                return self._exchange
            # Servers close idle connections, and take only so many mails over one. Nothing of the mail is lost.
            self.close()
        exchange = self._connect(state, deadline)
        try:
            code, reply = exchange.mail(sender)
        except (OSError, smtplib.SMTPException) as error:
            raise Delayed(_words(error)) from None
        if not _is_success(code):
            # About the sender, which is the site's and no ticket's: its owner can mend that, and then all go out.
            raise Delayed(words_of_reply(code, reply))
        return exchange

    def _goes_on(self, exchange: Exchange, state: Any, sender: str) -> bool:
        """Whether the last mail's connection takes one more."""
        if state.max_emails and self._sent >= state.max_emails:
            return False  # only now: a goodbye that takes its time must not come before the last mail is recorded
        try:
            # A refusal leaves half a mail behind; an acceptance nothing (RFC 5321, 4.1.1.4).
            if self._refused and not _is_success(exchange.rset()[0]):
                return False
            self._refused = False
            return _is_success(exchange.mail(sender)[0])
        except (OSError, smtplib.SMTPException):
            return False

    def _connect(self, state: Any, deadline: float) -> Exchange:
        try:
            self._exchange = Connection(state, self._config, deadline).configure_host()
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise Unreachable(_words(error)) from error  # by which the doctor tells one trouble from another
        self.connections += 1
        return self._exchange

    def _announce(self, message: ComposedMessage) -> None:
        # What a site's receivers and record_messages() see. The mail is out: an error of theirs must not repeat it.
        if not flask_mail.email_dispatched.receivers:
            return
        try:
            flask_mail.email_dispatched.send(
                current_app._get_current_object(),  # type: ignore[attr-defined]
                message=_SentMessage(message),
            )
        except Exception as error:
            _logger.error("A receiver of Flask-Mail's email_dispatched failed. %s", without_message(error))


class _SentMessage(flask_mail.Message):
    """Flask-Mail's view of a mail that was composed here."""

    def __init__(self, message: ComposedMessage) -> None:
        super().__init__(
            message.subject,
            recipients=[message.recipient],
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


def _hand_over(exchange: Exchange, message: ComposedMessage) -> str:
    """RCPT and DATA, step by step: ``sendmail()`` hides which of them was refused, and by which reply."""
    try:
        code, reply = exchange.rcpt(message.recipient)
        if not _is_success(code):
            raise _refusal(code, reply)
        code, reply = exchange.docmd("DATA")
        if code != 354:
            raise _refusal(code, reply)
        # Its lines end in CRLF, and the first one is a header. RFC 5321, 4.5.2: a dot that begins a line is doubled.
        exchange.send(_FIRST_DOT.sub(b"..", message.data) + b".\r\n")
    except (OSError, smtplib.SMTPException) as error:
        raise Delayed(_words(error)) from None
    try:
        code, reply = exchange.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise Unanswered(f"{_words(error)}; the whole mail had been sent") from None
    if _is_success(code):
        return words_of_reply(code, reply)
    if 400 <= code <= 599:
        raise _refusal(code, reply)
    raise Unanswered(f"{words_of_reply(code, reply)}; the whole mail had been sent")


@lru_cache(maxsize=16)
def _parsed(default_sender: str | tuple[str, str]) -> str:
    return parse_sender(default_sender)


def _is_success(code: int) -> bool:
    return 200 <= code <= 299  # RFC 5321, 4.2.1: the first digit is what counts


# Replies about the log-in (RFC 4954, 6): the site's owner can mend that, and then the mail goes out.
_LOG_IN_REPLIES = (530, 534, 535, 538)


def _refusal(code: int, reply: bytes | str) -> Delayed | Refused:
    permanent = 500 <= code <= 599 and code not in _LOG_IN_REPLIES
    return Refused(words_of_reply(code, reply)) if permanent else Delayed(words_of_reply(code, reply))


def _words(error: BaseException) -> str:
    """An error in the server's words where there are any. A disconnect hides the reply before it: look there first."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, smtplib.SMTPResponseException) and seen.smtp_code > 0:
            return words_of_reply(seen.smtp_code, seen.smtp_error)
        seen = seen.__context__
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:500] if isinstance(error, smtplib.SMTPException) else f"{type(error).__name__}: {text}"[:500]
