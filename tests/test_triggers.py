"""Triggers: which answers qualify, held against a table that is written here and not taken from the package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, QuestionAnswer, Trigger
from flask_kapa_handoff.triggers import (
    MAX_TEXT,
    TABLE,
    Facts,
    Row,
    make_table,
    matching,
    parse_triggers,
    read_triggers,
)
from flask_kapa_handoff.unknown import Unknown
from tests.helpers.pages import json_of

NAMES = ("always", "conversation-length", "uncertainty", "downvote")
SETS = list(chain.from_iterable(combinations(NAMES, size) for size in range(1, 5)))
THRESHOLDS = (1, 2, 3, 5, 100)

# Written out by hand: chosen, threshold, pairs, uncertain, downvoted -> what is met.
BY_HAND = [
    ("always", 3, 1, False, False, ["always"]),
    ("always", 3, 9, True, True, ["always"]),
    ("conversation-length", 3, 2, True, True, []),
    ("conversation-length", 3, 3, False, False, ["conversation-length"]),
    ("conversation-length", 3, 4, False, False, ["conversation-length"]),
    ("conversation-length", 1, 1, False, False, ["conversation-length"]),
    ("conversation-length", 100, 99, False, False, []),
    ("conversation-length", 100, 100, False, False, ["conversation-length"]),
    ("uncertainty", 3, 9, False, True, []),
    ("uncertainty", 3, 1, True, False, ["uncertainty"]),
    ("downvote", 3, 9, True, False, []),
    ("downvote", 3, 1, False, True, ["downvote"]),
    ("uncertainty,downvote", 3, 1, False, False, []),
    ("uncertainty,downvote", 3, 1, False, True, ["downvote"]),
    ("uncertainty,downvote", 3, 1, True, True, ["uncertainty", "downvote"]),
    ("downvote,conversation-length", 2, 2, False, True, ["conversation-length", "downvote"]),
    ("always,conversation-length,uncertainty,downvote", 3, 2, False, False, ["always"]),
    ("always,conversation-length,uncertainty,downvote", 3, 3, True, True, list(NAMES)),
]


@dataclass(frozen=True)
class Desk:
    """Any object with these two attributes decides."""

    triggers: tuple[Trigger, ...]
    threshold: int


def facts_around(threshold: int) -> Iterator[tuple[int, bool, bool]]:
    lengths = sorted({pairs for pairs in (1, 2, 3, 4, threshold - 1, threshold, threshold + 1) if pairs >= 1})
    yield from product(lengths, (False, True), (False, True))


def met(chosen: tuple[str, ...], threshold: int, pairs: int, uncertain: bool, downvoted: bool) -> list[str]:
    """The oracle: each trigger on its own, in Kapa's order."""
    found = {"always"}
    if not pairs < threshold:
        found.add("conversation-length")
    if uncertain:
        found.add("uncertainty")
    if downvoted:
        found.add("downvote")
    return [name for name in NAMES if name in found.intersection(chosen)]


@pytest.mark.parametrize(("chosen", "threshold", "pairs", "uncertain", "downvoted", "expected"), BY_HAND)
def test_the_oracle_and_the_function_agree_with_the_table_written_by_hand(
    chosen: str, threshold: int, pairs: int, uncertain: bool, downvoted: bool, expected: list[str]
) -> None:
    """Each row of the hand-written table holds for the package and for this file's oracle."""
    assert met(tuple(chosen.split(",")), threshold, pairs, uncertain, downvoted) == expected
    found = matching(Facts(pairs, uncertain, downvoted), Desk(parse_triggers(chosen), threshold))
    assert [str(trigger) for trigger in found] == expected


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("chosen", SETS, ids=",".join)
def test_every_set_of_triggers_matches_what_the_oracle_says(chosen: tuple[str, ...], threshold: int) -> None:
    """The pure function and the oracle agree on every fact around the threshold."""
    desk = Desk(tuple(Trigger(name) for name in chosen), threshold)
    for pairs, uncertain, downvoted in facts_around(threshold):
        found = matching(Facts(pairs, uncertain, downvoted), desk)
        expected = met(chosen, threshold, pairs, uncertain, downvoted)
        assert [trigger.value for trigger in found] == expected, (pairs, uncertain, downvoted)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("threshold", [1, 3, 100])
