"""Makes an answer's record of what was reported about it: no text, no address, no id of anybody."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .redaction import redact
from .storage.answers import EVENTS
from .triggers import Facts, Trigger, as_stored
from .unknown import Unknown

MOST_PAIRS = 100
"""As many as a desk's threshold can ask for; more make no difference."""

MOST_OF_PAGE = 200

_ADDRESS = re.compile("(?:(?<=[/@])|(?<=%40))(?:[^/@%]|%(?!40))+(?:@|%40)[^/]+", re.IGNORECASE)
"""A part of a path that has an email address; tried at few places, so that long parts take no more time."""

Row = dict[str, Any]


class Report(NamedTuple):
    """What was reported once about an answer.

    Arguments:
        human: whether the question asks for a human; None: nobody looked.
        page: the address of the page.
        triggers: those that its offer met.
        event: what the visitor did with the offer: ``opened``, ``cancelled`` or ``sent`` the form; None: the answer
            itself is reported.
    """

    moment: datetime
    facts: Facts
    human: bool | None
    desk: str
    thread_id: str | None
    answer_id: str | None
    page: str | None
    triggers: tuple[Trigger | Unknown, ...]
    offered: bool
    event: str | None = None


def row_of(report: Report, thread_id: str, answer_id: str, secret: bytes, path: Callable[[str], str]) -> Row:
    """The record of an answer after a single report.

    Arguments:
        thread_id, answer_id: its ids, which the record does not keep.
        path: returns the path of a page's address, see :func:`path_of`.
    """
    facts, event = report.facts, report.event
    return {
        "key": key_of_answer(thread_id, answer_id, secret),
        "answered_at": report.moment,
        "day": report.moment.date().isoformat(),
        "desk": report.desk,
        "page": path(report.page) if report.page else None,
        "pairs": min(facts.pairs, MOST_PAIRS),
        "uncertain": facts.uncertain,
        "downvoted": facts.downvoted,
        "stopped": facts.stopped,
        "asked_for_human": report.human,
        "triggers": as_stored(report.triggers),
        "offered": report.offered,
        "opened": event in ("opened", "sent"),  # Kapa's own form does not say that it was opened
        "cancelled": event == "cancelled",
        "sent": event == "sent",
    }


def merge(row: Row, other: Mapping[str, Any]) -> None:
    """Add a later report of the same answer to a row; the database does the same with a row that it has.

    What was once true stays true, so that an answer counts as shown if it was ever shown.
    """
    for name in EVENTS:
        row[name] = row[name] or other[name]
    row["pairs"] = max(row["pairs"], other["pairs"])
    row["page"] = row["page"] or other["page"]
    row["triggers"] = other["triggers"] or row["triggers"]
    known = [each["asked_for_human"] for each in (row, other) if each["asked_for_human"] is not None]
    row["asked_for_human"] = any(known) if known else None


def key_of_answer(thread_id: str, answer_id: str, secret: bytes) -> str:
    """The key of an answer's record. Nobody without the secret can find out of which thread it is."""
    return hmac.digest(secret, f"kapa-handoff-answer:{thread_id}\0{answer_id}".encode(), "sha256").hex()[:32]


def path_of(page: str, clean: Callable[[str], str] = redact) -> str:
    """The path of a page's address, without query, fragment and email addresses, shortened."""
    _, _, rest = page.partition("://")
    path = "/" + rest.partition("/")[2].partition("?")[0].partition("#")[0]
    return clean(_ADDRESS.sub("…", path))[:MOST_OF_PAGE]
