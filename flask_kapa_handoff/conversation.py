"""A conversation: the ordered question-answer pairs of one thread, read from untrusted JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .pair_extras import read_comment, read_files
from .text import clean_text, visible, with_visible
from .unknown import Unknown
from .urls import parse_url

Reaction = Literal["upvote", "downvote"]

REACTIONS = ("upvote", "downvote", None)

FLAGS = {True: (True, 1), False: (False, 0, None)}
"""What a site's record may say for true and false: databases without booleans keep numbers."""

MAX_ID = 200
"""Longest thread or answer id, in characters."""

MAX_SOURCES = 100
"""The most sources of one answer."""

MAX_SOURCES_IN_ALL = 5_000
"""The most sources of one conversation."""


_NO_PAIR = "conversation: there must be at least one question-answer pair"


class ConversationError(ValueError):
    """The JSON is not a conversation; the message names the place, such as ``conversation[2].answer``."""


class TooManyPairs(ConversationError):
    """The conversation has more pairs than are allowed."""


@dataclass(frozen=True)
class Source:
    """A page that an answer was drawn from."""

    title: str
    url: str


@dataclass(frozen=True)
class QuestionAnswer:
    """One pair.

    Arguments:
        question: what the visitor asked.
        answer: the AI's answer, as Markdown.
        id: the answer's id in the chat.
        sources: where the answer was drawn from.
        uncertain: the answer was flagged as uncertain.
        reaction: the visitor's vote on the answer; ``Unknown``: a vote that a later version stored.
        stopped: the answer is incomplete: the visitor stopped it, or something failed.
        comment: what the visitor said about the answer with the vote.
        files: the names of files that the visitor gave to the chat with the question.
    """

    question: str
    answer: str
    id: str | None = None
    sources: Sequence[Source] = ()
    uncertain: bool = False
    reaction: Reaction | Unknown | None = None
    stopped: bool = False
    comment: str = ""
    files: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "question": self.question,
            "answer": self.answer,
            "sources": [{"title": source.title, "url": source.url} for source in self.sources],
            "uncertain": self.uncertain,
            "reaction": self.reaction,
            **({"stopped": True} if self.stopped else {}),
            **({"comment": self.comment} if self.comment else {}),
            **({"files": list(self.files)} if self.files else {}),
        }


