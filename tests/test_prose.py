"""The pages are short, plain prose: the README and docs/, beside the words that test_words.py bans everywhere.

Tables, code and what `make reference` writes are left out: those are no sentences, and that is read in the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).parent.parent
PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
LONGEST = 45
"""Words in a sentence. What is longer has two thoughts."""

# By pattern: what to write instead, and a text that the pattern must find. Case is ignored.
RULES = {
    r"simply|just (?=\w+ (?:it|the|your))|obviously|of course|basically|easily|really|actually|clearly": (
        "nothing: it is not easy for a reader who is stuck",
        "You can simply restart it",
    ),
    r"e\.g\.|i\.e\.|etc\.|via": ("such as, that is, and so on, through", "a proxy, e.g. nginx"),
    r"in order to|due to the fact|at this point in time|prior to": ("to, because, now, before", "In order to start"),
    r"utili[sz]e[sd]?|leverages?|facilitates?": ("use, help", "It utilizes a queue"),
    r"(is|are) able to": ("can", "Visitors are able to send"),
    r"(allow|permit|enable)s? to": ("lets you …, you can …", "This allows to send it again"),
    r"click here|this link|see here": ("words that say where the link leads", "click here"),
    r"(he|she|his|her|him|guys)": ("they, their", "a visitor and his ticket"),
    r"behavior|colors?|recogniz\w+|customiz\w+|organiz\w+|analyz\w+": ("one spelling: the British one", "its colors"),
    r"(\w+) \1": ("the word once", "to the the server"),
    r"we are (happy|excited|proud)|seamless(ly)?|powerful|blazing(ly)?|robust": ("what it does", "a powerful queue"),
}

# (page, words, in lower case): why they may stay.
EXCEPTIONS: dict[tuple[str, str], str] = {}


class Line(NamedTuple):
    """A line of prose, with its number in the file."""

    number: int
    text: str


def prose(page: str) -> Iterator[Line]:
    """A page's lines without code, tables, comments and what is generated; inline code is one word."""
    left_out = r"^```.*?^```$|<!-- make reference.*?<!-- end -->|<!--.*?-->|^\|.*?$|^<.*?$"
    page = re.sub(left_out, lambda found: "\n" * found[0].count("\n"), page, flags=re.DOTALL | re.MULTILINE)
    page = re.sub(r"`[^`]+`", "…", page)
    page = re.sub(r"\]\([^)]*\)", "]", page)
    for number, text in enumerate(page.splitlines(), 1):
        yield Line(number, text)


def sentences(page: str) -> Iterator[str]:
    """The sentences of a page: its paragraphs and points of lists, cut after each full stop, colon and semicolon."""
    text = "\n".join(line.text for line in prose(page))
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[-*#]|\d+\.) )", text):
        yield from re.split(r"(?<=[.!?:;])[\"”)*]* ", " ".join(paragraph.split()))


def findings(page: str) -> Iterator[tuple[int, str, str]]:
    """Each word that a rule is about: its line, the words, what is better."""
    for line in prose(page):
        for pattern, (better, _sample) in RULES.items():
            for found in re.finditer(rf"(?<![\w-])(?:{pattern})(?![\w-])", line.text, re.IGNORECASE):
                yield line.number, found[0], better


def read(page: Path) -> str:
    return page.read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_word_is_in_the_readers_way(page: Path) -> None:
    """Or it is an exception with a reason."""
    wrong = [
        f'{page.name}:{line}: "{words}"; better: {better}'
        for line, words, better in findings(read(page))
        if (page.name, words.lower()) not in EXCEPTIONS
    ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_is_too_long(page: Path) -> None:
    long = [sentence for sentence in sentences(read(page)) if len(sentence.split()) > LONGEST]
    assert not long, "\n" + "\n".join(long)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_headings_are_sentences_without_a_full_stop(page: Path) -> None:
    """One title; below it each level in its turn; no capitals of titles."""
    headings = [line.text for line in prose(read(page)) if re.match(r"#+ ", line.text)]
    assert [heading for heading in headings if heading.startswith("# ")] == headings[:1]
    levels = [heading.index(" ") for heading in headings]
    assert all(below <= above + 1 for above, below in pairwise(levels))
    assert [heading for heading in headings if heading.endswith((".", ":"))] == []
    known = r"Flask|Kapa|JavaScript|Python|PostgreSQL|SQLite|HTTP|HTML|CSP|Unix|Jinja|Celery|Content|SMTP|SDK|Basic"
    words = [re.findall(r"[A-Z][a-z]+", heading.partition(" ")[2].partition(" ")[2]) for heading in headings]
    for heading, capitals in zip(headings, words, strict=True):
        assert len([word for word in capitals if not re.fullmatch(known, word)]) <= 2, heading


@pytest.mark.parametrize(("pattern", "rule"), RULES.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_rule_finds_its_sample(pattern: str, rule: tuple[str, str]) -> None:
    assert [better for _line, _words, better in findings(f"Read this: {rule[1]} …")] == [rule[0]], pattern


def test_code_and_tables_are_left_alone() -> None:
    page = "# Of `color`\n\n| via |\n|---|\n\n```css\ncolor: via;\n```\n\nSee [it](color.md).\n"
    assert list(findings(page)) == []


def test_a_long_sentence_is_found_across_lines() -> None:
    assert max(len(sentence.split()) for sentence in sentences("a\n" * 50 + "\n- b c.\n")) == 50


def test_every_exception_is_needed() -> None:
    found = {(page.name, words.lower()) for page in PAGES for _line, words, _better in findings(read(page))}
    assert set(EXCEPTIONS) <= found
