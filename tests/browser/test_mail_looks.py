"""Mails of each kind in a real browser: narrow and wide, light and dark, with and without the style sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from flask_kapa_handoff import QuestionAnswer, Source
from tests.helpers.mails import body

pytestmark = pytest.mark.only("sqlite")

LONG = "https://docs.example.com/" + "segment-without-blanks/" * 8 + "?query=" + "x" * 120
CODE = f"""Run `kapa-handoff.configuration.value_with_a_very_long_name.and_more`:

```python
from flask_kapa_handoff import KapaHandoff, Conversation, QuestionAnswer, Source, Trigger, Visitor
```

| Option | Meaning | Default |
|---|---|--:|
| `KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD` | how many questions | 3 |
| `KAPA_HANDOFF_EMAIL` | {LONG} | none |

# {"Heading" * 12}

> {LONG}

See {LONG}"""
ARABIC = "شغّل الأمر `keys rotate --force` ثم **أعد**.\n\n- أولاً\n\n| اليوم | يعمل |\n|---|---|\n| ا | ل |"
JAPANESE = "「設定」を開き、更新します。" * 40

KINDS: dict[str, tuple[list[QuestionAnswer], dict[str, Any]]] = {
    "short": ([QuestionAnswer("How do I rotate a key?", "Run `keys rotate`. See **the guide**.")], {"note": ""}),
    "long": ([QuestionAnswer(f"Question {n}?", "Some words. " * 200, f"a{n}") for n in range(40)], {}),
    "arabic": ([QuestionAnswer("كيف أغير المفتاح؟", ARABIC)], {"note": "لا يعمل.", "visitor_name": "آدا"}),
    "japanese": (
        [QuestionAnswer("鍵を更新するには？", "「設定」を開き、更新します。" * 40)],
        {"note": "火曜日には動きません。"},
    ),
    "code": ([QuestionAnswer("Which options are there?", CODE)], {"note": LONG}),
    "follow-up": ([QuestionAnswer(f"Q{n}?", f"A{n}", f"a{n}") for n in range(4)], {"earlier_pairs": 2}),
    "fields": (
        [
            QuestionAnswer("First?", "One", "a1", (Source("Guide", "https://e.example/g"), Source(LONG, LONG))),
            QuestionAnswer("Second?", "Two", "a2", (), True, "downvote", True, "Incorrect", ("log.txt", "x" * 200)),
        ],
        {
            "answer_id": "a2",
            "flag": "new address",
            "visitor_name": "Ada Lovelace",
            "page": LONG,
            "fields": {"order": "4711", "steps": "one\ntwo", "key": "k" * 200},
            "context": {"Plan": "Team", "Build": "b" * 200},
        },
    ),
}

LOOK = """() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b]
        .map((one) => one / 255).map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
    const background = (element) => {
        for (; element; element = element.parentElement) {
            const color = rgb(getComputedStyle(element).backgroundColor);
            if (color[3] !== 0) return color;
        }
        return [255, 255, 255];
    };
    const faint = [], outside = [];
    for (const element of document.body.querySelectorAll("*")) {
        if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
        const [a, b] = [rgb(getComputedStyle(element).color), background(element)].map(light).sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(element.outerHTML.slice(0, 200));
        const { left, right } = element.getBoundingClientRect();
        if (left < 0 || right > innerWidth) outside.push(element.outerHTML.slice(0, 200));
    }
    const rows = [...document.querySelectorAll("tr")].filter((row) => row.querySelector("th[scope]"));
    return {
        faint,
        outside,
        scrolls: document.documentElement.scrollWidth > innerWidth,
        columns: [0, 1].map((index) => new Set(rows.map((row) => row.cells[index].getBoundingClientRect().left)).size),
    };
}"""


SHEET = re.compile(r"<style>.*?</style>", re.DOTALL)
PROGRAMS: dict[str, Callable[[str], str]] = {
    "a program that keeps everything": lambda html: html,
    "one that drops the sheet": lambda html: SHEET.sub("", html),
    "Gmail, which does not know overflow-wrap": lambda html: re.sub("overflow-wrap:[a-z-]+", "", SHEET.sub("", html)),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mails_hold_at_every_width(
    write: Callable[..., bytes], open_context: Callable[..., BrowserContext], scheme: str, program: str
) -> None:
    """Nothing is cut off or hard to read, and values begin at the same place."""
    page = open_context(color_scheme=scheme).new_page()
    for kind, (pairs, fields) in KINDS.items():
        page.set_content(PROGRAMS[program](body(write(pairs=pairs, **fields), "html")))
        for width in (360, 700):
            page.set_viewport_size({"width": width, "height": 600})
            look = page.evaluate(LOOK)
            assert look == {"faint": [], "outside": [], "scrolls": False, "columns": [1, 1]}, (kind, width)


def test_a_wide_table_scrolls_in_its_answer(
    write: Callable[..., bytes], open_context: Callable[..., BrowserContext]
) -> None:
    """Its words stay whole, and the mail is no wider than the screen."""
    answer = "| Plan | Requests | Concurrent workers | Storage | Retention | Support |\n" + "|---" * 6 + "|\n"
    answer += "| Enterprise | unlimited | unlimited | unlimited | as agreed | around the clock |"
    page = open_context(viewport={"width": 360, "height": 600}).new_page()
    page.set_content(SHEET.sub("", body(write(pairs=[QuestionAnswer("Which plans are there?", answer)]), "html")))
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(
        "[...document.querySelectorAll('.answer')].map((one) => one.scrollWidth > one.clientWidth)"
    ) == [True]


SIDES = """(selector) => {
    const block = document.querySelector(selector);
    const { left, width } = block.getBoundingClientRect();
    const lines = document.createRange();
    lines.selectNodeContents(block);
    const seen = [...lines.getClientRects()].filter((line) => line.width > 8 && line.width < width / 2);
    return seen.map((line) => line.left + line.width / 2 < left + width / 2 ? "left" : "right");
}"""
TWO_DIRECTIONS = "لا يعمل.\n\nIt is down."


def test_each_paragraph_has_its_own_direction(
    write: Callable[..., bytes], open_context: Callable[..., BrowserContext]
) -> None:
    """An Arabic note with an English paragraph: each is on the side where it begins."""
    page = open_context().new_page()
    question = QuestionAnswer(TWO_DIRECTIONS, "So.", "a1")
    page.set_content(body(write(pairs=[question], note=TWO_DIRECTIONS), "html"))
    for selector in (".note", ".question"):
        assert list(dict.fromkeys(page.evaluate(SIDES, selector))) == ["right", "left"], selector
