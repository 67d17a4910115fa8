"""Which pairs of a conversation a visitor leaves out of a ticket, by key."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace

from .conversation import Conversation, QuestionAnswer


def key_of(pair: QuestionAnswer) -> str:
    """What a pair is left out by: its id, or without one a hash of its text, which no other pair shares."""
    return pair.id or hashlib.sha256(f"{pair.question}\0{pair.answer}".encode()).hexdigest()[:32]


def keys_of_pairs(conversation: Conversation, answer_id: str | None) -> list[str | None]:
    """The key of each pair; None for the pressed one, which cannot be left out."""
    pressed = conversation.pressed(answer_id)
    return [None if place == pressed else key_of(pair) for place, pair in enumerate(conversation.pairs)]


def leave_out(
    conversation: Conversation, chosen: Collection[str], answer_id: str | None
) -> tuple[Conversation, tuple[int, ...]]:
    """The conversation without the pairs that have one of these keys, and the places, from 0, where they were.

    Raises:
        ValueError: a key belongs to no pair that can be left out: the visitor may have chosen in a conversation that
            has changed since, and must never send what they wanted to leave out.
    """
    if not chosen:
        return conversation, ()
    keys = keys_of_pairs(conversation, answer_id)
    wanted = set(chosen)
    if not wanted.issubset(keys):
        raise ValueError("a key belongs to no pair that can be left out")
    places = tuple(place for place, key in enumerate(keys) if key in wanted)
    kept = tuple(pair for pair, key in zip(conversation.pairs, keys, strict=True) if key not in wanted)
    return replace(conversation, pairs=kept), places