@dataclass(frozen=True, init=False)
class Conversation:
    """The pairs of one thread.

    Arguments:
        pairs: a list of them or the like, oldest first; none if the visitor asked a person without asking the AI.
        thread_id: the thread's id in the chat.
    """

    pairs: tuple[QuestionAnswer, ...]
    thread_id: str | None

    def __init__(self, pairs: Iterable[QuestionAnswer], thread_id: str | None = None) -> None:
        object.__setattr__(self, "pairs", tuple(pairs))
        object.__setattr__(self, "thread_id", thread_id)

    def pressed(self, answer_id: str | None) -> int:
        """The index of the pair under whose answer the visitor asked for help; the last one if it is not known.

        Without pairs it is -1.
        """
        under = [index for index, pair in enumerate(self.pairs) if answer_id is not None and pair.id == answer_id]
        return under[-1] if under else len(self.pairs) - 1

    def cleaned(self) -> Conversation:
        """The same conversation as :func:`parse_conversation` would return it, without the parts that it would refuse.

        Raises:
            ConversationError: nothing is left.
        """
        most = min(MAX_SOURCES, MAX_SOURCES_IN_ALL // max(len(self.pairs), 1))
        cleaned = (_cleaned(pair, most) for pair in self.pairs)
        pairs = tuple(pair for pair in cleaned if pair.question.strip() or pair.answer.strip())
        if not pairs:
            raise ConversationError(_NO_PAIR)
        return replace(self, pairs=pairs)

    def visible(self) -> Conversation:
        """The same conversation without invisible characters, see :func:`.text.visible`."""
        return replace(self, pairs=tuple(_visible(pair) for pair in self.pairs))

    def as_json(self) -> list[dict[str, Any]]:
        """The conversation as JSON; :func:`parse_conversation` reads it back as an equal one."""
        return [pair.as_json() for pair in self.pairs]


def is_link(address: str | None) -> bool:
    """Whether an address may become a link, see :func:`parse_url`."""
    return parse_url(address) is not None


def parse_conversation(value: object, *, max_pairs: int | None = None, thread_id: str | None = None) -> Conversation:
    """Read a conversation from decoded JSON, in this package's spelling or Kapa's.

    Arguments:
        value: a list of objects with ``question`` and ``answer`` and, optionally, ``id``, ``sources``,
            ``uncertain``, ``reaction``, ``stopped``, ``comment`` and ``files``. Kapa's ``questionAnswerId``,
            ``source_url`` and ``metadata.is_uncertain`` are understood; unknown keys are ignored.
        max_pairs: the most pairs allowed.
        thread_id: the id of the thread that the pairs belong to.

    Raises:
        TooManyPairs: there are more pairs than ``max_pairs``.
        ConversationError: the value has another shape; the message names the place.
    """
    if not isinstance(value, list):
        raise ConversationError("conversation: must be a list of question-answer pairs")
    if not value:
        raise ConversationError(_NO_PAIR)
    if max_pairs is not None and len(value) > max_pairs:
        raise TooManyPairs(f"it has {len(value):,} questions, and the limit is {max_pairs:,}")
    lists = [item.get("sources") for item in value if isinstance(item, dict)]
    sources = sum(len(found) for found in lists if isinstance(found, list))
    if sources > MAX_SOURCES_IN_ALL:
        raise ConversationError(f"conversation: has {sources} sources; the limit is {MAX_SOURCES_IN_ALL}")
    return Conversation([_pair(item, f"conversation[{index}]") for index, item in enumerate(value)], thread_id)


def _visible(pair: QuestionAnswer) -> QuestionAnswer:
    pair = with_visible(pair, "question", "answer", "comment")
    sources = tuple(with_visible(source, "title", "url") for source in pair.sources)
    if sources != pair.sources:
        pair = replace(pair, sources=sources)
    return replace(pair, files=tuple(visible(name) for name in pair.files)) if pair.files else pair


def _cleaned(pair: QuestionAnswer, most_sources: int) -> QuestionAnswer:
    return replace(
        pair,
        question=clean_text(pair.question),
        answer=clean_text(pair.answer),
        id=None if pair.id is None else clean_text(str(pair.id))[:MAX_ID],
        uncertain=pair.uncertain in FLAGS[True],
        stopped=pair.stopped in FLAGS[True],
        reaction=pair.reaction if pair.reaction in REACTIONS else None,
        sources=tuple(Source(clean_text(one.title), clean_text(one.url)) for one in pair.sources[:most_sources]),
        comment=read_comment(pair.comment),
        files=read_files(pair.files),
    )


def _pair(value: object, place: str) -> QuestionAnswer:
    if not isinstance(value, dict):
        raise ConversationError(f"{place}: must be an object with question and answer")
    question, answer = _text(value, "question", place), _text(value, "answer", place)
    if not question.strip() and not answer.strip():
        raise ConversationError(f"{place}: question and answer are both empty")
    reaction = value.get("reaction")
    if reaction not in ("upvote", "downvote", None):
        raise ConversationError(f"{place}.reaction: must be upvote, downvote or null")
    return QuestionAnswer(
        question,
        answer,
        _id(value, place),
        _sources(value, place),
        _uncertain(value, place),
        reaction,
        _flag(value.get("stopped"), f"{place}.stopped"),
        read_comment(value.get("comment")),
        read_files(value.get("files")),
    )


def _text(value: dict[str, object], key: str, place: str) -> str:
    text = value.get(key)
    if not isinstance(text, str):
        raise ConversationError(f"{place}.{key}: must be text")
    return clean_text(text)


def _first(value: dict[str, Any], *spellings: str) -> Any:
    for key in spellings:
        if (found := value.get(key)) is not None:
            return found
    return None


def _id(value: dict[str, object], place: str) -> str | None:
    found = _first(value, "id", "questionAnswerId", "question_answer_id")
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, (str, int)) or len(str(found)) > MAX_ID:
        raise ConversationError(f"{place}.id: must be text of at most {MAX_ID} characters")
    return clean_text(str(found))


def _sources(value: dict[str, object], place: str) -> tuple[Source, ...]:
    sources = value.get("sources")
    if sources is None:
        return ()
    if not isinstance(sources, list):
        raise ConversationError(f"{place}.sources: must be a list")
    if len(sources) > MAX_SOURCES:
        raise ConversationError(f"{place}.sources: has {len(sources)} sources; the limit is {MAX_SOURCES}")
    return tuple([_source(item, f"{place}.sources[{index}]") for index, item in enumerate(sources)])


def _source(value: object, place: str) -> Source:
    if not isinstance(value, dict):
        raise ConversationError(f"{place}: must be an object with title and url")
    url, title = _first(value, "url", "source_url"), value.get("title")
    if not isinstance(url, str):
        raise ConversationError(f"{place}.url: must be text")
    if title is not None and not isinstance(title, str):
        raise ConversationError(f"{place}.title: must be text")
    return Source(clean_text(title or url), clean_text(url))


def _uncertain(value: dict[str, object], place: str) -> bool:
    metadata = value.get("metadata")
    found = _first(value, "uncertain", "is_uncertain")
    if found is None and isinstance(metadata, dict):
        found = metadata.get("is_uncertain")
    return _flag(found, f"{place}.uncertain")


def _flag(value: object, place: str) -> bool:
    if value is not None and not isinstance(value, bool):
        raise ConversationError(f"{place}: must be true or false")
    return bool(value)
