"""Masks secrets that visitors paste into a chat: keys, tokens, passwords, card numbers.

A transcript is sent by mail and stays for as long as the helpdesk keeps it. A masked secret stays recognizable
(``[hidden: GitHub token]``), so that the agent understands the sentence around it. What is masked is gone for good, so
code, names and placeholders are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..conversation import Conversation, QuestionAnswer, Source
from .site_patterns import SitePattern
from .spans import Span, Subject, masked

__all__ = ["SitePattern", "redact", "redact_conversation"]

# Between two texts that are read in one go. No finder matches across it.
_BETWEEN = "\x00\n"


def redact(text: str, site_patterns: tuple[SitePattern, ...] = ()) -> str:
    """The text with its secrets masked; text without secrets is returned unchanged.

    Arguments:
        site_patterns: what the site masks besides.
    """
    return masked(text, [*find_secrets(Subject(text)), *_site_spans([text], site_patterns)])


def redact_conversation(conversation: Conversation, site_patterns: tuple[SitePattern, ...] = ()) -> Conversation:
    """The conversation with the secrets in every text of every pair masked."""
    texts = [text for pair in conversation.pairs for text in _texts(pair)]
    # Starting is what costs most with short texts, so all are read in one go.
    joined = _BETWEEN.join(texts)
    whole = masked(joined, [*find_secrets(Subject(joined)), *_site_spans(texts, site_patterns)]).split(_BETWEEN)
    if len(whole) != len(texts):  # one of them contains what is between them
        whole = [redact(text, site_patterns) for text in texts]
    if whole == texts:
        return conversation
    rest = iter(whole)
    return replace(conversation, pairs=tuple(_with_texts(pair, rest) for pair in conversation.pairs))


def find_secrets(subject: Subject) -> Iterator[Span]:
    """What the package's own rules find, in no particular order; spans may overlap."""
    # Compiling the rules takes 25 ms, which only a process that gets a ticket spends.
    from .finders import FINDERS

    for find in FINDERS:
        yield from find(subject)


def _site_spans(texts: list[str], site_patterns: tuple[SitePattern, ...]) -> Iterator[Span]:
    """The site's own in each text, at their places in the texts joined."""
    begin = 0
    for text in texts if site_patterns else ():
        for pattern in site_patterns:
            yield from (Span(begin + start, begin + end, label) for start, end, label in pattern.find(text))
        begin += len(text) + len(_BETWEEN)


def _texts(pair: QuestionAnswer) -> Iterator[str]:
    yield pair.question
    yield pair.answer
    yield pair.comment
    yield from pair.files
    for source in pair.sources:
        yield source.title
        yield source.url


def _with_texts(pair: QuestionAnswer, texts: Iterator[str]) -> QuestionAnswer:
    """The pair with other texts, in the order of :func:`_texts`."""
    question, answer, comment = next(texts), next(texts), next(texts)
    files = tuple(next(texts) for _ in pair.files)
    sources = tuple(Source(next(texts), next(texts)) for _ in pair.sources)
    return replace(pair, question=question, answer=answer, comment=comment, files=files, sources=sources)