@pytest.mark.parametrize("chosen", SETS, ids=",".join)
def test_every_set_of_triggers_decides_over_http(
    make_app: Callable[..., Flask], chosen: tuple[str, ...], threshold: int
) -> None:
    """GET /offer gives a button, or 204, exactly as the oracle says; JSON names the triggers that were met."""
    app = make_app(KAPA_HANDOFF_TRIGGERS=",".join(chosen), KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD=threshold)
    client = app.test_client()
    for pairs, uncertain, downvoted in facts_around(threshold):
        expected = met(chosen, threshold, pairs, uncertain, downvoted)
        query = {"pairs": pairs, "uncertain": str(uncertain).lower(), "downvoted": str(downvoted).lower()}
        html = client.get("/handoff/offer", query_string=query)
        said = client.get("/handoff/offer", query_string=query, headers={"Accept": "application/json"})
        assert html.status_code == (200 if expected else 204), query
        assert ("data-kapa-handoff-open" in html.text) is bool(expected), query
        assert said.status_code == 200
        assert json_of(said)["offered"] is bool(expected), query
        assert json_of(said).get("triggers", []) == expected, query


def test_no_trigger_matches_nothing() -> None:
    """Without a chosen trigger no answer qualifies, whatever is known about it."""
    assert matching(Facts(9, True, True), Desk((), 1)) == ()


def test_a_stopped_answer_qualifies_as_an_uncertain_one_does() -> None:
    """It is incomplete: the visitor stopped it, or it failed."""
    facts = Facts.of(Conversation([QuestionAnswer("Why?", "", stopped=True)]))
    assert facts == Facts(1, stopped=True)
    assert matching(facts, Desk((Trigger.UNCERTAINTY, Trigger.DOWNVOTE), 3)) == (Trigger.UNCERTAINTY,)


def test_a_question_for_a_human_meets_its_trigger_alone() -> None:
    """What a question is depends on the site's phrases, so the caller brings the judge; without one nobody asked."""
    asked = Conversation([QuestionAnswer("Hello?", "Hello."), QuestionAnswer("Human!", "No.", "a2")])
    facts = Facts.of(asked, asks=lambda question: question == "Human!")
    assert facts == Facts(2, asked_for_human=True)
    assert matching(facts, Desk(tuple(Trigger), 3)) == (Trigger.ALWAYS, Trigger.ASKED_FOR_HUMAN)
    assert matching(facts, Desk((Trigger.UNCERTAINTY, Trigger.DOWNVOTE), 3)) == ()
    assert Facts.of(asked) == Facts(2)


def test_without_an_answer_no_trigger_is_met() -> None:
    """Not even always: a visitor who has not asked the AI has no answer to press a button under."""
    assert Facts.of(Conversation(())) == Facts(0)
    assert matching(Facts(0, True, True, True, True), Desk(tuple(Trigger), 1)) == ()


def test_triggers_are_given_once_and_in_kapas_order() -> None:
    """The order in which they were configured, and repetitions, play no part."""
    assert parse_triggers(" downvote, always ,downvote,") == (Trigger.ALWAYS, Trigger.DOWNVOTE)
    assert parse_triggers(["downvote", "uncertainty"]) == (Trigger.UNCERTAINTY, Trigger.DOWNVOTE)


@pytest.mark.parametrize("value", ["downvotes", "always,never", ["always", "nope"], "", " , ", []])
def test_an_unknown_trigger_or_none_is_refused_with_the_allowed_ones(value: str | list[str]) -> None:
    """The message lists what may be used."""
    with pytest.raises(ValueError, match="always, conversation-length, uncertainty, downvote"):
        parse_triggers(value)


