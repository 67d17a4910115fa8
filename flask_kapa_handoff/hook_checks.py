"""The table of the site's hooks: what each gets and may return, and what happens when it fails. Needs no Flask."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .conversation import FLAGS, REACTIONS, Conversation, QuestionAnswer, Source
from .translation import noop as N_


@dataclass(frozen=True)
class Hook:
    """One function that a site may register.

    Arguments:
        name: the name under which the site registers it.
        reason: its failures are counted under this name; at most 32 characters, since it is stored.
        arguments: the names of its arguments.
        returns: what it may return, in words, to be translated.
        otherwise: what happens when it fails, to be translated.
    """

    name: str
    reason: str
    arguments: tuple[str, ...]
    returns: str
    otherwise: str


CONVERSATION_LOADER = Hook(
    "conversation_loader",
    "conversation_loader_failed",
    ("thread_id",),
    N_("Conversation([QuestionAnswer(question, answer), …]) or None"),
    N_("No button is shown for that thread, and tickets contain the transcript that the browser sent."),
)
VISITOR_LOADER = Hook(
    "visitor_loader",
    "visitor_loader_failed",
    (),
    N_("Visitor(email, name) or None"),
    N_("Visitors are asked for their address."),
)
CONTEXT_LOADER = Hook(
    "context_loader",
    "context_loader_failed",
    (),
    N_("a mapping of at most 20 labels and values, such as {'Plan': 'Team'}, all of them text"),
    N_("Tickets are stored without what it failed to say."),
)
TICKET_FILTER = Hook(
    "ticket_filter",
    "filter_failed",
    ("submission",),
    N_("None or Flag('…'), or raise Refuse('…')"),
    N_("Tickets are taken without this check."),
)
DESK_CHOOSER = Hook(
    "desk_chooser",
    "desk_chooser_failed",
    ("page",),
    N_("the name of a desk"),
    N_("The default desk serves."),
)
ADMIN_NAME = Hook(
    "admin_name",
    "admin_name_failed",
    (),
    N_("text or None"),
    N_("The history uses another name for the admin."),
)
CSP_NONCE = Hook(
    "csp_nonce",
    "csp_nonce_failed",
    (),
    N_("text or None"),
    N_("The tags of these pages carry no nonce, so the browser may block them."),
)

CHANNEL = Hook(
    "channel",
    "channel_failed",
    ("ticket", "conversation"),
    N_("None, or raise TryLater('…', seconds=…) or Refused('…')"),
    N_("After an error the ticket waits and is retried; after a returned value it fails."),
)

HOOKS = (
    CONVERSATION_LOADER,
    VISITOR_LOADER,
    CONTEXT_LOADER,
    TICKET_FILTER,
    DESK_CHOOSER,
    ADMIN_NAME,
    CHANNEL,
    CSP_NONCE,
)
"""Every hook. ``csp_nonce`` is the function from KAPA_HANDOFF_CSP_NONCE, else Flask-Talisman's."""

HOOK = {hook.name: hook for hook in HOOKS}

HOOK_REASONS = frozenset(hook.reason for hook in HOOKS)
"""Reasons that are counted with the refusals although nobody was refused: a hook failed."""


def name_of(function: object) -> str:
    """The name of a function for a message."""
    return str(getattr(function, "__qualname__", None) or type(function).__name__)


def identity(function: object) -> tuple[str, str]:
    """What stays the same when an app factory runs twice and defines the same function again."""
    return str(getattr(function, "__module__", "")), name_of(function)


def misfit(function: object, arguments: Sequence[str]) -> str | None:
    """Why a function cannot be called with these arguments; None: it can, as far as can be seen without calling it.

    For a decorated function, what counts is the decorator's wrapper, since that is what is called.
    """
    if not callable(function):
        return "it is not callable"
    if inspect.isclass(function):
        return "it is a class"
    for candidate in (function, type(function).__call__):
        if inspect.iscoroutinefunction(candidate):
            return "it is an async function, and nothing awaits it"
        if inspect.isgeneratorfunction(candidate) or inspect.isasyncgenfunction(candidate):
            return "it is a generator (it has a yield)"
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return None  # some builtins have none
    try:
        signature.bind(*arguments)
    except TypeError:
        return f"it cannot be called with {_counted(arguments)}; its own are {signature}"
    return None


def _counted(arguments: Sequence[str]) -> str:
    if not arguments:
        return "no arguments"
    return f"{len(arguments)} argument{'s' if len(arguments) != 1 else ''} ({', '.join(arguments)})"


def flaw(conversation: Conversation) -> str:
    """Why a conversation is unusable: its wrong part, by place and type, never its text."""
    if wrong := wrong_part(conversation):
        return wrong
    has_text = any(pair.question.strip() or pair.answer.strip() for pair in conversation.pairs)
    return "its pairs cannot be read" if has_text else "no pair has any text"


def wrong_part(conversation: Conversation) -> str:
    """Which part of a conversation has a wrong type; empty: none has."""
    for index, pair in enumerate(conversation.pairs):
        place = f"pairs[{index}]"
        if not isinstance(pair, QuestionAnswer):
            return f"{place} is {type(pair).__name__}, not QuestionAnswer"
        for name in ("question", "answer"):
            if not isinstance(getattr(pair, name), str):
                return f"{place}.{name} is {type(getattr(pair, name)).__name__}, not text"
        if not isinstance(pair.sources, (tuple, list)):
            return f"{place}.sources is {type(pair.sources).__name__}, not a list of Source"
        for number, source in enumerate(pair.sources):
            if not isinstance(source, Source):
                return f"{place}.sources[{number}] is {type(source).__name__}, not Source"
            if not isinstance(source.title, str) or not isinstance(source.url, str):
                return f"{place}.sources[{number}] has a title or url that is not text"
    return ""


def odd_value(conversation: Conversation) -> str:
    """Which vote or flag of a usable conversation is wrong, and what is allowed; empty: none is."""
    flags = (*FLAGS[True], *FLAGS[False])
    for index, pair in enumerate(conversation.pairs):
        for name, allowed, words in (
            ("reaction", REACTIONS, "'upvote', 'downvote' or None"),
            ("uncertain", flags, "True or False"),
            ("stopped", flags, "True or False"),
        ):
            value = getattr(pair, name)
            if value not in allowed:
                return f"pairs[{index}].{name} is {_named(value)}; use {words}"
    return ""


def _named(value: object) -> str:
    """A value as the log may show it: numbers and single words, nothing that a visitor may have written."""
    is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z_-]{1,20}", value)
    return repr(value) if is_word or isinstance(value, (bool, int)) else type(value).__name__
