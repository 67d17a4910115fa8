"""Finds the definitions of links in an answer: those that nothing refers to are shown as text, not left out."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import unquote

from .source import LATEX, without_marks

_LABEL = r"\[((?:[^\[\]\\]|\\.){1,999})\]"
_USE = re.compile(_LABEL, re.DOTALL)
_DEFINITION = re.compile(rf"^([ \t>*+.)\d-]{{0,200}}){_LABEL}:\s*(<[^<>\n]*>|\S+)", re.DOTALL | re.MULTILINE)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")

# Where the renderer's links and images lead.
_TARGET = re.compile(r'<(?:a href|img src)="([^"]*)"')

MAX_DEFINITIONS = 500
"""The most definitions of links; if a text has more, all are plain text."""


def with_definitions(text: str, render: Callable[[str], str]) -> str:
    """The HTML of a prepared text, in which each definition of a link is used, or shown as text.

    Arguments:
        render: gives the HTML of a text, with the addresses that its definitions are used for.
    """
    if "]:" not in text:
        return render(text)
    found = _definitions(text)
    if len(found) > MAX_DEFINITIONS:
        return render(_with_visible(text))
    unused = _unused(text, found)
    markup = render(_with_visible(text, unused))
    addresses = {_comparable(without_marks(address)) for address in _TARGET.findall(markup)}
    lost = [definition for definition in found if definition.address not in addresses]
    return markup if set(lost) <= set(unused) else render(_with_visible(text, [*unused, *lost]))


class _Definition(NamedTuple):
    """What may define a link, as in ``[label]: address``."""

    start: int
    """The place of its bracket in the text."""
    label: str
    address: str


def _definitions(text: str) -> list[_Definition]:
    """The definitions of links in a prepared text. Some may be plain text or code."""
    return [
        _Definition(match.start() + len(match[1]), _label(match[2]), _address(match[3]))
        for match in _DEFINITION.finditer(text)
    ]


def _unused(text: str, candidates: Iterable[_Definition]) -> list[_Definition]:
    """The definitions that no other words refer to: second ones of a label, and footnotes, too."""
    uses = Counter(_label(match[1]) for match in _USE.finditer(text))
    uses.subtract(candidate.label for candidate in candidates)
    found, labels = [], set()
    for candidate in candidates:
        if candidate.label.startswith("^") or candidate.label in labels or uses[candidate.label] <= 0:
            found.append(candidate)
        labels.add(candidate.label)
    return found


def _with_visible(text: str, shown: Iterable[_Definition] | None = None) -> str:
    """The text in which these definitions are plain text, None: all; those on the next lines still are definitions."""
    places = None if shown is None else {definition.start for definition in shown}
    last = -1

    def written(match: re.Match[str]) -> str:
        nonlocal last
        prefix = match[1]
        if places is None or match.start() + len(prefix) in places:
            last = match.end()
            # No "\\[", with which a formula begins. This label is no other's, and no colon follows its bracket.
            return f"{prefix}[{LATEX}{match[2]}]{LATEX}{match[0][len(prefix) + len(match[2]) + 2 :]}"
        follows, last = last >= 0 and text[last : match.start()] == "\n", -1
        quote = prefix if not prefix.strip(" \t>") else ""
        return f"{quote}\n{match[0]}" if follows else match[0]

    return _DEFINITION.sub(written, text)


def _label(written: str) -> str:
    return " ".join(written.split()).casefold()


def _address(written: str) -> str:
    return _comparable(_ESCAPED.sub(r"\1", without_marks(written).strip("<>")))


def _comparable(address: str) -> str:
    """An address in one spelling, whether it is written in Markdown or in HTML."""
    return unquote(html.unescape(address))
