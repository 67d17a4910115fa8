"""The mail channel: composes a ticket and hands it to the site's mail server."""

from __future__ import annotations

from ...conversation import Conversation
from ...storage.tickets import Ticket
from ..mailroom import Mailroom
from ..outcomes import Delivered, Refused, TryLater
from ..sample import SAMPLE_REFERENCE
from .bodies import Letterhead
from .message import ComposedMessage, compose
from .transport import Transport


class MailChannel:
    """Sends tickets by mail, over one connection; see :class:`~..channels.Channel`."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom
        self.transport = Transport(mailroom)

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Compose and send one mail, now.

        Raises:
            TryLater: it failed, but may work later.
            Refused: the server refuses it permanently, or the mail cannot be composed.
            Suppressed: the site's configuration turns sending off.
        """
        return self.transport.send(self._compose(ticket, conversation))

    def close(self) -> None:
        """Close the connection to the mail server."""
        self.transport.close()

    def _compose(self, ticket: Ticket, conversation: Conversation) -> ComposedMessage:
        mailroom = self._mailroom
        try:
            sender = self.transport.site_mail.sender
        except ValueError as error:
            raise TryLater(f"MAIL_DEFAULT_SENDER is not an address: {error}") from None
        if sender is None:
            raise TryLater("MAIL_DEFAULT_SENDER is not set, and neither is KAPA_HANDOFF_SENDER")
        config = mailroom.config
        letterhead = Letterhead(
            mailroom.site_name,
            sender,
            config.auto_submitted,
            config.attach_json,
            config.fields,
            config.subject,
            config.sender_names_visitor,
            None if ticket.reference == SAMPLE_REFERENCE else mailroom.ticket_url(ticket.reference),
        )
        try:
            return compose(mailroom.templates, letterhead, ticket, conversation)
        except (OSError, MemoryError) as error:
            # About this machine, not the ticket: no memory or file handle left, or a template is being replaced.
            raise TryLater(f"{type(error).__name__} while the mail was composed: {error}"[:500]) from error
        except Exception as error:
            # The same ticket would fail at every further attempt.
            raise Refused(f"the mail could not be composed: {type(error).__name__}: {error}"[:500]) from error
