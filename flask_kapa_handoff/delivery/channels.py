"""The ways out that a ticket may take: mail, or one that the site has registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ..conversation import Conversation
from ..storage.tickets import Ticket
from .outcomes import Delivered, NotDelivered, Unreachable

MAIL = "mail"

ATTEMPTS_BEFORE_PAUSE = 3
PAUSES = (5.0, 10.0, 20.0, 30.0)
"""Seconds to rest after the third, fourth, ... attempt in a row that did not reach the other side: a queue of
thousands must not become thousands of attempts."""


class Channel(Protocol):
    """One way out, used by one thread alone. It may keep a connection open from one ticket to the next."""

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Send one ticket, now. Runs in the app's context, and takes no longer than the ticket's lease.

        Raises:
            TryLater: it did not work, but may later; Unreachable and Unknown say more precisely how it ended.
            Refused: it will never work.
        """

    def close(self) -> None:
        """Close what is open; whatever goes wrong there does not matter any more."""


OpenChannel = Callable[[], Channel]


class Ways(Protocol):
    """The channels that a site has, and which of its tickets take which."""

    @property
    def channels(self) -> Mapping[str, OpenChannel]:
        """Makes each channel, by its name; :data:`MAIL` is always there."""

    @property
    def desk_channels(self) -> Mapping[str, str]:
        """The name of the channel of each desk that does not use mail."""


class Channels:
    """The channels of one courier, each opened for its first ticket. Not for several threads."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._open: dict[str, Channel] = {}
        self._unreachable: dict[str, int] = {}

    @property
    def pause(self) -> float:
        """Seconds to wait before the next ticket is taken: more than 0 when a channel's other side is out of reach."""
        beyond = max(self._unreachable.values(), default=0) - ATTEMPTS_BEFORE_PAUSE
        return PAUSES[min(beyond, len(PAUSES) - 1)] if beyond >= 0 else 0.0

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Send one ticket by its desk's channel, now.

        Raises:
            NotDelivered: as :meth:`Channel.send`.
        """
        name = self._ways.desk_channels.get(ticket.desk, MAIL)
        channel = self._open.get(name)
        if channel is None:
            channel = self._open[name] = self._ways.channels[name]()
        try:
            delivered = channel.send(ticket, conversation)
        except NotDelivered as error:
            self._unreachable[name] = self._unreachable.get(name, 0) + 1 if isinstance(error, Unreachable) else 0
            raise
        self._unreachable[name] = 0
        return delivered

    def close(self) -> None:
        """Close every open channel."""
        for channel in self._open.values():
            channel.close()
