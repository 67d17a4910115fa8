"""The request that stores a ticket sends it, too; for scripts and tests."""

from __future__ import annotations

import logging

from ...lazy_text import lazy_gettext as _
from .engine import DeliveryEngine

_logger = logging.getLogger(__name__)


class InlineEngine(DeliveryEngine):
    """Sends immediately; a ticket that has to wait is left to ``flask kapa-handoff deliver``."""

    who_sends = "Each ticket is sent in the request that creates it."
    when_overdue = _("Send the waiting tickets: `flask kapa-handoff deliver`")
    empties_log = False

    def attempts_soon(self) -> bool:
        return False

    def ticket_stored(self, reference: str) -> None:
        from ..courier import Courier  # imports smtplib, which only a delivering process needs

        courier = Courier(self._mailroom)
        try:
            courier.deliver_next(reference)
        except Exception as error:
            _logger.error("Ticket %s is stored, but sending it raised %s.", reference, type(error).__name__)
        finally:
            courier.close()
