"""A conversation, read from what a browser sent."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from flask_kapa_handoff import Conversation, QuestionAnswer, Source
from flask_kapa_handoff.conversation import (
    MAX_SOURCES,
    MAX_SOURCES_IN_ALL,
    ConversationError,
    TooManyPairs,
    parse_conversation,
)
from flask_kapa_handoff.text import clean_text

PLAIN = {"question": "How?", "answer": "So."}


def parse_one(**keys: Any) -> QuestionAnswer:
    (pair,) = parse_conversation([{**PLAIN, **keys}]).pairs
    return pair


def test_our_own_spelling_is_read() -> None:
    """Every documented key is in the pair."""
    pair = parse_one(
        id="a1",
        sources=[{"title": "Keys", "url": "https://docs.example.com/keys"}],
        uncertain=True,
        reaction="downvote",
    )
    assert pair == QuestionAnswer(
        "How?", "So.", "a1", (Source("Keys", "https://docs.example.com/keys"),), True, "downvote"
    )


def test_kapas_spelling_is_read() -> None:
    """What Kapa's events and responses contain is understood unchanged."""
    pair = parse_one(
        questionAnswerId="qa-9",
        sources=[
            {
                "title": "Keys",
                "subtitle": "Guide",
                "source_url": "https://docs.example.com/keys",
                "source_type": "DOCS",
            }
        ],
        metadata={"is_uncertain": True, "model": "x"},
        reaction="upvote",
    )
    assert pair == QuestionAnswer(
        "How?", "So.", "qa-9", (Source("Keys", "https://docs.example.com/keys"),), True, "upvote"
    )


def test_an_answer_that_broke_off_is_marked() -> None:
    """Only then is the mark in the JSON, so other conversations look as before."""
    stopped, whole = parse_one(stopped=True), parse_one(stopped=None)
    assert (stopped.stopped, whole.stopped) == (True, False)
    assert stopped.as_json()["stopped"] is True
    assert "stopped" not in whole.as_json()


def test_a_plain_pair_needs_only_question_and_answer() -> None:
    """Everything else has a default."""
    assert parse_one() == QuestionAnswer("How?", "So.", None, (), False, None)


@pytest.mark.parametrize(
    "keys",
    [
        {"surprise": [1, {"deep": None}]},
        {"metadata": {"latency": 3}},
        {"metadata": "a text"},
        {"metadata": None},
        {"sources": [{"title": "T", "url": "https://x.example", "score": 0.3}]},
    ],
)
def test_unknown_keys_of_a_pair_are_ignored(keys: dict[str, Any]) -> None:
    """A chat's own additions do no harm."""
    assert parse_one(**keys).question == "How?"


@pytest.mark.parametrize("key", ["id", "questionAnswerId", "sources", "uncertain", "metadata", "reaction"])
def test_null_means_that_a_key_is_absent(key: str) -> None:
    """JavaScript writes null where it has nothing."""
    assert parse_one(**{key: None}) == parse_one()


def test_a_null_in_one_spelling_does_not_hide_the_other() -> None:
    """A page that fills in both spellings, one of them with null, loses nothing."""
    assert parse_one(id=None, questionAnswerId="qa-9").id == "qa-9"
    assert parse_one(uncertain=None, metadata={"is_uncertain": True}).uncertain is True
    (source,) = parse_one(sources=[{"title": "T", "url": None, "source_url": "https://x.example"}]).sources
    assert source.url == "https://x.example"


def test_a_numeric_id_is_taken_as_text() -> None:
    """Chats that number their answers need no conversion."""
    assert parse_one(id=7).id == "7"


