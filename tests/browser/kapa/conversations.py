"""Conversations of every kind, made from a number: the same ones in each run."""

from __future__ import annotations

import random
import uuid

from flask_kapa_handoff.text import clean_text
from tests.browser.kapa.streams import Pair

LARGE = 100_000
"""Bytes of a large answer."""

LINES = (
    # one script after another
    "How do I rotate a key without losing the old backups ?",
    "Größe naïve Ångström Œuvre İstanbul ẞ ﬁn",
    "как восстановить файл из снимка",
    "كيف أستعيد النسخة \u200f٢٠٢٦ שלום עולם \u202eabc\u202c",
    "किताब क्षत्रिय ไม่ได้ 한국어 各각 日本語 蠱毒 葛󠄀",
    # beyond the first plane, and joined of several characters
    "🗝 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇺🇦 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𒀀 𠜎 \U0010fffd",
    # the same letter in two spellings, and letters that carry towers
    "e\u0301 \u00e9 A\u030a Å Z\u0351\u036b\u0343\u036a\u0302\u036b q\u0307\u0323 \u1e9b\u0323 ﷺ",
    # like the separator, the separator itself, and the replacement of its bytes
    "␞ ␝ ␟ \u2410 \u2418\u241e\u241e \u001e \\u241e %E2%90%9E â\x90\x9e",
    # what markup, JSON, JavaScript and mail take for something else
    "</script> <b>&amp;</b> {{ 7*7 }} ${x} \"quoted\" 'single' \\ \\\\n \\u0000 \u2028 \u2029 \ufeff =?utf-8?q?x?=",
    "*bold* _it_ [a link](https://example.com/?a=1&b=2#c) ![picture](x.png) `code` ~~gone~~ | a | b |",
    "tab\there",
    "line\nbreak",
    "line\r\nbreak",
    "no\u00a0break",
    "zero\u200bwidth",
    "control\x01\x7f\x85",
    "https://docs.example.com/restore?file=größe&x=🗝",
)

WORDS = [word for line in LINES for word in line.split(" ")]

BLOCKS = (
    '```python\nfor key in keys:\n\tprint(f"{key!r:>10}")  # 🗝\n```',
    "```\n\n  nothing   but\t spaces  \n\n```",
    "~~~html\n<script>alert('␞')</script>\n~~~",
    "| a | b |\n|---|---|\n| 1 | `|` |",
    "1. one\n2. two\n   - nested\n\n> quoted\n> > twice",
    '{"chunk": {"type": "identifiers", "content": {}, "stream_end": true}}',
    "# A heading\n\n---\n\n.\n.\nFrom the start of a line",
    "    indented code\n\n\n\nand three empty lines",
)


def conversation(number: int, trigger: str) -> list[Pair]:
    """One to twelve pairs, the last of which qualifies by this trigger."""
    rng = random.Random(number)  # noqa: S311 - the same in each run
    # The first ninety-six have each length in each of the four ways; then at random.
    length = number // 16 * 2 + number % 2 + 1 if number < 96 else rng.randint(1, 12)
    if trigger == "conversation-length":
        length = max(3, length)
    pairs = [_pair(rng, number, place) for place in range(length)]
    if number % 9 == 0:
        rng.choice(pairs).answer = _large(rng)
    last = pairs[-1]
    if trigger == "uncertainty":
        last.uncertain = True
    if trigger == "downvote":
        last.reaction = "downvote"
    return pairs


def _pair(rng: random.Random, number: int, place: int) -> Pair:
    return Pair(
        question=f"{number}.{place} {_words(rng, rng.randint(1, 12))}",
        answer=_answer(rng),
        id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        sources=[_source(rng, place) for place in range(rng.choice((0, 0, 1, 3, 8)))],
        uncertain=rng.random() < 0.2,
        reaction=rng.choice((None, None, None, "upvote", "downvote")),
    )


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count))


def _answer(rng: random.Random) -> str:
    blocks = [rng.choice(BLOCKS) if rng.random() < 0.3 else _words(rng, rng.randint(1, 40)) for _ in range(3)]
    ends = rng.choice(("", " ", "\n", "\n\n"))
    return "\n\n".join(blocks[: rng.randint(1, 3)]) + ends


def _large(rng: random.Random) -> str:
    blocks: list[str] = []
    size = 0
    while size < LARGE:
        blocks.append(_answer(rng))
        size += len(blocks[-1].encode()) + 2
    return "\n\n".join(blocks)


def _source(rng: random.Random, place: int) -> dict[str, str]:
    return {
        "title": rng.choice(("", "Handbook|Keys", f"Handbook|{_words(rng, 3)}")),
        "subtitle": "",
        "source_url": f"https://docs.example.com/{place}/{rng.choice(('keys', 'größe', '🗝?a=1&b=2#c'))}",
        "source_type": "S3",
    }


def as_stored(pairs: list[Pair]) -> list[dict[str, object]]:
    """The pairs as a ticket must hold them: what was said, normalised as all text is."""
    return [_cleaned(pair.as_stored()) for pair in pairs]


def _cleaned(pair: dict[str, object]) -> dict[str, object]:
    sources = pair["sources"]
    assert isinstance(sources, list)
    return {
        **pair,
        "question": clean_text(str(pair["question"])),
        "answer": clean_text(str(pair["answer"])),
        "sources": [
            {"title": clean_text(source["title"] or source["url"]), "url": clean_text(source["url"])}
            for source in sources
        ],
    }
