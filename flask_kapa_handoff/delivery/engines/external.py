"""Another process delivers: ``flask kapa-handoff worker``, or ``deliver`` from cron. It finds the tickets itself."""

from __future__ import annotations

from .engine import DeliveryEngine


class ExternalEngine(DeliveryEngine):
    """Leaves every ticket where it is stored."""

    who_sends = "Another process sends tickets: `flask kapa-handoff worker`, or `deliver` from cron."
    when_overdue = "Start a worker: `flask kapa-handoff worker`"
