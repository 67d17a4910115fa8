"""Failures of the site's hooks: logged once for each kind and place, counted every time, shown by the check-up."""

from __future__ import annotations

import inspect
import logging
from traceback import extract_tb

from .hook_checks import Hook, name_of
from .refusals import Refusals
from .tracebacks import without_message

MAX_LOGGED = 1000
"""After this many different failures, new ones are only counted and no longer logged."""

_logger = logging.getLogger(__name__)


class HookFailures:
    """The failures of one app's hooks. Neither the log nor the counts repeat a value or an error's message."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._logged: set[tuple[str, str]] = set()
        self.latest = ""
        """The latest failure, as it is logged; for a site's tests."""

    def raised(self, hook: Hook, function: object, error: Exception) -> None:
        """A hook raised an error. Keeps its type and place, not its message, which may repeat a visitor's text."""
        last = extract_tb(error.__traceback__)[-1]
        kind = type(error).__name__
        self._report(
            hook,
            f"{name_of(function)} raised {kind} ({last.filename}, line {last.lineno})",
            f"({name_of(function)}) raised {without_message(error)}",
        )

    def returned(self, hook: Hook, function: object, found: object, flaw: str = "", otherwise: str = "") -> None:
        """A hook returned something that is not allowed.

        Arguments:
            flaw: which part is wrong when the type is right; never a visitor's text.
            otherwise: what happens, if it is not what the hook's row says.
        """
        if inspect.iscoroutine(found):
            found.close()  # nothing awaits it, and Python would warn about that later
        kind = found.__name__ if isinstance(found, type) else type(found).__name__
        what = f"the class {kind}" if isinstance(found, type) else f"{kind}, where {flaw}" if flaw else kind
        self._report(
            hook,
            f"{name_of(function)} returned {what}",
            f"({name_of(function)}) returned {what}; it may return {hook.returns}",
            otherwise,
        )

    def _report(self, hook: Hook, detail: str, told: str, otherwise: str = "") -> None:
        otherwise = otherwise or hook.otherwise
        self.latest = f"The site's {hook.name} {told}. {otherwise}"
        if (hook.name, detail) not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add((hook.name, detail))
            _logger.error("The site's %s %s. %s", hook.name, told, otherwise)
        self._refusals.count(hook.reason, detail)
