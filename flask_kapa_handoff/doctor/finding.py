"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is; a problem keeps tickets from being taken or from going out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what is so, why it matters, how to fix it (both empty when all is well).

    Commands and code in the remedy stand between backticks. ``details`` are raw words for those who look closer: a
    server's reply, where a database is.
    """

    level: Level
    what: str
    why: str = ""
    remedy: str = ""
    details: str = ""
