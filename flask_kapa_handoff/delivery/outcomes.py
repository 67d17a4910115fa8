"""How sending a ticket ends, by any channel: what the channel returns or raises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..storage.tickets import Outcome
from ..text import clean_text


@dataclass(frozen=True)
class Delivered:
    """The other side has accepted the ticket.

    Arguments:
        reply: its reply.
        not_yet: those of several recipients who may accept it later; the others have accepted it.
        over_new_connection: whether the other side may have been unreachable until now. True for the first ticket over
            a connection only; a channel that keeps no connections leaves it out.
    """

    reply: str
    over_new_connection: bool = True
    not_yet: tuple[str, ...] = ()


class NotDelivered(Exception):
    """The ticket is not known to be sent. The message says why, in the other side's words if there are any."""

    outcome: ClassVar[Outcome]


class TryLater(NotDelivered):
    """It failed this time, but a later attempt may succeed.

    Arguments:
        why: what went wrong.
        seconds: how long to wait before the next attempt, 1 or more; None: depending on the number of attempts.

    Raises:
        TypeError: ``seconds`` is not a number.
        ValueError: it is not finite.
    """

    outcome = Outcome.DELAYED
    seconds: float | None = None  # also for a subclass with an __init__() of its own

    def __init__(self, why: str = "", *, seconds: float | None = None) -> None:
        super().__init__(why)
        if seconds is not None and not isinstance(seconds, (int, float)):
            raise TypeError(f"TryLater: seconds must be a number, not {type(seconds).__name__}")
        if seconds is not None and not math.isfinite(seconds):
            raise ValueError(f"TryLater: seconds must be finite, not {seconds}")
        self.seconds = seconds


class Unreachable(TryLater):
    """There was no usable connection, and nothing of the ticket was sent."""

    outcome = Outcome.UNREACHABLE


class Unknown(TryLater):
    """The whole ticket was sent, but the reply was lost: a later attempt may send a second copy."""

    outcome = Outcome.UNKNOWN


class Refused(NotDelivered):
    """The other side refuses this ticket permanently, or it cannot be composed. It is not retried automatically."""

    outcome = Outcome.FAILED


class Suppressed(NotDelivered):
    """The site's configuration turns sending off. Somebody sends the ticket again once it is on."""

    outcome = Outcome.SUPPRESSED


def unexpected(error: Exception) -> str:
    """An error that no channel should raise, in words for the ticket alone, since they may contain an address."""
    return clean_text(f"{type(error).__name__} was not expected: {error}")[:500]
