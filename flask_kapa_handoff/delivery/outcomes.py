"""How sending a ticket ends, whatever it goes out by: what a channel returns, and what it raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..storage.tickets import Outcome


@dataclass(frozen=True)
class Delivered:
    """The other side has accepted the ticket.

    Arguments:
        reply: its words.
        over_new_connection: whether this may be news: the other side could have been out of reach until now. Only the
            first ticket over a connection says so; a channel without kept connections leaves it.
        suppressed: the site's configuration keeps everything in, and nothing was sent.
    """

    reply: str
    over_new_connection: bool = True
    suppressed: bool = False


class NotDelivered(Exception):
    """The ticket is not known to be out. The message says why, in the other side's words where there are any."""

    outcome: ClassVar[Outcome]


class TryLater(NotDelivered):
    """It did not work this time, and a later attempt may succeed.

    Arguments:
        why: what went wrong.
        seconds: how long to wait before the next attempt, 1 or more; None: as long as the number of attempts says.
    """

    outcome = Outcome.DELAYED

    def __init__(self, why: str = "", *, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Unreachable(TryLater):
    """There was no usable connection, and nothing of the ticket was said."""

    outcome = Outcome.UNREACHABLE


class Unknown(TryLater):
    """The whole ticket was sent and the reply was lost: a later attempt may make a second copy."""

    outcome = Outcome.UNKNOWN


class Refused(NotDelivered):
    """The other side refuses this ticket for good, or it cannot be composed. It is not tried again automatically."""

    outcome = Outcome.FAILED
