"""What happens to a ticket right after its commit, by KAPA_HANDOFF_DELIVERY."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..state import State

_logger = logging.getLogger(__name__)


def start_delivery(state: State, reference: str) -> None:
    """Let a due ticket go out: wake the threads, or send it here and now; an external worker finds it by itself.

    Raises nothing: the ticket is stored, and was promised.
    """
    if state.config.delivery == "thread":
        state.threads.start()
        state.threads.wake()
    elif state.config.delivery == "inline":
        from .courier import Courier  # brings smtplib, which only a process that delivers needs

        courier = Courier(state.app, state)
        try:
            courier.deliver_next(reference)
        except Exception as error:
            _logger.error("Ticket %s is stored, but its delivery met %s.", reference, type(error).__name__)
        finally:
            courier.close()
