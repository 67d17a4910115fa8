"""What happens to a ticket right after its commit, by KAPA_HANDOFF_DELIVERY."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ...errors import ConfigurationError

if TYPE_CHECKING:
    from ...state import State

_logger = logging.getLogger(__name__)


def prepare_delivery(state: State) -> None:
    """What has to be there before the first ticket.

    Raises:
        ConfigurationError: Celery was asked for, and it or the site's Celery app is missing.
    """
    if state.config.delivery == "celery":
        try:
            from .celery import set_up
        except ModuleNotFoundError as error:
            if error.name != "celery":
                raise
            raise ConfigurationError(
                "KAPA_HANDOFF_DELIVERY: 'celery' needs Celery, which is not installed: "
                "pip install flask-kapa-handoff[celery]"
            ) from None
        state.publisher = set_up(state)


def start_delivery(state: State, reference: str) -> None:
    """Let a due ticket go out: wake the threads, tell Celery, or send it here and now.

    An external worker finds it by itself. In a site's tests it waits, unless the site has said how it should go out.

    Raises nothing: the ticket is stored, and was promised.
    """
    if state.delivers_in_threads:
        wake_delivery(state)
    elif state.publisher is not None:
        state.publisher.tell(reference)
    elif state.config.delivery == "inline":
        from ..courier import Courier  # brings smtplib, which only a process that delivers needs

        courier = Courier(state.app, state)
        try:
            courier.deliver_next(reference)
        except Exception as error:
            _logger.error("Ticket %s is stored, but its delivery met %s.", reference, type(error).__name__)
        finally:
            courier.close()


def wake_delivery(state: State) -> None:
    """Let several due tickets go out soon. Workers, and Celery's sweep, find them by themselves."""
    if state.delivers_in_threads:
        state.threads.start()
        state.threads.wake()
