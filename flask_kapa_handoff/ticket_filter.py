"""Runs the site's own check of a submission, such as a captcha: it may refuse a ticket, or flag it for the agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .errors import Refuse
from .hook_checks import TICKET_FILTER
from .hook_failures import HookFailures
from .storage.engine import Database
from .submission import Submission, is_stored
from .text import clean_text, one_line

MAX_FLAG = 500


@dataclass(frozen=True)
class Flag:
    """A remark of the site's ``ticket_filter`` for the agent, shown in the mail, on the admin page and in the export.

    Arguments:
        text: one line of at most 500 characters; the rest is cut off.

    Raises:
        TypeError: it is not text.
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


def filtered(
    submission: Submission, check: TicketFilter | None, *, database: Database, failures: HookFailures
) -> Submission:
    """The submission, with the flag of the site's check if it sets one.

    A failing check never costs the visitor the ticket: the failure is logged and counted, and the ticket is stored.
    The check does not run for a submission that is already stored, since a captcha's token is often valid only once.

    Arguments:
        check: the site's check; None: it has none.
        failures: logs and counts a check that fails.

    Raises:
        Refuse: the check refuses it.
        Unavailable: the database cannot be reached.
    """
    if check is None or is_stored(database, submission.submission_id):
        return submission
    try:
        found: object = check(submission)
    except Refuse:
        raise
    except Exception as error:
        failures.raised(TICKET_FILTER, check, error)
        return submission
    if isinstance(found, Flag):
        return replace(submission, flag=found.text)
    if found is not None:
        failures.returned(TICKET_FILTER, check, found)
    return submission
