"""What the site itself knows: who is signed in, what was said in a thread, who an admin is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .conversation import Conversation, clean_text
from .email_address import parse_email
from .errors import Unavailable
from .ticket_filter import TicketFilter
from .tracebacks import without_message
from .triggers import Facts

_logger = logging.getLogger(__name__)


class Visitor(NamedTuple):
    """A signed-in visitor: the address to reply to, and a name if there is one."""

    email: str
    name: str | None = None


ViewDecorator = Callable[[Callable[..., Any]], Callable[..., Any]]
ConversationLoader = Callable[[str], Conversation | None]
VisitorLoader = Callable[[], Visitor | None]
AdminName = Callable[[], str]


@dataclass
class Hooks:
    """The functions that the site has registered; each may be missing."""

    conversation_loader: ConversationLoader | None = None
    visitor_loader: VisitorLoader | None = None
    ticket_filter: TicketFilter | None = None
    admin_name: AdminName | None = None

    def signed_in_visitor(self) -> Visitor | None:
        """Who is signed in, with an address that a mail can carry; None: the visitor types one."""
        try:
            found = self.visitor_loader() if self.visitor_loader is not None else None
            email, name = (found.email, found.name) if found else (None, None)
        except Exception as error:
            _logger.error(
                "The site's visitor_loader failed; the visitor is asked for an address. %s", without_message(error)
            )
            return None
        try:
            return Visitor(parse_email(email), clean_text(name) if isinstance(name, str) else None) if email else None
        except ValueError:
            return None

    def site_record(self, thread_id: str | None) -> Conversation | None:
        """The site's own record of a thread; None: it keeps none, or does not know this one.

        Raises:
            Unavailable: the site's loader failed.
        """
        if self.conversation_loader is None or thread_id is None:
            return None
        try:
            found = self.conversation_loader(thread_id)
            return found.cleaned() if found is not None else None
        except Exception as error:
            _logger.error("The site's conversation_loader failed. %s", without_message(error))
            raise Unavailable from error

    def known_facts(self, said: Facts, thread_id: str | None, answer_id: str | None) -> Facts:
        """The facts of an answer: from the site's own record of the thread if there is one, else as the browser says.

        Leaving the thread's id out tells a site that keeps its threads nothing: such an answer counts as a first one,
        about which nothing else is known.

        Raises:
            Unavailable: the site's loader failed. The browser's word does not replace it.
        """
        if thread_id is None and self.conversation_loader is not None:
            return Facts(1)
        record = self.site_record(thread_id)
        return said if record is None else Facts.of(record, answer_id)
