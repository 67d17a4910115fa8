"""Names that another version of this package has stored or signed: kept, shown as unknown, and logged once."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TypeVar

from .translation import gettext as _

MAX_SHOWN = 60
"""How many characters of an unknown name people see."""

MAX_LOGGED = 200
"""How many unknown values one process logs, each of them once."""

_logger = logging.getLogger(__name__)
_logged: set[tuple[str, str]] = set()

Names = TypeVar("Names", bound=Enum)


class Unknown(str):
    """A name that this version does not know: a string, just as a member of the enum is one."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """The name, like an enum member's ``value``."""
        return str(self)

    @property
    def label(self) -> str:
        """The name as people see it."""
        shown = self if len(self) <= MAX_SHOWN else f"{self[: MAX_SHOWN - 1]}…"
        return _("unknown (%(name)s)", name=shown)

    @property
    def heading(self) -> str:
        """The same at the beginning of a sentence."""
        return f"{self.label[:1].upper()}{self.label[1:]}"


def read_name(names: type[Names], text: object, what: str) -> Names | Unknown:
    """The enum member for a stored name; a name that this version does not know is kept. Never raises.

    Arguments:
        what: what the name stands for, such as ``status``; for the log.
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
