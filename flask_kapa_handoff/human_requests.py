"""Recognizes that a visitor asks for a human: phrases in the languages of visitors, and a site's own.

A phrase is made of words. ``(a|b)`` is one of several, ``[a]`` may be missing, and ``.`` is where a sentence begins or
ends. A text and a phrase are compared without case, accents and punctuation; whole words count, except in Chinese,
Japanese and Korean, where words are not separated or have endings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

MAX_LENGTH = 1_000
"""How many characters of a question are looked at: a wish for a human is a short one."""

MAX_PHRASES, MAX_PHRASE = 500, 300
"""The most phrases of a site, and the most characters of one."""

MAX_OPTIONAL = 6
"""The most ``[…]`` in one phrase of a site: trying all of them takes time that doubles with each."""

_LISTS = (list, tuple, set, frozenset)

_ENDS = re.compile(r"[.!?;:\n…。！？；：،؛؟|]+")
_TOKENS = re.compile(r"[^\W_]+|\.")
_SYNTAX = re.compile(r"[^\W_]+|[()\[\]|.]")
# Han, kana, Hangul: their phrases are compared without blanks.
_UNSPACED = re.compile("[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_LETTERS = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "\u0640": None})


def _plain(text: str) -> str:
    """The text in lower case, without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(character for character in apart if unicodedata.category(character) != "Mn")
    return unicodedata.normalize("NFC", kept).translate(_LETTERS)


def _tokens(text: str) -> list[str]:
    """The words of a text, with a full stop around each sentence."""
    return _TOKENS.findall(f". {_ENDS.sub(' . ', _plain(text[:MAX_LENGTH]))} .")


def _pattern(phrase: str, end: str) -> str:
    """A phrase as a regular expression; ``end`` follows each word in the text."""
    parts = {"(": "(?:", ")": ")", "[": "(?:", "]": ")?", "|": "|", ".": rf"\.{end}"}
    return "".join(parts.get(part, f"{part}{end}") for part in _SYNTAX.findall(_plain(phrase)))


def check_phrase(phrase: object) -> str:
    """A site's phrase.

    Raises:
        ValueError: it is not a phrase; the message says why.
    """
    if not isinstance(phrase, str) or not 1 <= len(phrase.strip()) <= MAX_PHRASE:
        raise ValueError(f"a phrase is text of 1 to {MAX_PHRASE} characters, such as 'talk to (a|an) human'")
    try:
        pattern = re.compile(_pattern(phrase, " "))
    except re.error:
        raise ValueError(
            f"{phrase!r}: a bracket is not closed; write (a|b) for one of several, [a] for what may be missing"
        ) from None
    if phrase.count("[") > MAX_OPTIONAL:
        raise ValueError(f"{phrase!r}: has more than {MAX_OPTIONAL} parts that may be missing")
    if pattern.match("") or not _TOKENS.search(_plain(phrase).replace(".", "")):
        raise ValueError(f"{phrase!r}: has no word that must be there")
    return phrase.strip()


def parse_human_phrases(value: Any) -> HumanRequests:
    """A site's phrases: a list is added to the package's, a dict of lists by language replaces those languages'.

    Raises:
        ValueError: it is neither, or a phrase is none.
    """
    if isinstance(value, str):
        value = [phrase for phrase in value.split(",") if phrase.strip()]
    by_language = value if isinstance(value, Mapping) else {"": value}
    if not all(isinstance(language, str) and isinstance(found, _LISTS) for language, found in by_language.items()):
        raise ValueError("use a list of phrases, or a dict of lists by language, such as {'en': ['page (Ada|Bob)']}")
    if sum(map(len, by_language.values())) > MAX_PHRASES:
        raise ValueError(f"use at most {MAX_PHRASES} phrases")
    checked = {language: tuple(map(check_phrase, found)) for language, found in by_language.items()}
    return HumanRequests(added=checked.pop("", ()), by_language=checked)


@dataclass(frozen=True)
class HumanRequests:
    """Finds requests for a human.

    Arguments:
        added: phrases of the site, besides the package's.
        by_language: phrases instead of the package's for a language, by its code.
    """

    added: tuple[str, ...] = ()
    by_language: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def found_in(self, question: str) -> bool:
        """Whether the question asks for a human; only its first :data:`MAX_LENGTH` characters are looked at."""
        words = _tokens(question)
        spaced, unspaced = self._patterns
        return bool(spaced.search(" ".join([*words, ""])) or unspaced.search("".join(words)))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        # Only a desk that has the trigger needs them: compiling them takes some milliseconds.
        from .human_phrases import PHRASES

        chosen = {**PHRASES, **self.by_language, "": self.added}
        phrases = [phrase for phrases in chosen.values() for phrase in phrases]
        spaced = [_pattern(phrase, " ") for phrase in phrases if not _UNSPACED.search(phrase)]
        unspaced = [_pattern(phrase, "") for phrase in phrases if _UNSPACED.search(phrase)]
        return re.compile(rf"(?<![^ ])(?:{'|'.join(spaced) or '(?!)'})"), re.compile("|".join(unspaced) or "(?!)")
