"""A finding of the check-up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..desk_settings import DeskSettings
from ..lazy_text import LazyText


class Level(Enum):
    """How bad it is; a problem prevents tickets from being stored or delivered.

    A note is neither good nor bad: something that nobody knows yet, and that somebody can find out.
    """

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"

    @property
    def is_trouble(self) -> bool:
        """Whether something is wrong."""
        return self in (Level.WARNING, Level.PROBLEM)


ACTS = ("try_now", "send_failed", "test_mail", "release_held", "send_suppressed", "confirm_arrival")
"""What a button of the check-up can do; that of the last one is in a section of its own."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: the result, why it matters, how to fix it.

    The latter two are None if all is well; a note only says what to do. A page shows them in the admin's language.

    Arguments:
        remedy: for developers, with commands and code in backticks.
        details: the raw text for a closer look: a server's reply, or where a database is.
        for_admins: what an admin can do about it; None: only developers can.
        acts: the buttons that do it, each one of :data:`ACTS`.
        tickets: the state of the tickets that it is about, one of :data:`..storage.ticket_filters.STATUSES`.
        page: the page where an admin can fix it: ``settings`` or ``desks``.
        desk: the desk that a button of it is for.
    """

    level: Level
    what: LazyText
    why: LazyText | None = None
    remedy: LazyText | None = None
    details: LazyText | str = ""
    for_admins: LazyText | None = None
    acts: tuple[str, ...] = ()
    tickets: str = ""
    page: str = ""
    desk: DeskSettings | None = None
