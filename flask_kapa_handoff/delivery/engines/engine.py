"""What every way of delivery has in common."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from ..mailroom import Mailroom

STOP_SECONDS = 5.0


class Obstacle(NamedTuple):
    """Why an engine cannot work in this process, for the doctor: what is wrong, why that matters, what to do."""

    what: str
    why: str
    remedy: str


class DeliveryEngine:
    """What gets an app's stored tickets moving; there is one for each value of KAPA_HANDOFF_DELIVERY.

    After :meth:`prepare`, nothing here raises: the ticket is stored, and was promised.
    """

    when_overdue: ClassVar[str]
    """What to do when a ticket is due and nobody delivers it."""

    empties_log: ClassVar[bool] = True
    """Whether somebody who delivers goes on running, and does the housekeeping."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom

    @property
    def running(self) -> bool:
        """Whether this process has started to deliver beside its requests."""
        return False

    def prepare(self) -> None:
        """Set up what has to be there before the first ticket. Connects to nothing.

        Raises:
            ConfigurationError: something that the site has to give is missing.
        """

    def serving(self) -> None:
        """Take note that this process serves requests; called at each of them."""

    def ticket_stored(self, reference: str) -> None:
        """Let a ticket that has just been stored, and is due, go out."""

    def tickets_due(self) -> None:
        """Let several due tickets go out soon."""

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """End what runs in this process; the ticket in hand is finished first.

        Arguments:
            timeout: seconds to wait for that.
        """

    def obstacle(self) -> Obstacle | None:
        """What keeps it from working in this process; None: nothing that can be seen."""
        return None
