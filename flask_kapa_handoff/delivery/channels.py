"""The channels by which tickets are sent: mail, or one that the site has registered."""

from __future__ import annotations

from time import monotonic
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
            Suppressed: the site's configuration turns sending off.
        """

    def close(self) -> None:
        """Close the connection, if any, ignoring errors."""


class Ways(Protocol):
    """The site's channels, and which tickets use which."""

    def channel_of(self, desk: str) -> str:
        """The name of the channel that a desk's tickets use."""

    def desks_of_other_channels(self, name: str) -> frozenset[str]:
        """The names of the desks whose tickets do not go by this channel."""

    def open_channel(self, name: str) -> Channel | None:
        """A new channel; None: no channel of this name is registered."""

    def destination(self, desk: str, recipient: str) -> str:
        """Where a desk's tickets go: the recipient's address, or the label of a channel, which has no @."""


def not_registered(name: str) -> str:
    """What is wrong if there is no channel of this name."""
    return f"KAPA_HANDOFF_CHANNEL is {name!r}, and no channel of that name is registered"


class Channels:
    """The channels of one courier, each opened for its first ticket. Not thread-safe.

    A channel that cannot reach the other side pauses, and the others go on.
    """

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._open: dict[str, Channel] = {}
        self._unreachable: dict[str, int] = {}
        self._paused_until: dict[str, float] = {}
        self._channel_of: dict[str, str] = {}  # for each desk that this courier has seen

    @property
    def paused(self) -> frozenset[str]:
        """The names of the channels that pause now."""
        moment = monotonic()
        return frozenset(name for name, until in self._paused_until.items() if moment < until)

    @property
    def paused_desks(self) -> frozenset[str]:
        """The desks whose tickets wait until their channel's pause is over."""
        return frozenset(desk for desk, name in self._channel_of.items() if name in self.paused)

    @property
    def pause(self) -> float:
        """Seconds until the first pause is over; 0: no channel pauses."""
        return max(0.0, min((self._paused_until[name] for name in self.paused), default=0.0) - monotonic())

    def name_for(self, desk: str) -> str:
        """The name of a desk's channel."""
        name = self._channel_of[desk] = self._ways.channel_of(desk)
        return name

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Send one ticket by its desk's channel, now.

        Raises:
            NotDelivered: as :meth:`Channel.send`.
        """
        name = self.name_for(ticket.desk)
        channel = self._open.get(name) or self._ways.open_channel(name)
        if channel is None:
            raise TryLater(not_registered(name))
        self._open[name] = channel
        try:
            delivered = channel.send(ticket, conversation)
        except NotDelivered as error:
            self._note(name, out_of_reach=isinstance(error, Unreachable if name == MAIL else TryLater))
            raise
        self._note(name, out_of_reach=False)
        return delivered

    def _note(self, name: str, *, out_of_reach: bool) -> None:
        self._unreachable[name] = self._unreachable.get(name, 0) + 1 if out_of_reach else 0
        beyond = self._unreachable[name] - ATTEMPTS_BEFORE_PAUSE
        pause = PAUSES[min(beyond, len(PAUSES) - 1)] if beyond >= 0 else 0.0
        self._paused_until[name] = monotonic() + pause

    def close(self) -> None:
        """Close every open channel."""
        for channel in self._open.values():
            channel.close()
