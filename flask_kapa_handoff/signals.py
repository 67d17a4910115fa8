"""Blinker signals, sent after the commit. The sender is the Flask app.

A receiver that raises is logged; the request or delivery continues.

- ``ticket_created(app, ticket)``: a ticket was stored; ``ticket`` is a :class:`~.storage.tickets.Ticket`, which may be
  held.
- ``ticket_delivered(app, ticket)``: the mail server has accepted its mail.
- ``ticket_failed(app, ticket, error)``: it will not be retried; ``error`` is the reason as text.
- ``handoff_opened(app, facts)``: a visitor opened the form; ``facts`` are :class:`~.triggers.Facts`.
- ``handoff_cancelled(app, facts)``: a visitor closed it without sending.
- ``settings_changed(app, desk, before, after, changed_by)``: an admin saved; ``before`` and ``after`` are
  :class:`~.settings.DeskSettings`.
"""

from __future__ import annotations

import logging
from typing import Any

from blinker import NamedSignal, Namespace

from .tracebacks import without_message

_namespace = Namespace()

ticket_created = _namespace.signal("kapa-handoff-ticket-created")
ticket_delivered = _namespace.signal("kapa-handoff-ticket-delivered")
ticket_failed = _namespace.signal("kapa-handoff-ticket-failed")
handoff_opened = _namespace.signal("kapa-handoff-opened")
handoff_cancelled = _namespace.signal("kapa-handoff-cancelled")
settings_changed = _namespace.signal("kapa-handoff-settings-changed")

_logger = logging.getLogger(__name__)


def notify(signal: NamedSignal, app: Any, **arguments: Any) -> None:
    """Send a signal to each receiver; if one raises, the others are still called."""
    for receiver in signal.receivers_for(app):
        try:
            receiver(app, **arguments)
        except Exception as error:
            _logger.error("A receiver of %s failed. %s", signal.name, without_message(error))
