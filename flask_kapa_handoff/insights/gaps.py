"""What the documentation lacks: what visitors asked before they sent a ticket, where, and in which language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select

from ..answer_rows import path_of
from ..storage.reading import plain, read_json
from ..storage.tables import answer, ticket, transcript
from ..storage.ticket_filters import filters_of
from ..text import visible
from .period import Period
from .questions import group_questions, most_frequent

LATEST = 500
"""How many tickets are looked at: the latest ones of the period."""

MOST_ROWS = 10

_tickets = ticket.c


@dataclass(frozen=True)
class NamedTicket:
    """A ticket as it is named in a list: its reference, and the question under which help was asked."""

    reference: str
    subject: str
    created_at: Any = None


@dataclass(frozen=True)
class Gap:
    """Something that led to tickets.

    Arguments:
        name: the question, the page's path, the source's title or the language.
        tickets: these tickets, the latest first.
        url: of a source.
        answers: of a page: how many answers were given there.
    """

    name: str
    tickets: Sequence[NamedTicket]
    url: str | None = None
    answers: int | None = None

    @property
    def count(self) -> int:
        """How many tickets."""
        return len(self.tickets)


@dataclass(frozen=True)
class Gaps:
    """The most frequent of each, and how many tickets were looked at."""

    looked_at: int = 0
    questions: Sequence[Gap] = ()
    pages: Sequence[Gap] = ()
    sources: Sequence[Gap] = ()
    languages: Sequence[Gap] = ()


def find_gaps(connection: Connection, period: Period, desk: str | None = None, trigger: str | None = None) -> Gaps:
    """What led to the latest tickets of a period.

    Arguments:
        desk: only of this desk; None: of all.
        trigger: only with this one, or :data:`.NO_TRIGGER`; None: any.
    """
    filters = filters_of(connection, desk=desk or "", trigger=trigger or "")
    query = (
        select(
            _tickets.reference,
            _tickets.subject,
            _tickets.created_at,
            _tickets.page,
            _tickets.locale,
            _tickets.answer_id,
            transcript.c.conversation,
        )
        .join(transcript, transcript.c.ticket_id == _tickets.id)
        .where(_tickets.created_at >= period.begin, _tickets.created_at < period.end)
        .where(*(one.condition for one in filters))
        .order_by(_tickets.created_at.desc())
        .limit(LATEST)
    )
    rows: Any = connection.execute(query).all()
    named = [NamedTicket(str(plain(row.reference)), visible(str(plain(row.subject))), row.created_at) for row in rows]
    asked = [place for place, each in enumerate(named) if each.subject.strip()]
    pages, languages, sources = (defaultdict[str, list[NamedTicket]](list) for _ in range(3))
    urls: dict[str, str] = {}
    for row, each in zip(rows, named, strict=True):
        if row.page:
            pages[visible(path_of(str(plain(row.page)), str))].append(each)
        if row.locale:
            languages[str(plain(row.locale)).partition("-")[0].lower()].append(each)
        for url, title in cited_sources(read_json(row.conversation), row.answer_id).items():
            sources[url].append(each)
            urls.setdefault(url, title)
    return Gaps(
        looked_at=len(rows),
        questions=_grouped(named, asked),
        pages=_with_answers(connection, period, _most(pages), desk),
        sources=[Gap(visible(urls[gap.name]), gap.tickets, url=gap.name) for gap in _most(sources)],
        languages=_most(languages),
    )


def cited_sources(conversation: Any, answer_id: str | None) -> dict[str, str]:
    """The titles of the sources of the pressed answer, by address; from a stored transcript, which may be damaged."""
    pairs = [pair for pair in conversation if isinstance(pair, dict)] if isinstance(conversation, list) else []
    pressed = next((pair for pair in reversed(pairs) if answer_id and pair.get("id") == answer_id), None)
    pair: Mapping[str, Any] = pressed or (pairs[-1] if pairs else {})
    found = pair.get("sources")
    listed = [source for source in found if isinstance(source, dict)] if isinstance(found, list) else []
    # One answer often cites several sections of a page.
    return {
        url: str(source.get("title") or url)
        for source in reversed(listed)
        if (url := str(source.get("url") or "").partition("#")[0])
    }


def _grouped(named: Sequence[NamedTicket], asked: Sequence[int]) -> list[Gap]:
    groups = group_questions([named[place].subject for place in asked])[:MOST_ROWS]
    found = []
    for group in groups:
        tickets = [named[asked[place]] for place in group]
        found.append(Gap(most_frequent([each.subject for each in tickets]), tickets))
    return found


def _most(found: Mapping[str, list[NamedTicket]]) -> list[Gap]:
    order = Counter({name: len(tickets) for name, tickets in found.items()}).most_common(MOST_ROWS)
    return [Gap(name, found[name]) for name, _ in order]


def _with_answers(connection: Connection, period: Period, pages: Sequence[Gap], desk: str | None) -> list[Gap]:
    columns = answer.c
    query = (
        select(columns.page, func.count())
        .where(columns.page.in_([gap.name for gap in pages]))
        .where(columns.day >= period.first.isoformat(), columns.day <= period.last.isoformat())
        .group_by(columns.page)
    )
    rows: Any = connection.execute(query if desk is None else query.where(columns.desk == desk))
    answers = {str(plain(page)): int(count) for page, count in rows}
    return [replace(gap, answers=answers.get(gap.name)) for gap in pages]
