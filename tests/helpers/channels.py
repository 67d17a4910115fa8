"""A channel of a test's site, which remembers what it got and ends each ticket as the test says."""

from __future__ import annotations

from typing import Any

from flask_kapa_handoff import Conversation, KapaHandoff, Ticket


class Parrot:
    """Its :meth:`send` is the channel's function.

    Arguments:
        ending: what it raises, or else returns.
    """

    def __init__(self, ending: object = None) -> None:
        self.ending = ending
        self.sent: list[tuple[str, str]] = []
        self.tickets: list[Ticket] = []

    def send(self, ticket: Ticket, conversation: Conversation) -> Any:
        self.tickets.append(ticket)
        self.sent.append((ticket.reference, conversation.pairs[0].question))
        if isinstance(self.ending, BaseException):
            raise self.ending
        return self.ending

    def handoff(self, **arguments: Any) -> KapaHandoff:
        """An extension object with this channel, which a configuration chooses with ``KAPA_HANDOFF_CHANNEL``."""
        handoff = KapaHandoff(**arguments)
        handoff.channel("parrot", label="The Parrot")(self.send)
        return handoff
