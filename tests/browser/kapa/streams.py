"""What Kapa streams as an answer, and how a network cuts it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

SEPARATOR = "␞"
"""Stands after each JSON object of a stream; three bytes in UTF-8."""


class Dropped:
    """In a stream's pieces: the connection is lost at this place."""


DROPPED = Dropped()


@dataclass
class Stream:
    """One answer of the network.

    Arguments:
        pieces: each is sent as a write of its own; an event holds the stream until it is set.
        status: the HTTP status; another one than 200 has the pieces as its body.
    """

    pieces: list[bytes | Event | Dropped]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    started: Event = field(default_factory=Event)
    """Set when everything before the first gate has been sent."""
    left: Event = field(default_factory=Event)
    """Set when the browser has closed the connection before the end."""


@dataclass
class Pair:
    """A question, and what Kapa streams for it."""

    question: str
    answer: str
    id: str
    sources: list[dict[str, str]] = field(default_factory=list)
    uncertain: bool = False
    reaction: str | None = None
    stopped: bool = False

    def as_stored(self) -> dict[str, Any]:
        """The pair as the ticket must hold it."""
        sources = [{"title": each["title"], "url": each["source_url"]} for each in self.sources]
        pair: dict[str, Any] = {
            "id": self.id or None,
            "question": self.question,
            "answer": self.answer,
            "sources": sources,
            "uncertain": self.uncertain,
            "reaction": self.reaction,
        }
        return {**pair, "stopped": True} if self.stopped else pair


def pair(number: int = 1, **values: Any) -> Pair:
    """A short pair; ``values`` replaces single fields."""
    filled: dict[str, Any] = {
        "question": f"Question {number}?",
        "answer": f"Answer *{number}* – with ␟ and 🗝.",
        "id": f"a{number}",
        **values,
    }
    return Pair(**filled)


def source(number: int) -> dict[str, str]:
    return {
        "title": f"Handbook|Page {number}",
        "subtitle": "",
        "source_url": f"https://docs.example.com/{number}",
        "source_type": "S3",
    }


def chunk(kind: str, content: dict[str, Any], *, end: bool = False, separator: str = SEPARATOR) -> bytes:
    """One object of a stream with the separator behind it."""
    value = {"chunk": {"type": kind, "content": content, "stream_end": end}}
    text = json.dumps(value, ensure_ascii=False)
    if separator in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        text = json.dumps(value)  # the separator itself, or half a character, can only be sent escaped
    return (text + separator).encode()


def parts_of(text: str, count: int, rng: random.Random) -> list[str]:
    """The text in up to ``count`` parts, cut as JavaScript cuts: one may end within a character."""
    units = text.encode("utf-16-le", "surrogatepass")
    length = len(units) // 2
    places = sorted(rng.sample(range(1, length), min(count, length) - 1)) if length > 1 else []
    return [
        units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        for start, end in zip([0, *places], [*places, length], strict=True)
    ]


def chunks_of(pair: Pair, thread: str, rng: random.Random, *, separator: str = SEPARATOR) -> list[bytes]:
    """The objects that Kapa streams for a pair."""
    found = [chunk("stream_start", {"thread_id": thread})]
    found.append(chunk("agent_activity_update", {"id": "s1", "name": "search", "status": "completed"}))
    found += [chunk("partial_answer", {"text": part}) for part in parts_of(pair.answer, rng.randint(1, 6), rng)]
    found.append(chunk("relevant_sources", {"relevant_sources": pair.sources}))
    found.append(chunk("metadata", {"is_uncertain": pair.uncertain}))
    found.append(chunk("identifiers", {"thread_id": thread, "question_answer_id": pair.id}, end=True))
    return [part.removesuffix(SEPARATOR.encode()) + separator.encode() for part in found]


def cut(data: bytes, count: int, rng: random.Random, *, within: bytes = SEPARATOR.encode()) -> list[bytes]:
    """The bytes in about ``count`` pieces, cut anywhere; one cut lies inside a separator."""
    places = {rng.randrange(1, len(data)) for _ in range(count - 1)} if len(data) > 1 else set()
    found = [place for place in range(len(data)) if data.startswith(within, place)] if len(data) < 20_000 else []
    if found:
        places.add(rng.choice(found) + rng.randint(1, len(within) - 1))
    ordered = sorted(places)
    return [data[start:end] for start, end in zip([0, *ordered], [*ordered, len(data)], strict=True)]


def stream_of(pair: Pair, thread: str = "t1", *, seed: int = 0, cuts: int = 8) -> Stream:
    """The whole answer of a pair, cut at random byte positions."""
    rng = random.Random(f"{seed} {pair.id}")  # noqa: S311 - the same in each run
    return Stream(list(cut(b"".join(chunks_of(pair, thread, rng)), cuts, rng)))


def whole(*objects: bytes) -> Stream:
    """A stream of these objects, one write each."""
    return Stream(list(objects))


def broken_after(pair: Pair, shown: str, *then: bytes | Event | Dropped, thread: str = "t1") -> Stream:
    """The answer begins, and after ``shown`` comes ``then``."""
    begin = chunk("stream_start", {"thread_id": thread}) + chunk("partial_answer", {"text": shown})
    return Stream([begin, *then])


def bytes_of(pieces: Iterable[bytes | Event | Dropped]) -> bytes:
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))
