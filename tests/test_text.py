"""Text of visitors: normalised in a time that grows with its length alone, and shown without what cannot be seen."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass

import pytest

from flask_kapa_handoff.text import INVISIBLE, LONGEST_RUN, normalized, one_line, quoted, visible, with_visible
from tests.helpers.growth import LINEAR, growth

ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "shape",
    [
        lambda size: "a" + "\u0315" * (size // 2) + "\u0316" * (size // 2),
        lambda size: "\u0315\u0316" * (size // 2),
        lambda size: ("a" + "\u0316\u0315" * 15) * (size // 31),
        lambda size: ("a" + "\u0316\u0315" * 15 + "\u0316") * (size // 32),
        lambda size: "a\u0315" * (size // 2),
        lambda size: "\u0344" * size,
        lambda size: "\ufb2c" * size,
        lambda size: "\u1100\u1161\u11a8" * (size // 3),
    ],
    ids=["two marks", "in turns", "30 marks", "31 marks", "one mark", "two in one", "three in one", "Hangul"],
)
def test_normalising_takes_linear_time(shape: object) -> None:
    """Four times as many characters, in any order, take about four times as long."""
    assert growth(normalized, shape(30_000), shape(120_000)) < LINEAR  # type: ignore[operator]


def test_a_run_of_marks_is_cut_after_thirty() -> None:
    """What comes after the run stays; a run of thirty stays whole."""
    assert normalized("x" + "\u0315" * 31 + "y") == "x" + "\u0315" * 30 + "y"
    assert normalized("x" + "\u0315" * 30 + "y") == "x" + "\u0315" * 30 + "y"
    assert normalized("a" * 1000 + "\u0315" * 1000 + "ü") == "a" * 1000 + "\u0315" * 30 + "ü"


@pytest.mark.parametrize("character", ["\u0344", "\ufb2c", "\u0f73", "\U0001d160"], ids=ascii)
def test_characters_that_become_marks_are_cut_too(character: str) -> None:
    """Normalising twice gives the same, also where characters become several marks; no run is longer than thirty."""
    once = normalized("a" + character * 100)
    assert normalized(once) == once
    run = longest = 0
    for each in once:
        run = run + 1 if unicodedata.combining(each) else 0
        longest = max(longest, run)
    assert longest <= LONGEST_RUN


@pytest.mark.parametrize(
    "text",
    [
        "한국어 \u1112\u1161\u11ab",
        "क्षेत्र में हिन्दी",
        "ப்ரியா ക്ഷ ಕ್ಷ ක්‍ෂ",
        "בְּרֵאשִׁית",
        "Tiê\u0301ng Viê\u0323t",
        "z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308a\u0300\u0301\u0302l\u0315g\u0316o",
        "བོད་ཡིག \u0f73",
    ],
    ids=["Hangul", "Hindi", "southern", "Hebrew", "Vietnamese", "Zalgo", "Tibetan"],
)
def test_texts_of_languages_are_only_normalised(text: str) -> None:
    """No script and no joke has runs of more than thirty marks."""
    assert normalized(text) == unicodedata.normalize("NFC", text)


def test_every_non_starter_is_known() -> None:
    """This Python's characters that nothing composes with are those that the pattern is made of."""
    from flask_kapa_handoff.text import _non_starters

    one, _ = _non_starters()
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1))))
    candidates = [each for each in everything if unicodedata.combining(each) or unicodedata.decomposition(each)]
    expected = [each for each in candidates if all(map(unicodedata.combining, unicodedata.normalize("NFD", each)))]
    assert one.findall(everything) == expected


SHAPELESS = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2064\u2066\u2067\u2068\u2069\ufeff"


@pytest.mark.parametrize("character", [*SHAPELESS, "\u200c", "\u200d", "\U000e0041"], ids=ascii)
def test_what_cannot_be_seen_is_removed(character: str) -> None:
    """Bidirectional and zero-width characters, alone and in runs, and joiners that join nothing."""
    assert visible(f"pay{character}pal") == "paypal"
    assert visible(f"{character * 3} ü {character}") == " ü "


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم",
        "API‌ها را، ۲۴‌ساعته؛ سال ۱۴۰۲ ه‍.ش. ه‍",
        "क्‍ष",
        "ക്‍ഷ അവന്‍ ",
        "👩‍💻 👩🏽‍💻 👨‍👩‍👧 🏳️‍🌈 ❤️‍🔥",
        ENGLAND,
        "☺️ 1️⃣ 葛\U000e0100",
        "שלום مرحبا",
        "tab\tand\nline",
    ],
    ids=[
        "Persian",
        "Persian beside others",
        "Hindi",
        "Malayalam",
        "emoji",
        "flag",
        "variation",
        "right to left",
        "blanks",
    ],
)
def test_what_can_be_seen_stays(text: str) -> None:
    """Joiners between letters or emoji, variation selectors and flags are part of the text."""
    assert visible(text) == text


def test_one_joiner_is_enough() -> None:
    """Typed twice, or beside something else that cannot be seen, it still joins what is around it."""
    assert visible("می\u200c\u200cخواهم 👩\u200d\u200d💻 API\u200c\u200cها") == "می\u200cخواهم 👩\u200d💻 API\u200cها"
    assert visible("pay\u200c\u200dpal ü\u200d\u200d.") == "paypal ü."


def test_tags_that_make_no_flag_are_removed() -> None:
    """They are ASCII that nobody sees."""
    assert visible("a\U000e0061\U000e0062 " + ENGLAND + " \U000e0061") == f"a {ENGLAND} "


def test_showing_takes_linear_time() -> None:
    """Removing invisible characters takes time proportional to the text."""
    for unit in ("a\u202e", "ü\u200d", "\u200d", "🏴\U000e0061", "\U000e0061"):
        assert growth(visible, unit * 20_000, unit * 80_000) < LINEAR, ascii(unit)


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_every_line_is_quoted(end: str) -> None:
    """Whatever a mail program takes for the end of a line, the next one is quoted."""
    text = quoted(f"one{end}Reply-To: x{end}")
    assert text.splitlines() == ["> one", "> Reply-To: x"]


def test_an_empty_text_is_quoted_too() -> None:
    """A question of nothing has its place, as do empty lines."""
    assert quoted("") == "> "
    assert quoted("a\n\nb") == "> a\n> \n> b"


def test_all_that_is_invisible_is_not_printable() -> None:
    """Texts of printable characters alone are not looked through."""
    found = "".join(INVISIBLE.findall(" ".join(map(chr, range(sys.maxunicode + 1)))))
    assert len(found) > 150
    assert not any(character.isprintable() for character in found)


def test_one_line_is_one_line() -> None:
    """Line ends and blanks become one blank."""
    assert one_line(" a\n\u2028b \u202e c\x85") == "a b c"


def test_the_fields_of_a_record_are_shown() -> None:
    """None stays None, and other fields are left alone."""

    @dataclass(frozen=True)
    class Record:
        one: str | None
        two: str | None
        three: str

    assert with_visible(Record("a\u202e", None, "c\u202e"), "one", "two") == Record("a", None, "c\u202e")
