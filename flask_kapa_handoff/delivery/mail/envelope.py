"""What comes before a mail: MAIL, RCPT for each recipient, and DATA.

A server that offers PIPELINING (RFC 2920) gets all of them in one write, and the network is waited for once. Its offer
is the one on this connection, and after STARTTLS the one that was made encrypted: servers refuse clients that do not
wait for it.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import suppress

from .replies import is_success
from .smtp_client import SMTPClient

GO_AHEAD = 354
"""The reply to DATA after which the mail follows."""


class Envelope:
    """The commands before one mail, and the server's replies in turn.

    Arguments:
        sender, recipients: ASCII, as they stand between the angle brackets.
    """

    def __init__(self, client: SMTPClient, sender: str, recipients: Sequence[str]) -> None:
        self._client = client
        self._commands = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{to}>" for to in recipients), "DATA"]
        self._unanswered = 0

    def next_reply(self) -> tuple[int, bytes]:
        """The reply to the next command, which is sent unless it went out with the ones before.

        Raises:
            OSError, smtplib.SMTPException: the connection is lost, or the server speaks no SMTP.
        """
        if not self._unanswered:
            self._unanswered = len(self._commands) if self._client.has_extn("pipelining") else 1
            group, self._commands = self._commands[: self._unanswered], self._commands[self._unanswered :]
            self._client.send("".join(f"{command}\r\n" for command in group))
        self._unanswered -= 1
        return self._client.getreply()

    def abandon(self) -> None:
        """After a refusal, read the replies to what was sent already, and leave no half mail. Ignores errors.

        DATA may be accepted although every recipient was refused. Then RFC 2920, 3.1, wants a single dot: an empty
        mail to nobody. If that could reach somebody, the connection is closed, and the server drops the mail
        (RFC 5321, 4.1.1.10).
        """
        codes: list[int] = []
        with suppress(OSError, smtplib.SMTPException):
            while self._unanswered:
                codes.append(self.next_reply()[0])
            if codes[-1:] == [GO_AHEAD]:
                if any(map(is_success, codes)):
                    self._client.close()
                else:
                    self._client.send(".\r\n")
                    self._client.getreply()
