"""The text by which a ticket is found, and what somebody typed to find it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from ..text import clean_text, visible
from .reading import plain, read_conversation, read_json

MOST_TEXT = 100_000
"""How many characters of a ticket are searched; a conversation may have a million."""

MOST_TYPED = 200
"""How many characters of a search are used."""

MOST_TERMS = 8
"""How many of its words."""

END = "\n\n"
"""The end of each part of a text, so that no word continues in the next part. Two characters, so that the last
two characters of a part begin a trigram, too."""

_TERM = re.compile(r'"([^"]*)"?|(\S+)')


def folded(text: str) -> str:
    """The text in the form in which it is compared: without case, widths, and other than single spaces."""
    return " ".join(unicodedata.normalize("NFKC", visible(text)).casefold().split())


def terms_of(typed: str) -> tuple[str, ...]:
    """What a ticket must contain, everything of it: the words, or several words in quotes."""
    found = (folded(quoted or word) for quoted, word in _TERM.findall(clean_text(typed)[:MOST_TYPED]))
    return tuple(dict.fromkeys(filter(None, found)))[:MOST_TERMS]


def text_of(ticket: Any, conversation: Any) -> str:
    """Everything by which a ticket is found, in the form in which it is compared.

    Arguments:
        ticket: its row.
        conversation: its transcript as it is stored; None: it has none.
    """
    text, length = [], 0
    for part in _parts(ticket, conversation):
        if isinstance(part, str) and part.strip():
            text.append(folded(part)[: MOST_TEXT - length] + END)
            length += len(text[-1])
            if length >= MOST_TEXT:
                break
    return "".join(text)


def _parts(ticket: Any, conversation: Any) -> Iterator[Any]:
    yield from map(plain, (ticket.reference, ticket.visitor_email, ticket.visitor_name, ticket.subject, ticket.note))
    for values in (ticket.fields, ticket.context):
        yield from _texts(values)
    yield from _addresses(ticket.page)
    with suppress(ValueError):
        pairs = read_conversation(read_json(conversation), may_be_empty=True).pairs
        # All questions first: a long answer must not take their place.
        yield from (pair.question for pair in pairs)
        yield from (pair.answer for pair in pairs)
        sources = dict.fromkeys((source.title, source.url) for pair in pairs for source in pair.sources)
        yield from (part for title, url in sources for part in (title, *_addresses(url)))


def _addresses(address: Any) -> Iterator[str]:
    """An address as it is, and as people read it: ``/für`` is ``/f%C3%BCr``."""
    text = plain(address)
    if isinstance(text, str):
        yield from dict.fromkeys((text, clean_text(unquote(text))))


def _texts(values: Any) -> Iterable[Any]:
    return values.values() if hasattr(values, "values") else ()
