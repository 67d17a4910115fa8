"""Rules that choose a desk by the path of the page: a path in which ``*`` stands for anything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

from .text import clean_text

MAX_PATTERN = 200
MAX_RULES = 200

_ESCAPED = re.compile(r"[%?#\s\x00-\x1f\x7f-\x9f]")
_STARS = re.compile(r"\*+")


class PageRule(NamedTuple):
    """Pages whose path fits ``pattern`` belong to this desk."""

    pattern: str
    desk: str

    def fits(self, path: str) -> bool:
        """Whether a path, as :func:`path_of` returns it, fits the pattern as a whole. A trailing slash says nothing.

        ``/pricing/*`` fits ``/pricing`` as well. The time grows with the length of both, however many ``*`` there are.
        """
        pattern, path = self.pattern.rstrip("/") or "/", path.rstrip("/") or "/"
        return _fits(pattern, path) or (pattern.endswith("/*") and _fits(pattern, f"{path}/"))

    def covers(self, other: PageRule) -> bool:
        """Whether each path that the other one fits fits this one as well."""
        # Where a character that no pattern has stands for ``*``, only a ``*`` fits it, and that fits any text.
        paths = [other.pattern, *([other.pattern[:-2]] if other.pattern.endswith("/*") else [])]
        return all(self.fits(path.replace("*", "\0")) for path in paths)


def first_match(rules: Iterable[PageRule], path: str) -> PageRule | None:
    """The first rule that a path fits; None: no rule."""
    return next((rule for rule in rules if rule.fits(path)), None)


def path_of(page: str | None) -> str:
    """The decoded path of an address, or of a path that somebody typed; ``/``: it has none.

    What would not be the same part of a path without its escape stays escaped, so that the path of a path is itself.
    """
    path = re.match(r"(?:https?://[^/?#]*)?([^?#]*)", clean_text(page or "").strip(), re.IGNORECASE)
    decoded = _ESCAPED.sub(lambda found: quote(found[0], safe=""), unquote(path[1])) if path else ""
    return decoded if decoded.startswith("/") else f"/{decoded}"


def _fits(pattern: str, path: str) -> bool:
    first, *parts = pattern.split("*")
    if not parts:
        return path == first
    *parts, last = parts
    if not path.startswith(first) or not path.endswith(last) or len(path) < len(first) + len(last):
        return False
    at, end = len(first), len(path) - len(last)
    for part in parts:
        found = path.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def parse_pattern(text: str) -> str:
    """A pattern in the form in which it is stored, from a path or a whole address.

    Raises:
        ValueError: it is empty or too long.
    """
    typed = "".join(clean_text(text).split())
    pattern = _STARS.sub("*", path_of(typed))
    if not typed or len(typed) > MAX_PATTERN or len(pattern) > MAX_PATTERN:
        raise ValueError(f"use a path of at most {MAX_PATTERN} characters, such as /pricing/*")
    return pattern
