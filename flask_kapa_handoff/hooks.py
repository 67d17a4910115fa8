"""Asks the site what it knows: who is signed in, what was said in a thread, which admin this is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from werkzeug.exceptions import HTTPException

from .conversation import Conversation, ConversationError
from .email_address import parse_email
from .errors import RecordUnavailable
from .hook_checks import (
    ADMIN_NAME,
    CONTEXT_LOADER,
    CONVERSATION_LOADER,
    DESK_CHOOSER,
    VISITOR_LOADER,
    flaw,
    odd_value,
)
from .hook_failures import HookFailures
from .site_context import read_context
from .storage.tickets import Ticket
from .text import clean_text
from .ticket_filter import TicketFilter
from .triggers import Asks, Facts


class Visitor(NamedTuple):
    """A signed-in visitor: the address to reply to, and a name if there is one."""

    email: str
    name: str | None = None


ViewDecorator = Callable[[Callable[..., Any]], Callable[..., Any]]
ConversationLoader = Callable[[str], Conversation | None]
VisitorLoader = Callable[[], Visitor | None]
ContextLoader = Callable[[], Mapping[str, str]]
DeskChooser = Callable[[str], str]
AdminName = Callable[[], str | None]
SendTicket = Callable[[Ticket, Conversation], None]


class RegisteredChannel(NamedTuple):
    """A channel of the site: what people call it, and the function that sends one ticket."""

    label: str
    send: SendTicket


@dataclass
class Registered:
    """The functions that a site has registered, for all its apps; None: not registered. Channels are by name."""

    conversation_loader: ConversationLoader | None = None
    visitor_loader: VisitorLoader | None = None
    context_loader: ContextLoader | None = None
    ticket_filter: TicketFilter | None = None
    desk_chooser: DeskChooser | None = None
    admin_name: AdminName | None = None
    channels: dict[str, RegisteredChannel] = field(default_factory=dict)


class Hooks:
    """One app's hooks: calls the site's functions and checks what they return.

    Arguments:
        registered: read at each call, since a site may register its functions after :meth:`init_app`.
        failures: logs and counts hooks that raise or return something that is not allowed.
        special_domains: see KAPA_HANDOFF_SPECIAL_DOMAINS.
    """

    def __init__(self, registered: Registered, failures: HookFailures, special_domains: tuple[str, ...] = ()) -> None:
        self.registered = registered
        self.failures = failures
        self._special_domains = special_domains

    @property
    def keeps_threads(self) -> bool:
        """Whether the site keeps the transcripts itself."""
        return self.registered.conversation_loader is not None

    def signed_in_visitor(self) -> Visitor | None:
        """The signed-in visitor, with an address that mail can be sent to; None: the visitor types one."""
        visitor = self.named_visitor()
        if visitor is None:
            return None
        try:
            return visitor._replace(email=parse_email(visitor.email, self._special_domains))
        except ValueError:
            self.failures.returned(
                VISITOR_LOADER, self.registered.visitor_loader, visitor, "email is not an address that mail can go to"
            )
            return None

    def named_visitor(self) -> Visitor | None:
        """The signed-in visitor as the site reports it: the address is text, but may not be a valid one."""
        loader = self.registered.visitor_loader
        if loader is None:
            return None
        try:
            found: Any = loader()
            if found is None or isinstance(found, type(None)):  # a proxy such as current_user may wrap None
                return None
            # The site may return its own user object; it needs no name.
            has_address = hasattr(found, "email")
            email, name = getattr(found, "email", None), getattr(found, "name", None)
        except Exception as error:
            self.failures.raised(VISITOR_LOADER, loader, error)
            return None
        if not has_address:
            self.failures.returned(VISITOR_LOADER, loader, found)
            return None
        if email is not None and not isinstance(email, str):
            self.failures.returned(VISITOR_LOADER, loader, found, f"email is {type(email).__name__}, not text")
            return None
        if not email:
            return None  # the site has no address for this user
        if name is not None and not isinstance(name, str):
            self.failures.returned(VISITOR_LOADER, loader, found, f"name is {type(name).__name__}, not text")
            name = None
        return Visitor(str(email), None if name is None else clean_text(name))

    def context(self) -> dict[str, str]:
        """What the site says about the visitor of this request, by label; empty if it says nothing."""
        loader = self.registered.context_loader
        if loader is None:
            return {}
        try:
            found: Any = loader()
            context, flaw = read_context(found)
        except Exception as error:
            self.failures.raised(CONTEXT_LOADER, loader, error)
            return {}
        if flaw is not None:
            self.failures.returned(CONTEXT_LOADER, loader, found, flaw)
        return context

    def chosen_desk(self, page: str, desks: Collection[str]) -> str | None:
        """The desk that the site's code chooses for a page; None: it chooses none.

        Arguments:
            page: the page's address, or empty.
            desks: the names of all desks.
        """
        chooser = self.registered.desk_chooser
        if chooser is None:
            return None
        try:
            found: Any = chooser(page)
        except Exception as error:
            self.failures.raised(DESK_CHOOSER, chooser, error)
            return None
        if isinstance(found, str) and found in desks:
            return found
        flaw = f"there is no such desk; there are {', '.join(desks)}" if isinstance(found, str) else ""
        self.failures.returned(DESK_CHOOSER, chooser, found, flaw)
        return None

    def admin_name(self) -> str | None:
        """The signed-in admin's name according to the site; None: the site does not say."""
        source = self.registered.admin_name
        if source is None:
            return None
        try:
            found: Any = source()
        except Exception as error:
            self.failures.raised(ADMIN_NAME, source, error)
            return None
        if found is not None and not isinstance(found, str):
            self.failures.returned(ADMIN_NAME, source, found)
            return None
        return found

    def site_record(self, thread_id: str | None) -> Conversation | None:
        """The site's own record of a thread; None: it keeps no records, or has none of this thread.

        Raises:
            RecordUnavailable: the site's loader failed, or it denies access to this thread.
        """
        loader = self.registered.conversation_loader
        if loader is None or thread_id is None:
            return None
        try:
            found: Any = loader(thread_id)
        except Exception as error:
            # abort(404) and the like are the site's decision, not a failure.
            if not (isinstance(error, HTTPException) and (error.code or 500) < 500):
                self.failures.raised(CONVERSATION_LOADER, loader, error)
            raise RecordUnavailable from error
        if found is None:
            return None
        if not isinstance(found, Conversation):
            self.failures.returned(CONVERSATION_LOADER, loader, found)
            raise RecordUnavailable
        try:
            cleaned = found.cleaned()
        except (AttributeError, TypeError, ConversationError) as error:
            self.failures.returned(CONVERSATION_LOADER, loader, found, flaw(found))
            raise RecordUnavailable from error
        if odd := odd_value(found):
            self.failures.returned(
                CONVERSATION_LOADER, loader, found, odd, "Such a vote is left out, and such a flag counts as False."
            )
        return cleaned

    def known_facts(
        self, said: Facts, thread_id: str | None, answer_id: str | None, asks: Asks | None = None
    ) -> Facts:
        """The facts of an answer: from the site's own record of the thread if there is one, else from the browser.

        If the site keeps its threads and the request names none, the answer counts as the first one of a thread, and
        nothing else is known about it.

        Arguments:
            asks: see :meth:`.Facts.of`.

        Raises:
            RecordUnavailable: the site's loader failed. What the browser says is no substitute.
        """
        if not said.pairs:
            return Facts(0)  # there is no answer to know anything about
        if thread_id is None and self.keeps_threads:
            return Facts(1)
        record = self.site_record(thread_id)
        return said if record is None else Facts.of(record, answer_id, asks)
