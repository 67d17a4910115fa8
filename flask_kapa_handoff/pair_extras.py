"""Reads what a chat may know about a pair besides its texts: why an answer was voted down, and which files were given.

It comes from others and says little, so nothing here is refused: what cannot be read counts as missing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .text import clean_text
from .translation import noop as N_

MAX_COMMENT = 2_000
"""Longest comment on an answer, in characters; the rest is cut off."""

MAX_FILES, MAX_FILE_NAME = 20, 255
"""The most files of one question, and the longest name in characters; the rest is cut off."""

_REASONS = {
    "incorrect": N_("Incorrect"),
    "irrelevant": N_("Irrelevant"),
    "unaddressed": N_("Does not address the question"),
}
"""The reasons of Kapa's form, with their words for people."""

_NAME = re.compile(r"[A-Za-z][\w -]{0,49}", re.ASCII)


def read_comment(value: Any) -> str:
    """What the visitor said about an answer with the vote; ``""``: nothing.

    Arguments:
        value: a text, or Kapa's object with ``incorrect``, ``irrelevant``, ``unaddressed`` and the text ``issue``, or
            its JSON. Reasons of other names are shown by their names.
    """
    text, decoded = value, value
    if isinstance(value, str) and value.startswith("{"):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            decoded = None
    if isinstance(decoded, dict):
        given = [name for name, value in decoded.items() if value is True and _NAME.fullmatch(str(name))]
        said = [words for name, words in _REASONS.items() if name in given]
        # And those of a later form.
        said += [name.replace("_", " ").capitalize() for name in given if name not in _REASONS]
        issue = decoded.get("issue")
        text = ". ".join([*said, issue.strip()] if isinstance(issue, str) and issue.strip() else said)
    return _cut(clean_text(text).strip(), MAX_COMMENT) if isinstance(text, str) else ""


def read_files(value: Any) -> tuple[str, ...]:
    """The names of files; texts, or objects with ``file_name`` or ``name``."""
    names = [_name(item) for item in value[:MAX_FILES]] if isinstance(value, (list, tuple)) else []
    return tuple(name for name in names if name)


def _name(item: Any) -> str:
    if isinstance(item, dict):
        item = item.get("file_name") or item.get("name")
    return _cut(" ".join(clean_text(item).split()), MAX_FILE_NAME) if isinstance(item, str) else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
