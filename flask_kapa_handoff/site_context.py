"""Checks what a site's ``context_loader`` says about a visitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .text import clean_text

MAX_ENTRIES = 20

MAX_LABEL, MAX_VALUE = 100, 5_000
"""Longest label and value, in characters; the rest is cut off."""

_MAX_READ = 10 * MAX_VALUE  # characters: cleaning megabytes takes seconds, and a visitor is waiting


def read_context(value: Any) -> tuple[dict[str, str], str | None]:
    """What the agent may read of it, and which part is wrong; None: nothing is.

    Labels are one line. Entries without a label or a value are left out. The wrong part is described without its text.
    """
    if not isinstance(value, Mapping):
        return {}, ""
    wrong = None
    found: dict[str, str] = {}
    for number, (label, text) in enumerate(value.items(), 1):
        if number > MAX_ENTRIES:
            wrong = f"it has {len(value)} entries; the limit is {MAX_ENTRIES}"
            break
        if not isinstance(label, str):
            wrong = f"the label of entry {number} is {type(label).__name__}, not text"
        elif not isinstance(text, str):
            wrong = f"the value of entry {number} is {type(text).__name__}, not text"
        else:
            name, said = " ".join(clean_text(label[:_MAX_READ]).split()), clean_text(text[:_MAX_READ]).strip()
            if name and said:
                found[_cut(name, MAX_LABEL)] = _cut(said, MAX_VALUE)
    return found, wrong


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
