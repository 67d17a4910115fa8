"""The channels by which tickets are sent: mail, or one that the site has registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ..conversation import Conversation
from ..storage.tickets import Ticket
from .outcomes import Delivered, NotDelivered, Unreachable

MAIL = "mail"

ATTEMPTS_BEFORE_PAUSE = 3
PAUSES = (5.0, 10.0, 20.0, 30.0)
"""Seconds to pause after the third, fourth, ... attempt in a row that did not reach the other side, so that a queue of
thousands does not become thousands of attempts."""


class Channel(Protocol):
    """One channel, used by a single thread. It may keep a connection open from one ticket to the next."""

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Send one ticket now. Called in the app's context; must not take longer than the ticket's lease.

        Raises:
            TryLater: it failed, but may work later; Unreachable and Unknown are more precise.
            Refused: it will never work.
            Suppressed: the site's configuration turns sending off.
        """

    def close(self) -> None:
        """Close the connection, if any, ignoring errors."""


OpenChannel = Callable[[], Channel]


class Ways(Protocol):
    """The site's channels, and which tickets use which."""

    @property
    def channels(self) -> Mapping[str, OpenChannel]:
        """Creates each channel, by name; :data:`MAIL` is always there."""

    @property
    def desk_channels(self) -> Mapping[str, str]:
        """The channel's name for each desk that does not use mail."""


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
