"""Names that another version of this package has stored or signed: kept, shown as unknown, and logged once."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TypeVar

MAX_SHOWN = 60
"""Characters of an unknown name that people are shown."""

MAX_LOGGED = 200
"""How many unknown values one process logs: each of them once, and not on and on."""

_logger = logging.getLogger(__name__)
_logged: set[tuple[str, str]] = set()

Names = TypeVar("Names", bound=Enum)


class Unknown(str):
    """A name that this version does not know: text like the value of an enum's member, and equal to that text."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """The name, as a member of an enum has it."""
        return str(self)

    @property
    def label(self) -> str:
        """The name for people."""
        return f"unknown ({self if len(self) <= MAX_SHOWN else self[: MAX_SHOWN - 1] + '…'})"

    @property
    def heading(self) -> str:
        """The same, as a text of its own."""
        return f"U{self.label[1:]}"


def read_name(names: type[Names], text: str, what: str) -> Names | Unknown:
    """The member that a stored name stands for; a name that this version does not know is kept. Raises nothing.

    Arguments:
        what: what the name is of, such as ``status``; for the log.
    """
    try:
        return names(text)
    except ValueError:
        log_once(what, text)
        return Unknown(text)


def log_once(what: str, value: object) -> None:
    """Log that a stored value is unknown: once per process and value."""
    key = (what, str(value)[:MAX_SHOWN])
    if key in _logged or len(_logged) >= MAX_LOGGED:
        return
    _logged.add(key)
    _logger.warning(
        "The %s %r is unknown to this version of flask-kapa-handoff. It is kept. A newer version may have written it: "
        "see flask kapa-handoff doctor.",
        *key,
    )