def test_the_values_are_kapas_names() -> None:
    """Only these names are allowed in data-handoff-triggers."""
    of_kapa = [row.name for row in TABLE.values() if row.kapa_knows]
    assert [trigger.value for trigger in of_kapa] == list(NAMES)
    assert [str(trigger) for trigger in of_kapa] == list(NAMES)


def test_the_facts_of_a_conversation_are_those_of_its_last_answer() -> None:
    """An early downvote or uncertain answer does not count once another answer came."""
    early = QuestionAnswer("Why?", "Perhaps.", uncertain=True, reaction="downvote")
    plain = QuestionAnswer("And now?", "Yes.", reaction="upvote")
    for pairs, expected in (((early, plain), False), ((plain, early), True)):
        facts = Facts.of(Conversation(pairs))
        assert (facts.pairs, facts.uncertain, facts.downvoted) == (2, expected, expected)


def test_a_row_without_its_words_cannot_be_made() -> None:
    """Each word is needed where the package speaks of the trigger: a forgotten one is an error at import."""
    row = TABLE[Trigger.DOWNVOTE]
    empty: dict[str, Any] = {"reason": "", "label": " ", "hint": "", "shown": lambda threshold: ""}
    for name, words in empty.items():
        with pytest.raises(ValueError, match=f"downvote has no words for: {name}"):
            replace(row, **{name: words})
    with pytest.raises(TypeError, match="missing 5 required positional arguments"):
        Row(Trigger.DOWNVOTE, rule=lambda facts, rules: True)  # type: ignore[call-arg]


def test_a_trigger_without_a_row_is_an_error_at_import() -> None:
    """As is one with two."""
    rows = list(TABLE.values())
    for wrong in (rows[:-1], [*rows, rows[0]], rows[::-1]):
        with pytest.raises(ValueError, match="each trigger has one row"):
            make_table(*wrong)


def test_every_trigger_fits_into_its_column() -> None:
    """All of them together, as a desk may have them."""
    assert len(",".join(Trigger)) <= MAX_TEXT


def test_stored_names_are_read_in_order_and_unknown_ones_kept() -> None:
    """The known ones as the table has them, then the others as they came, each once."""
    found = read_triggers("of-later, downvote,always,,emoji-of-later,of-later")
    assert found == (Trigger.ALWAYS, Trigger.DOWNVOTE, "of-later", "emoji-of-later")
    assert [type(name) for name in found] == [Trigger, Trigger, Unknown, Unknown]
    assert read_triggers("") == ()
    assert matching(Facts(9, True, True), Desk(read_triggers("of-later"), 1)) == ()  # type: ignore[arg-type]


def test_facts_are_read_by_their_names() -> None:
    """A fact that is not named, or of another type, has its default; a claim that is no fact is left alone."""
    assert Facts.from_claims({"pairs": 2, "downvoted": True, "mood": "sad"}) == Facts(2, downvoted=True)
    assert Facts.from_claims({"pairs": 2, "uncertain": 0.7}) == Facts(2)
    assert Facts.from_claims({"uncertain": True, "pairs": "many"}) == Facts(1, uncertain=True)
    assert Facts.from_claims({"pairs": 4.0}) == Facts(4)


DOCUMENTED = re.compile(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \| (yes|no) \|$", re.MULTILINE)


def test_the_documented_table_is_that_of_the_package() -> None:
    """Name, label, reason and whether Kapa's widget knows it are in docs/triggers.md."""
    text = (Path(__file__).parent.parent / "docs" / "triggers.md").read_text()
    expected = [(row.name.value, row.label, row.reason, "yes" if row.kapa_knows else "no") for row in TABLE.values()]
    assert DOCUMENTED.findall(text) == expected
