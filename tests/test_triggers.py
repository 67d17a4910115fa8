"""Triggers: which answers qualify, held against a table that is written here and not taken from the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, product

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, QuestionAnswer, Trigger
from flask_kapa_handoff.triggers import Facts, matching, parse_triggers

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
        assert said.json["offered"] is bool(expected), query
        assert said.json.get("triggers", []) == expected, query


def test_no_trigger_matches_nothing() -> None:
    """Without a chosen trigger no answer qualifies, whatever is known about it."""
    assert matching(Facts(9, True, True), Desk((), 1)) == ()


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
    """What stands in data-handoff-triggers is what stands here."""
    assert tuple(trigger.value for trigger in Trigger) == NAMES
    assert [str(trigger) for trigger in Trigger] == list(NAMES)


def test_the_facts_of_a_conversation_are_those_of_its_last_answer() -> None:
    """An early downvote or uncertain answer does not count once another answer came."""
    early = QuestionAnswer("Why?", "Perhaps.", uncertain=True, reaction="downvote")
    plain = QuestionAnswer("And now?", "Yes.", reaction="upvote")
    assert Facts.of(Conversation((early, plain))) == Facts(2, uncertain=False, downvoted=False)
    assert Facts.of(Conversation((plain, early))) == Facts(2, uncertain=True, downvoted=True)
