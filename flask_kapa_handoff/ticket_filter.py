"""The site's own check of a submission, such as a captcha: it may refuse a ticket, or flag it for the agent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from traceback import extract_tb
from typing import TYPE_CHECKING

from .conversation import clean_text
from .errors import Refuse
from .refusals import FILTER_FAILED
from .text import one_line
from .tickets import Submission, is_stored

if TYPE_CHECKING:
    from .state import State

MAX_FLAG = 500

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Flag:
    """What the site's ``ticket_filter`` tells the agent about a ticket: in the mail, in the admin and in the export.

    Arguments:
        text: one line of at most 500 characters; what is longer is cut off.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty.
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"Flag: text must be str, not {type(self.text).__name__}")
        text = one_line(clean_text(self.text))
        if not text:
            raise ValueError("Flag: text must not be empty")
        object.__setattr__(self, "text", text if len(text) <= MAX_FLAG else text[: MAX_FLAG - 1] + "…")


TicketFilter = Callable[[Submission], "Flag | None"]


def filtered(state: State, submission: Submission) -> Submission:
    """The submission with the flag that the site's check puts on it.

    A check that fails never costs the visitor the ticket: its failure is logged and counted, and the ticket goes on.
    It does not run for a submission that is stored already: a captcha's answer is often good for one request only.

    Raises:
        Refuse: the check refuses it.
        Unavailable: the database cannot be reached.
    """
    check = state.hooks.ticket_filter
    if check is None or is_stored(state.database, submission.submission_id):
        return submission
    try:
        found = check(submission)
    except Refuse:
        raise
    except Exception as error:
        # Type and place, and not its message: it may repeat what the visitor typed.
        last = extract_tb(error.__traceback__)[-1]
        _failed(state, f"raised {type(error).__name__} ({last.filename}, line {last.lineno})")
        return submission
    if isinstance(found, Flag):
        return replace(submission, flag=found.text)
    if found is not None:
        _failed(state, f"returned {type(found).__name__}; it may return None or Flag('…'), or raise Refuse('…')")
    return submission


def _failed(state: State, how: str) -> None:
    check = state.hooks.ticket_filter
    name = getattr(check, "__qualname__", None) or type(check).__name__
    _logger.error("The site's ticket_filter (%s) %s. The ticket goes on without it.", name, how)
    state.refusals.count(FILTER_FAILED, f"{name} {how}")
