"""Another process delivers: ``flask kapa-handoff worker``, or ``deliver`` from cron. It finds the tickets itself."""

from __future__ import annotations

from ...lazy_text import lazy_gettext as _
from .engine import DeliveryEngine


class ExternalEngine(DeliveryEngine):
    """Leaves every ticket where it is stored."""

    who_sends = "Another process sends tickets: `flask kapa-handoff worker`, or `deliver` from cron."
    when_overdue = _("Start a worker: `flask kapa-handoff worker`")
