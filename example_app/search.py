"""Answers from the documentation: a ranked text search that says so when it finds little.

No language model is needed to show what the package does: the best matching section is quoted, and a question with few
words in common with the pages is flagged as uncertain.
"""

from __future__ import annotations

import math
import re
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from .documentation import Section, load_pages

CERTAIN = 0.65
"""The share of a question's words, rare words counting more, that the best section must contain."""

POSSIBLE = 0.5
"""From this share, the section is shown as a guess."""

MAX_WORDS = 40
ANSWER_WORDS = 110

NOT_FOUND = (
    "I could not find this in the documentation. Try other words, or ask our support team: "
    "they will see this conversation, so there is no need to write everything again."
)
WEAK = "I am not sure that this answers your question. The closest I found in the documentation:"

_COMMON_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after all also am an and any anything are as at be been before but by can cannot could
    did do does doing done e for from g get gets give go has have having he help her here him his how i
    if in into is it its just know let like make many may me might mine more much must my need no not now
    of off offer on one only or our out over pebblecask please possible s she should show so some something
    such t tell than thank thanks that the their them then there these they thing this those to too under
    up us use used using very want was way we were what when where which while who whom whose why will
    with without would you your""",
    )
)


@dataclass(frozen=True)
class Answer:
    """An answer of the chat: Markdown, the sections it was drawn from, and whether it is a guess."""

    text: str
    sections: tuple[Section, ...]
    uncertain: bool


@dataclass(frozen=True)
class Match:
    section: Section
    coverage: float
    rank: float

    @property
    def score(self) -> float:
        return self.coverage * self.rank


class Index:
    """A full-text index of sections, in memory."""

    def __init__(self, sections: Iterable[Section]) -> None:
        self._sections = tuple(sections)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(
            "CREATE VIRTUAL TABLE section USING fts5(page, heading, text, tokenize='porter unicode61')"
        )
        self._database.executemany(
            "INSERT INTO section (rowid, page, heading, text) VALUES (?, ?, ?, ?)",
            [
                (number, section.page_title, section.heading, section.text)
                for number, section in enumerate(self._sections)
            ],
        )

    def search(self, words: list[str]) -> list[Match]:
        """The matching sections, best first."""
        weights, found = dict[str, float](), dict[str, set[int]]()
        for word in words:
            found[word] = {row for row, _ in self._rows(word)}
            weights[word] = math.log(1 + len(self._sections) / (len(found[word]) or 0.5))
        matches = [
            Match(
                self._sections[row],
                sum(weights[word] for word in words if row in found[word]) / sum(weights.values()),
                rank,
            )
            for row, rank in self._rows(*words)
        ]
        return sorted(matches, key=lambda match: match.score, reverse=True)

    def _rows(self, *words: str) -> list[tuple[int, float]]:
        # In quotes, a word is never read as FTS5 syntax such as NEAR or NOT.
        query = " OR ".join(f'"{word}"' for word in words)
        with self._lock:
            return self._database.execute(
                "SELECT rowid, -bm25(section, 3, 6, 1) FROM section WHERE section MATCH ?", (query,)
            ).fetchall()


@cache
def documentation_index() -> Index:
    return Index(section for page in load_pages().values() for section in page.sections)


def words_of(question: str) -> list[str]:
    """The meaningful words, each once."""
    words = re.findall(r"[^\W_]+", question.lower())
    return [word for word in dict.fromkeys(words) if word not in _COMMON_WORDS][:MAX_WORDS]


def answer(question: str) -> Answer:
    """Answer a question from the documentation."""
    words = words_of(question)
    matches = documentation_index().search(words) if words else []
    if not matches or matches[0].coverage < POSSIBLE:
        return Answer(NOT_FOUND, (), uncertain=True)
    best = matches[0]
    sources = tuple(match.section for match in matches[:3] if match.score >= best.score / 2)
    text = excerpt(best.section.text, words)
    if best.coverage < CERTAIN:
        return Answer(f"{WEAK}\n\n{text}", sources, uncertain=True)
    return Answer(text, sources, uncertain=False)


def excerpt(markdown: str, words: list[str]) -> str:
    """The most relevant paragraphs, in order, together with the code that they introduce."""
    blocks = _blocks(markdown)
    stems = tuple(word[:5] for word in words)

    def hits(block: str) -> int:
        return sum(stem in block.lower() for stem in stems)

    chosen, length = set[int](), 0
    for number in sorted(range(len(blocks)), key=lambda number: (-hits(blocks[number]), number)):
        size = len(blocks[number].split())
        if not chosen or length + size <= ANSWER_WORDS:
            chosen.add(number)
            length += size
    return "\n\n".join(blocks[number] for number in sorted(chosen))


def _blocks(markdown: str) -> list[str]:
    """Paragraphs; a code block, list or table stays with the sentence before it that ends in a colon."""
    blocks: list[str] = []
    fenced = False
    for part in markdown.split("\n\n"):
        if blocks and (fenced or blocks[-1].endswith(":")):
            blocks[-1] += "\n\n" + part
        else:
            blocks.append(part)
        fenced ^= part.count("```") % 2 == 1
    return blocks
