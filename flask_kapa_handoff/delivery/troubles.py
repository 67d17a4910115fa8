"""What is wrong with the delivery, worst first, for the line on top of every admin page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ..errors import Unavailable
from .alarms import Situation, not_sent
from .mailroom import Mailroom
from .reasons import plain_reason

IDLE, REFUSED, STUCK, MISSING = "idle", "refused", "stuck", "missing"
SUPPRESSED, FAILED = "suppressed", "failed"

BLOCKING = (IDLE, REFUSED, STUCK, MISSING, SUPPRESSED)
"""The troubles with which no ticket arrives, whatever visitors send."""


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong.

    Arguments:
        kind: one of :data:`IDLE` (nobody delivers), :data:`REFUSED` (a mail server refuses), :data:`STUCK` (tickets
            wait for another reason), :data:`MISSING` (the configuration lacks something), :data:`SUPPRESSED` and
            :data:`FAILED`.
        why: what it means and what to do, in plain words; empty: the kind says it.
        details: the other side's own words, if ``why`` says it in others.
        desk: the desk of the ticket that ``why`` is about.
        consequence: what that means, where ``why`` does not say it.
    """

    kind: str
    why: str = ""
    details: str = ""
    desk: str = ""
    consequence: str = ""


def troubles_of(found: Situation) -> list[Trouble]:
    """What is wrong, worst first; empty: nothing."""
    return list(_troubles(found))


def _troubles(found: Situation) -> Iterator[Trouble]:
    if found.overdue_since is not None:
        yield Trouble(IDLE)
    if found.stuck.number:
        yield _told(REFUSED if re.match(r"[45]\d\d\b", found.words) else STUCK, found.words, found.desk)
    if found.suppressed.number:
        yield Trouble(SUPPRESSED, str(not_sent(found.suppressed.number)))
    if found.failed.number:
        yield _told(FAILED, found.failed_words, found.failed_desk)


def _told(kind: str, words: str, desk: str) -> Trouble:
    why = plain_reason(words)
    return Trouble(kind, why, words if words != why else "", desk)


def attempt_due(mailroom: Mailroom, seconds: float) -> None:
    """Deliver what is due in this process, until ``seconds`` are over; an attempt under way is finished."""
    from .courier import Courier  # imports smtplib, which only a delivering process needs

    courier, until = Courier(mailroom), time.monotonic() + seconds
    try:
        with suppress(Unavailable):
            while time.monotonic() < until and courier.deliver_next():
                pass
    finally:
        courier.close()
