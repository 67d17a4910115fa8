"""Groups questions by their words, in any language. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from .common_words import COMMON_WORDS

ALIKE = 0.5
"""Two questions are alike if what they share weighs at least this share of what they say on average (Dice)."""

STEM = 6
"""So many letters of a word count, so that "restoring" is "restore"."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_WITHOUT_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

Words = frozenset[str]


def words_of(text: str) -> Words:
    """The words of a question that say what it is about, without numbers; all of them if none does."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))
    words: set[str] = set()
    for word in found:
        if _WITHOUT_SPACES.search(word):
            for run in _WITHOUT_SPACES.findall(word):
                words.update(run[place : place + 2] for place in range(max(1, len(run) - 1)))
            words.update(part[:STEM] for part in _WITHOUT_SPACES.split(word) if part)
        elif word not in COMMON_WORDS and not word.isdigit():
            words.add(word[:STEM])
    return frozenset(words or found)


def group_questions(questions: Sequence[str]) -> list[list[int]]:
    """Which questions are alike, by their places, largest group first; a group's first one comes first in it.

    Words that many questions have count for less: on a site about backups, "backup" says little.
    """
    words = [words_of(question) for question in questions]
    frequency = Counter(word for each in words for word in each)
    weights = {word: math.log(1 + len(questions) / count) for word, count in frequency.items()}
    totals = [sum(weights[word] for word in each) for each in words]
    groups: list[list[int]] = []
    by_word: dict[str, list[int]] = defaultdict(list)
    for place, mine in enumerate(words):
        shared: dict[int, float] = defaultdict(float)
        for word in mine:
            for number in by_word[word]:
                shared[number] += weights[word]
        best, likeness = None, ALIKE
        for number, weight in shared.items():
            found = 2 * weight / (totals[place] + totals[groups[number][0]])
            if found >= likeness and (best is None or found > likeness):
                best, likeness = number, found
        if best is not None:
            groups[best].append(place)
            continue
        for word in mine:
            by_word[word].append(len(groups))
        groups.append([place])
    return sorted(groups, key=lambda group: (-len(group), group[0]))


def most_frequent(texts: Sequence[str]) -> str:
    """The text that occurs most often; of several, the first."""
    return Counter(texts).most_common(1)[0][0]