def test_a_source_without_a_title_is_called_by_its_address() -> None:
    """A list of sources never has an empty line."""
    for title in ({}, {"title": None}, {"title": ""}):
        assert parse_one(sources=[{"url": "https://x.example", **title}]).sources == (
            Source("https://x.example", "https://x.example"),
        )


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, "conversation"),
        ({}, "conversation"),
        ("text", "conversation"),
        (7, "conversation"),
        (True, "conversation"),
        ([], "conversation"),
        ([None], "conversation[0]"),
        (["text"], "conversation[0]"),
        ([[]], "conversation[0]"),
        ([PLAIN, 5], "conversation[1]"),
        ([{"answer": "So."}], "conversation[0].question"),
        ([{"question": "How?"}], "conversation[0].answer"),
        ([PLAIN, PLAIN, {"question": "How?", "answer": None}], "conversation[2].answer"),
        ([{"question": ["How?"], "answer": "So."}], "conversation[0].question"),
        ([{"question": 5, "answer": "So."}], "conversation[0].question"),
        ([{**PLAIN, "reaction": "meh"}], "conversation[0].reaction"),
        ([{**PLAIN, "reaction": True}], "conversation[0].reaction"),
        ([{**PLAIN, "reaction": ["downvote"]}], "conversation[0].reaction"),
        ([{**PLAIN, "reaction": {}}], "conversation[0].reaction"),
        ([{**PLAIN, "id": ["a"]}], "conversation[0].id"),
        ([{**PLAIN, "id": True}], "conversation[0].id"),
        ([{**PLAIN, "id": 1.5}], "conversation[0].id"),
        ([{**PLAIN, "id": "x" * 201}], "conversation[0].id"),
        ([{**PLAIN, "uncertain": "true"}], "conversation[0].uncertain"),
        ([{**PLAIN, "uncertain": 1}], "conversation[0].uncertain"),
        ([{**PLAIN, "metadata": {"is_uncertain": "yes"}}], "conversation[0].uncertain"),
        ([{**PLAIN, "stopped": "yes"}], "conversation[0].stopped"),
        ([{**PLAIN, "sources": "https://x.example"}], "conversation[0].sources"),
        ([{**PLAIN, "sources": {}}], "conversation[0].sources"),
        ([{**PLAIN, "sources": ["https://x.example"]}], "conversation[0].sources[0]"),
        ([{**PLAIN, "sources": [{"title": "T"}]}], "conversation[0].sources[0].url"),
        ([PLAIN, {**PLAIN, "sources": [{"url": "u"}, {"url": 5}]}], "conversation[1].sources[1].url"),
        ([{**PLAIN, "sources": [{"url": "u", "title": 5}]}], "conversation[0].sources[0].title"),
    ],
)
def test_a_bad_shape_is_refused_and_the_message_names_the_place(value: object, place: str) -> None:
    """The message shows the chat's developer where to look."""
    with pytest.raises(ConversationError) as caught:
        parse_conversation(value)
    assert str(caught.value).split(": ")[0].startswith(place)
    assert not isinstance(caught.value, TooManyPairs)


def test_a_pair_of_nothing_is_refused_but_half_a_pair_is_taken() -> None:
    """An answer that was stopped before its first word still has its question."""
    with pytest.raises(ConversationError, match=r"conversation\[0\]"):
        parse_conversation([{"question": " ", "answer": "\n"}])
    assert parse_one(answer="").answer == ""
    assert parse_one(question="").question == ""


def test_an_id_of_the_greatest_length_is_taken() -> None:
    """The limit itself is allowed."""
    assert parse_one(id="x" * 200).id == "x" * 200


def test_more_pairs_than_allowed_are_refused_and_counted() -> None:
    """The limit itself is allowed, one more is not, and the message says both numbers."""
    assert len(parse_conversation([PLAIN] * 3, max_pairs=3).pairs) == 3
    with pytest.raises(TooManyPairs, match=r"4.*3"):
        parse_conversation([PLAIN] * 4, max_pairs=3)


def test_too_many_pairs_are_refused_before_they_are_read() -> None:
    """A list that is too long costs nothing, whatever is in it."""
    with pytest.raises(TooManyPairs):
        parse_conversation([None] * 4, max_pairs=3)


def test_more_sources_than_allowed_are_refused_and_counted() -> None:
    """Of one answer, and in all; the message says both numbers, and nothing of them is read."""
    source = {"url": "https://x.example"}
    assert len(parse_one(sources=[source] * MAX_SOURCES).sources) == MAX_SOURCES
    with pytest.raises(ConversationError, match=r"conversation\[0\]\.sources: has 101 .*100"):
        parse_one(sources=[None] * 101)
    pairs = MAX_SOURCES_IN_ALL // MAX_SOURCES
    assert len(parse_conversation([{**PLAIN, "sources": [source] * MAX_SOURCES}] * pairs).pairs) == pairs
    with pytest.raises(ConversationError, match=r"conversation: has 70000 .*5000"):
        parse_conversation([{**PLAIN, "sources": [None] * 70_000}])


def test_a_sites_own_record_keeps_as_many_sources_as_are_taken() -> None:
    """A conversation that a site loads is cut where a browser's would be refused."""
    pair = QuestionAnswer("How?", "So.", sources=(Source("T", "https://x.example"),) * 500)
    for count in (1, 200):
        cleaned = Conversation((pair,) * count).cleaned()
        assert parse_conversation(cleaned.as_json()) == cleaned
    assert len(Conversation((pair,)).cleaned().pairs[0].sources) == MAX_SOURCES


