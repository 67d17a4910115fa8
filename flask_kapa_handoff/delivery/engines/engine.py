"""What all engines of delivery have in common."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from ...lazy_text import LazyText
from ..mailroom import Mailroom

STOP_SECONDS = 5.0


class Obstacle(NamedTuple):
    """Why an engine cannot work in this process, for the check-up: what is wrong, why it matters, what to do."""

    what: LazyText
    why: LazyText
    remedy: LazyText


class DeliveryEngine:
    """Starts the delivery of an app's tickets; there is one engine for each value of KAPA_HANDOFF_DELIVERY.

    After :meth:`prepare`, nothing here raises, since the ticket is already stored.
    """

    when_overdue: ClassVar[LazyText]
    """What to do if a ticket is due and nothing delivers it."""

    who_sends: ClassVar[str]
    """A sentence for the log on what sends tickets."""

    empties_log: ClassVar[bool] = True
    """Whether a delivering process keeps running and does the housekeeping."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom

    @property
    def running(self) -> bool:
        """Whether this process has started to deliver while it serves requests."""
        return False

    def prepare(self) -> None:
        """Set up everything needed before the first ticket. Connects to nothing.

        Raises:
            ConfigurationError: something that the site must provide is missing.
        """

    def serving(self) -> None:
        """Note that this process serves requests; called at each request."""

    def ticket_stored(self, reference: str) -> None:
        """Start the delivery of a ticket that has just been stored and is due."""

    def tickets_due(self) -> None:
        """Start the delivery of several due tickets soon."""

    def attempts_soon(self) -> bool:
        """Whether :meth:`tickets_due` leads to attempts within seconds, if the processes that deliver are running."""
        return True

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop delivering in this process, after the current ticket.

        Arguments:
            timeout: seconds to wait for that.
        """

    def obstacle(self) -> Obstacle | None:
        """What prevents it from working in this process; None: nothing visible."""
        return None
