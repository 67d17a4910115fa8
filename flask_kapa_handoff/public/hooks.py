"""What the site itself knows: who is signed in, and what was said in a thread."""

from __future__ import annotations

import logging

from ..config import parse_email
from ..conversation import Conversation, clean_text
from ..errors import Unavailable
from ..state import State, Visitor
from ..tracebacks import without_message
from ..triggers import Facts

_logger = logging.getLogger(__name__)


def signed_in_visitor(state: State) -> Visitor | None:
    """Who is signed in, with an address that a mail can carry; None: the visitor types one."""
    loader = state.hooks.visitor_loader
    try:
        found = loader() if loader is not None else None
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


def site_record(state: State, thread_id: str | None) -> Conversation | None:
    """The site's own record of a thread; None: it keeps none, or does not know this one.

    Raises:
        Unavailable: the site's loader failed.
    """
    loader = state.hooks.conversation_loader
    if loader is None or thread_id is None:
        return None
    try:
        found = loader(thread_id)
        return found.cleaned() if found is not None else None
    except Exception as error:
        _logger.error("The site's conversation_loader failed. %s", without_message(error))
        raise Unavailable from error


def known_facts(state: State, said: Facts, thread_id: str | None, answer_id: str | None) -> Facts:
    """The facts of an answer: by the site's own record of the thread where there is one, else as the browser says.

    A site that keeps its threads is not told of any by leaving the thread's name out: such an answer is a first one,
    about which nothing else is known.

    Raises:
        Unavailable: the site's loader failed. What the browser says is no way around it.
    """
    if thread_id is None and state.hooks.conversation_loader is not None:
        return Facts(1)
    record = site_record(state, thread_id)
    return said if record is None else Facts.of(record, answer_id)
