"""Sends composed mails to the site's mail server, over a connection that stays open."""

from __future__ import annotations

import math
import re
import smtplib
import time

from ...storage import BUSY_TIMEOUT
from ..mailroom import Mailroom
from ..outbox import LEASE_MARGIN
from ..outcomes import Delivered, Refused, Suppressed, TryLater, Unknown, Unreachable
from .envelope import GO_AHEAD, Envelope
from .mail_settings import MailSettings
from .message import ComposedMessage
from .replies import before_mail, is_success, refusal, words_of_error, words_of_reply
from .site_mail import SiteMail, announce
from .smtp_client import SMTPClient

# The dot first: there are fewer dots than line ends, and none in base64.
_FIRST_DOT = re.compile(rb"\.(?<=\r\n\.)")


class Transport:
    """One connection to the site's mail server, opened at first use. Not thread-safe."""

    def __init__(self, mailroom: Mailroom) -> None:
        self.site_mail = SiteMail(mailroom)
        self._client: SMTPClient | None = None
        self._sent = 0
        self._refused = False
        self.patience = mailroom.config.smtp_timeout + LEASE_MARGIN.total_seconds() - BUSY_TIMEOUT
        """Seconds that one mail may take in all, so that its outcome can be recorded before the lease runs out."""

    def send(self, message: ComposedMessage, *, deadline: float | None = None) -> Delivered:
        """Hand one mail to the server.

        Arguments:
            deadline: the moment (``time.monotonic()``) at which it must have ended; None: after :attr:`patience`.

        Raises:
            Unreachable: no usable connection could be made.
            Unknown: the reply was lost after the whole mail had been sent.
            TryLater: any other temporary error.
            Refused: the server refuses this mail permanently.
            Suppressed: the site's configuration turns sending off.
        """
        settings = self.site_mail.settings
        if settings.suppress:
            if announce(message):
                return Delivered("accepted by a test", over_new_connection=False)
            raise Suppressed("not sent: MAIL_SUPPRESS_SEND is on")
        try:
            client, envelope = self._begin(settings, message, deadline)
            reply, not_yet = _transfer(client, envelope, message)
        except Refused:
            self._refused = True
            raise  # the connection still works, and the server may accept the next mail
        except BaseException:
            self.close()
            raise
        delivered = Delivered(reply, over_new_connection=self._sent == 0, not_yet=not_yet)
        self._sent += 1
        announce(message)
        return delivered

    def check(self, seconds: float = math.inf) -> None:
        """Connect, greet and log in, without sending anything.

        Arguments:
            seconds: the time limit; at most that of a mail.

        Raises:
            Unreachable: it failed; the message says why.
        """
        self.close()
        try:
            self._connect(time.monotonic() + min(seconds, self.patience))
        finally:
            self.close()

    def close(self) -> None:
        """Send QUIT and close the connection, ignoring errors."""
        client, self._client, self._sent, self._refused = self._client, None, 0, False
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()

    def _begin(
        self, settings: MailSettings, message: ComposedMessage, deadline: float | None
    ) -> tuple[SMTPClient, Envelope]:
        """Begin the mail, over the last mail's connection if it still works, else over a new one.

        Returns:
            The connection, and the envelope whose sender the server has accepted.
        """
        deadline = time.monotonic() + self.patience if deadline is None else deadline
        if self._client is not None:
            self._client.deadline = deadline
            if envelope := self._continued(self._client, settings, message):
                return self._client, envelope
            # Servers close idle connections, and limit the mails per connection. Nothing of the mail is lost.
            self.close()
        client = self._connect(deadline)
        envelope = _envelope(client, message)
        try:
            code, reply = envelope.next_reply()
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater(words_of_error(error)) from None
        if not is_success(code):
            envelope.abandon()
            raise refusal(code, reply, at_mail=True)
        return client, envelope

    def _continued(self, client: SMTPClient, settings: MailSettings, message: ComposedMessage) -> Envelope | None:
        """The envelope of another mail over the last mail's connection; None: it does not accept one."""
        if settings.max_emails and self._sent >= settings.max_emails:
            return None  # only now: a slow QUIT must not delay the record of the last mail
        envelope = _envelope(client, message)
        try:
            # After a refusal, the server still has half a mail; after an acceptance, none (RFC 5321, 4.1.1.4).
            if self._refused and not is_success(client.rset()[0]):
                return None
            self._refused = False
            if is_success(envelope.next_reply()[0]):
                return envelope
        except (OSError, smtplib.SMTPException):
            return None
        envelope.abandon()
        return None

    def _connect(self, deadline: float) -> SMTPClient:
        try:
            self._client = self.site_mail.connect(deadline)
        except (OSError, ValueError, smtplib.SMTPException) as error:
            words = before_mail(words_of_error(error), at_login=isinstance(error, smtplib.SMTPAuthenticationError))
            raise Unreachable(words) from error  # by its cause, the check-up distinguishes problems
        return self._client


def _envelope(client: SMTPClient, message: ComposedMessage) -> Envelope:
    """The envelope of a mail; refused if the mail is larger than the server takes (RFC 1870, 4: 0 is no limit)."""
    announced = client.esmtp_features.get("size", "")
    most = int(announced) if announced.isdecimal() and len(announced) < 20 else 0
    if 0 < most < len(message.data):
        raise Refused(f"552 5.3.4 {len(message.data)} octets; the server announces that it takes {most} (SIZE)")
    return Envelope(client, message.sender, message.recipients)


def _transfer(client: SMTPClient, envelope: Envelope, message: ComposedMessage) -> tuple[str, tuple[str, ...]]:
    """Send RCPT, DATA and the mail: ``sendmail()`` hides which of them was refused, and by which reply.

    Returns:
        The server's words, and those of several recipients who may accept the mail later.
    """
    refused: dict[str, TryLater | Refused] = {}
    try:
        for recipient in message.recipients:
            code, reply = envelope.next_reply()
            if not is_success(code):
                refused[recipient] = refusal(code, reply)
        not_yet = tuple(recipient for recipient, error in refused.items() if isinstance(error, TryLater))
        if len(refused) == len(message.recipients):
            envelope.abandon()
            raise refused[not_yet[0]] if not_yet else next(iter(refused.values()))
        code, reply = envelope.next_reply()
        if code != GO_AHEAD:
            raise refusal(code, reply)
        if client.has_said_more():
            client.close()  # it would take QUIT for a line of the mail
            raise TryLater("the mail server sent more replies than it was asked for")
        # Its lines end with CRLF, and the first one is a header. RFC 5321, 4.5.2: a dot that begins a line is doubled.
        client.send(_FIRST_DOT.sub(b"..", message.data) + b".\r\n")
    except (OSError, smtplib.SMTPException) as error:
        raise TryLater(words_of_error(error)) from None
    try:
        code, reply = client.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise Unknown(f"{words_of_error(error)}; the whole mail had been sent") from None
    if is_success(code):
        # Those who may accept it later come first: their reply is why the ticket waits.
        later = [f"{refused[recipient]} (for {recipient})" for recipient in not_yet]
        never = [f"Not accepted for {to}: {error}" for to, error in refused.items() if to not in not_yet]
        return " / ".join([*later, words_of_reply(code, reply), *never]), not_yet
    if 400 <= code <= 599:
        raise refusal(code, reply)
    raise Unknown(f"{words_of_reply(code, reply)}; the whole mail had been sent")
