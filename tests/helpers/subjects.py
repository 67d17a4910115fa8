"""Subjects of mails in eleven languages, from sentences that people wrote."""

from __future__ import annotations

import re
from itertools import cycle
from pathlib import Path

SENTENCES = Path(__file__).parent.parent / "data" / "sentences.txt"
EACH = 400
_LENGTHS = range(12, 100, 3)  # a ticket's subject has at most 100 characters


def subjects() -> dict[str, list[str]]:
    """By language, :data:`EACH` parts of its sentences, of every length and from every place."""
    languages = re.findall(r"^\[(\w+)\]\n((?:(?!\[).+\n)+)", SENTENCES.read_text(encoding="utf-8"), re.MULTILINE)
    return {language: _cut(" ".join(sentences.split())) for language, sentences in languages}


def _cut(text: str) -> list[str]:
    starts = (number * 7 % (len(text) - max(_LENGTHS)) for number in range(EACH))
    return [text[start : start + length].strip() for start, length in zip(starts, cycle(_LENGTHS), strict=False)]
