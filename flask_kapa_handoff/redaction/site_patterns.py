"""KAPA_HANDOFF_REDACT_PATTERNS: what a site masks besides, checked when the app starts.

Visitors choose the texts, and a request may bring a megabyte of them. So an expression is refused if one attempt to
match may take more than a fixed number of steps: then the time is at most proportional to the text's length.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..text import clean_text
from .spans import Span

# The parser that the re module itself uses. It has no public name; without it no pattern is accepted.
_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

MAX_PATTERNS, MAX_NAME, MAX_EXPRESSION = 50, 40, 1000

MAX_STEPS = 1000
"""How many steps one attempt to match may take, at one place of a text."""

_ONE_CHARACTER = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "RANGE", "CATEGORY"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


class SitePattern(NamedTuple):
    """One of a site's own patterns.

    Arguments:
        label: what is shown instead of the secret: ``[hidden: label]``.
        pattern: what is masked; if it has a group named ``secret``, this group alone.
    """

    label: str
    pattern: re.Pattern[str]

    def find(self, text: str) -> Iterator[Span]:
        """What the pattern matches in a text."""
        group = self.pattern.groupindex.get("secret", 0)
        for match in self.pattern.finditer(text):
            if match[group]:
                yield Span(match.start(group), match.end(group), self.label)


def parse_redact_patterns(value: Any) -> tuple[SitePattern, ...]:
    """A site's patterns, from ``{"Acme key": r"ACME-[0-9A-F]{32}"}`` or a list of such pairs.

    Raises:
        ValueError: a pattern is wrong; the message names it and says why.
    """
    rows = list(value.items() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else [None])
    if not all(isinstance(row, (list, tuple)) and len(row) == 2 for row in rows):
        raise ValueError('use a dict such as {"Acme key": r"ACME-[0-9A-F]{32}"}')
    if len(rows) > MAX_PATTERNS:
        raise ValueError(f"there are {len(rows)} patterns; at most {MAX_PATTERNS} can be added")
    patterns = []
    for label, expression in rows:
        try:
            patterns.append(_pattern(label, expression))
        except ValueError as error:
            raise ValueError(f"pattern {label!r}: {error}") from None
    return tuple(patterns)


def _pattern(label: object, expression: object) -> SitePattern:
    name = clean_text(label) if isinstance(label, str) else ""
    if not name or name != label or len(name) > MAX_NAME or set(name) & set("[]\n"):
        raise ValueError(f"the name is shown in the mail: use 1 to {MAX_NAME} characters, without brackets")
    if not isinstance(expression, str) or len(expression) > MAX_EXPRESSION:
        raise ValueError(f"use a regular expression as text, of at most {MAX_EXPRESSION} characters")
    try:
        pattern = re.compile(expression)
        tree = _parser.parse(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is not a regular expression: {error}") from None
    if tree.getwidth()[0] == 0:
        raise ValueError("it matches the empty text, so it would match everywhere")
    steps = _effort(tree)[1]
    if steps > MAX_STEPS:
        raise ValueError(
            f"at one place of a text it may take {steps:,} steps, and at most {MAX_STEPS:,} are allowed, so that no"
            " text makes it slow; use smaller repeats, or fewer that follow each other"
        )
    return SitePattern(name, pattern)


def _effort(items: Iterable[Any]) -> tuple[int, int]:
    """In how many ways these items may match at one place, and how many steps it takes to try all of them.

    Raises:
        ValueError: there is no limit.
    """
    ways, steps = 1, 0
    for code, argument in items:
        item_ways, item_steps = _effort_of(str(code), argument)
        # What follows is tried again for each way in which this one matches.
        steps = min(steps + ways * item_steps, sys.maxsize)
        ways = min(ways * item_ways, sys.maxsize)
    return ways, steps


def _effort_of(code: str, argument: Any) -> tuple[int, int]:
    if code in _ONE_CHARACTER:
        return 1, 1
    if code == "AT":
        return 1, 1
    if code == "SUBPATTERN":
        return _effort(argument[-1])
    if code == "ATOMIC_GROUP":
        return 1, _effort(argument)[1]
    if code in ("ASSERT", "ASSERT_NOT"):
        return 1, _effort(argument[1])[1]
    if code == "BRANCH":
        branches = [_effort(branch) for branch in argument[1]]
        return sum(ways for ways, _ in branches), sum(steps for _, steps in branches)
    if code in _REPEATS:
        return _effort_of_repeat(code, *argument)
    raise ValueError("use neither references to groups nor conditions: how long they take has no limit")


def _effort_of_repeat(code: str, least: int, most: int, repeated: Any) -> tuple[int, int]:
    if most == _parser.MAXREPEAT:
        raise ValueError('use a repeat with a limit, such as {1,100} instead of "+" or {0,100} instead of "*"')
    ways, steps = _effort(repeated)
    if ways == 1:
        return 1 if code == "POSSESSIVE_REPEAT" else most - least + 1, most * steps
    if most > 64:
        return sys.maxsize, sys.maxsize
    all_steps = sum(min(ways**count, sys.maxsize) for count in range(most)) * steps
    all_ways = sum(min(ways**count, sys.maxsize) for count in range(least, most + 1))
    return (1 if code == "POSSESSIVE_REPEAT" else all_ways), all_steps
