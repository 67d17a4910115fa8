"""The mail channel: composes a ticket and hands it to the site's mail server."""

from __future__ import annotations

import time
from dataclasses import replace

from ...conversation import Conversation
from ...mail_links import LinkKind
from ...storage.attachments import files_of_ticket
from ...storage.tickets import Ticket
from ...translation import gettext as _
from ...translation import noop as N_
from ...translation import speak
from ..mailroom import Mailroom
from ..outcomes import Delivered, Refused, TryLater
from ..sample import SAMPLE_REFERENCE
from .bodies import NO_FILES, Action, Files, Letterhead
from .link_only import EMPTY, without_content
from .message import ComposedMessage, compose
from .replies import WITHOUT_FILES, is_about_size
from .transport import Transport

CONFIRM_ARRIVAL, YES_IT_ARRIVED = N_("Please confirm that this test mail arrived."), N_("Yes, it arrived")
TELL_TEAM, I_AM_ON_IT = N_("Tell your team who takes care of this ticket."), N_("I'm on it")


class MailChannel:
    """Sends tickets by mail, over one connection; see :class:`~..channels.Channel`.

    Arguments:
        reminds: sends them as reminders of tickets that nobody has taken.
    """

    def __init__(self, mailroom: Mailroom, *, reminds: bool = False) -> None:
        self._mailroom = mailroom
        self._reminds = reminds
        self.transport = Transport(mailroom)

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Compose and send one mail, now; without its files if the server finds it too large with them.

        Raises:
            TryLater: it failed, but may work later.
            Refused: the server refuses it permanently, or the mail cannot be composed.
            Suppressed: the site's configuration turns sending off.
        """
        deadline = time.monotonic() + self.transport.patience
        ticket, conversation, files = self._content(ticket, conversation)
        try:
            return self.transport.send(self._compose(ticket, conversation, files), deadline=deadline)
        except Refused as error:
            why = str(error)
            if not files.attached or not is_about_size(why):
                raise
        files = replace(files, left_out=True)
        delivered = self.transport.send(self._compose(ticket, conversation, files), deadline=deadline)
        return replace(delivered, reply=f"{delivered.reply} {WITHOUT_FILES} {why}")

    def compose(self, ticket: Ticket, conversation: Conversation) -> ComposedMessage:
        """The mail as :meth:`send` would send it now, without the link with which one takes the ticket.

        Raises:
            TryLater: it cannot be composed now.
            Refused: it cannot be composed.
        """
        return self._compose(*self._content(ticket, conversation), has_action=False)

    def close(self) -> None:
        """Close the connection to the mail server."""
        self.transport.close()

    def _content(self, ticket: Ticket, conversation: Conversation) -> tuple[Ticket, Conversation, Files]:
        """What the mail may hold; of a desk whose mails hold only a link, nothing that anybody wrote."""
        if self._mailroom.mails_only_a_link(ticket.desk):
            with speak(self._mailroom.site_language):
                return without_content(ticket), EMPTY, NO_FILES
        return ticket, conversation, self._files(ticket)

    def _files(self, ticket: Ticket) -> Files:
        if ticket.reference == SAMPLE_REFERENCE:
            return NO_FILES
        with self._mailroom.database.read() as connection:
            return Files(tuple(files_of_ticket(connection, ticket.id, with_content=True)))

    def _action(self, ticket: Ticket) -> Action | None:
        """What the mail asks its reader to confirm."""
        mailroom = self._mailroom
        if ticket.reference == SAMPLE_REFERENCE:
            url = mailroom.mail_link(LinkKind.ARRIVED, ticket.id)
            return None if url is None else Action(_(CONFIRM_ARRIVAL), _(YES_IT_ARRIVED), url)
        settings = mailroom.settings_of(ticket.desk)
        if settings is None or not settings.has_take_link:
            return None
        url = mailroom.mail_link(LinkKind.TAKE_REMINDED if self._reminds else LinkKind.TAKE, ticket.id)
        return None if url is None else Action(_(TELL_TEAM), _(I_AM_ON_IT), url)

    def _compose(
        self, ticket: Ticket, conversation: Conversation, files: Files, *, has_action: bool = True
    ) -> ComposedMessage:
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
            mailroom.mails_only_a_link(ticket.desk),
            self._reminds,
        )
        if has_action:
            with speak(mailroom.site_language):
                letterhead = replace(letterhead, action=self._action(ticket))
        try:
            return compose(mailroom.mail_templates, letterhead, ticket, conversation, files)
        except (OSError, MemoryError) as error:
            # About this machine, not the ticket: no memory or file handle left, or a template is being replaced.
            raise TryLater(f"{type(error).__name__} while the mail was composed: {error}"[:500]) from error
        except Exception as error:
            # The same ticket would fail at every further attempt.
            raise Refused(f"the mail could not be composed: {type(error).__name__}: {error}"[:500]) from error