def test_a_conversation_is_shown_without_what_cannot_be_seen() -> None:
    """Questions, answers and sources; what was said stays stored as it was."""
    conversation = parse_conversation(
        [
            {
                "question": "q\u202e",
                "answer": "a\u200b",
                "sources": [{"title": "t\u2066", "url": "https://x.example/\u202e"}],
            }
        ]
    )
    (pair,) = conversation.visible().pairs
    assert (pair.question, pair.answer, *pair.sources) == ("q", "a", Source("t", "https://x.example/"))
    assert conversation.pairs[0].question == "q\u202e"


CLEANED = [
    ("nul", "a\x00b", "ab"),
    ("controls", "a\x07\x1b[31mb\x7f\x85c", "a[31mbc"),
    ("tab and newline stay", "a\tb\nc", "a\tb\nc"),
    ("newlines", "a\r\nb\rc", "a\nb\nc"),
    ("high surrogate", "a\ud83db", "a\ufffdb"),
    ("low surrogate", "\ude00", "\ufffd"),
    ("NFC", "e\u0301", "\u00e9"),
    ("NFC after cleaning", "e\x00\u0301", "\u00e9"),
    ("marks", "a\x00" + "\u0316" * 40 + "b", "a" + "\u0316" * 30 + "b"),
    ("emoji stay", "👩‍👩‍👧 ok", "👩‍👩‍👧 ok"),
    ("right-to-left stays", "שלום", "שלום"),
]


@pytest.mark.parametrize(("dirty", "clean"), [row[1:] for row in CLEANED], ids=[row[0] for row in CLEANED])
def test_text_is_cleaned_for_the_database(dirty: str, clean: str) -> None:
    """What would crash a database or has no shape to show is gone; the rest is NFC."""
    assert clean_text(dirty) == clean
    # with a letter of its own, since a pair of controls alone is an empty pair
    pair = parse_one(
        question="q" + dirty + "q", answer="a" + dirty + "a", id=dirty, sources=[{"title": dirty, "url": dirty}]
    )
    expected = "q" + clean + "q"
    assert pair.question == unicodedata.normalize("NFC", expected)
    assert pair.answer == unicodedata.normalize("NFC", "a" + clean + "a")
    assert pair.sources == (Source(clean, clean),)
    assert pair.id == clean
    json.dumps(pair.as_json(), ensure_ascii=False).encode()


def test_a_pair_that_is_empty_once_cleaned_is_refused() -> None:
    """Nothing but control characters is nothing."""
    with pytest.raises(ConversationError):
        parse_conversation([{"question": "\x00", "answer": "\x07"}])


def test_cleaning_twice_changes_nothing_more() -> None:
    """A text that was stored and read is the same text."""
    for _, dirty, _ in CLEANED:
        assert clean_text(clean_text(dirty)) == clean_text(dirty)


@pytest.mark.parametrize(
    "value",
    [
        [PLAIN],
        [{**PLAIN, "id": 7, "uncertain": True}, {**PLAIN, "reaction": "downvote"}],
        [{**PLAIN, "questionAnswerId": "q", "sources": [{"source_url": "u"}], "metadata": {"is_uncertain": True}}],
        [{**PLAIN, "stopped": True}, {**PLAIN, "stopped": False}],
        [{"question": "Grüße\n\t„x“ </script> 🦊", "answer": "a\x00b\ud800"}],
    ],
)
def test_the_json_form_is_read_back_to_an_equal_conversation(value: list[dict[str, Any]]) -> None:
    """Round trip, through text as it is in the database."""
    conversation = parse_conversation(value, thread_id="t1")
    text = json.dumps(conversation.as_json(), ensure_ascii=False)
    assert parse_conversation(json.loads(text), thread_id="t1") == conversation


def test_a_site_may_build_a_conversation_from_a_list() -> None:
    """Conversation takes any sequence of pairs and keeps it unchangeable."""
    pair = QuestionAnswer("How?", "So.")
    conversation = Conversation([pair], "t1")
    assert conversation.pairs == (pair,)
    assert conversation.thread_id == "t1"


def test_only_a_visitor_who_asks_directly_has_no_pairs() -> None:
    """A site can make such a conversation; one that a browser sends, or a loader returns, has at least one pair."""
    empty = Conversation(())
    assert (empty.pairs, empty.pressed("a1"), empty.as_json(), empty.visible()) == ((), -1, [], empty)
    with pytest.raises(ConversationError, match="at least one"):
        empty.cleaned()
    with pytest.raises(ConversationError, match="at least one"):
        parse_conversation([])
