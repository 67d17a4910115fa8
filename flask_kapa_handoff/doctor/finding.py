"""A finding of the check-up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is; a problem prevents tickets from being stored or delivered."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: the result, why it matters, how to fix it (both empty if all is well).

    Commands and code in the remedy are in backticks. ``details`` is the raw text for a closer look: a server's reply,
    or where a database is.
    """

    level: Level
    what: str
    why: str = ""
    remedy: str = ""
    details: str = ""
