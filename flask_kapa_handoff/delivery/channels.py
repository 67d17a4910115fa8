"""The channels by which tickets are sent: mail, or one that the site has registered."""

from __future__ import annotations

from typing import Protocol

from ..config_values import MAIL
from ..conversation import Conversation
from ..storage.tickets import Ticket
from .outcomes import Delivered, NotDelivered, TryLater, Unreachable

ATTEMPTS_BEFORE_PAUSE = 3
PAUSES = (5.0, 10.0, 20.0, 30.0)
"""Seconds to pause after the third, fourth, ... attempt in a row that did not reach the other side, so that a queue of
thousands does not become thousands of attempts. A site's channel can't tell: each of its ``TryLater`` counts."""


class Channel(Protocol):
    """One channel, used by a single thread. It may keep a connection open from one ticket to the next."""

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Send one ticket now. Called in the app's context; must not take longer than the ticket's lease.

        Raises:
            TryLater: it failed, but may work later; Unreachable and Unknown are more precise.
            Refused: it will never work.
        """

    def close(self) -> None:
        """Close the connection, if any, ignoring errors."""


class Ways(Protocol):
    """The site's channels, and which tickets use which."""

    def channel_of(self, desk: str) -> str:
        """The name of the channel that a desk's tickets use."""

    def open_channel(self, name: str) -> Channel | None:
        """A new channel; None: no channel of this name is registered."""

    def destination(self, desk: str, recipient: str) -> str:
        """Where a desk's tickets go: the recipient's address, or the label of a channel, which has no @."""


def not_registered(name: str) -> str:
    """What is wrong if there is no channel of this name."""
    return f"KAPA_HANDOFF_CHANNEL is {name!r}, and no channel of that name is registered"


class Channels:
    """The channels of one courier, each opened for its first ticket. Not thread-safe."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._open: dict[str, Channel] = {}
        self._unreachable: dict[str, int] = {}

    @property
    def pause(self) -> float:
        """Seconds to wait before taking the next ticket: more than 0 if a channel cannot reach the other side."""
        beyond = max(self._unreachable.values(), default=0) - ATTEMPTS_BEFORE_PAUSE
        return PAUSES[min(beyond, len(PAUSES) - 1)] if beyond >= 0 else 0.0

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Send one ticket by its desk's channel, now.

        Raises:
            NotDelivered: as :meth:`Channel.send`.
        """
        name = self._ways.channel_of(ticket.desk)
        channel = self._open.get(name) or self._ways.open_channel(name)
        if channel is None:
            raise TryLater(not_registered(name))
        self._open[name] = channel
        try:
            delivered = channel.send(ticket, conversation)
        except NotDelivered as error:
            out_of_reach = isinstance(error, Unreachable if name == MAIL else TryLater)
            self._unreachable[name] = self._unreachable.get(name, 0) + 1 if out_of_reach else 0
            raise
        self._unreachable[name] = 0
        return delivered

    def close(self) -> None:
        """Close every open channel."""
        for channel in self._open.values():
            channel.close()
