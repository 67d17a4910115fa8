"""SIGKILL at random: what was acknowledged arrives. With other numbers it is a part of ``make torture``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.faults import kills

SITE = {
    "KAPA_HANDOFF_SMTP_CONNECTIONS": 1,
    "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1_000_000,
    "KAPA_HANDOFF_TICKETS_PER_HOUR": 1_000_000,
}


@pytest.mark.parametrize("seed", [1, 2])
def test_every_acknowledged_ticket_arrives(make_app: Callable[..., Flask], seed: int) -> None:
    """While web and worker processes are killed, no ticket is lost, and its copies are few and of one name."""
    plan = kills.Plan(tickets=150, kills=30, lost_replies=10, seed=seed, seconds=50)
    with kills.MailServer(plan) as server:
        app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, **SITE)
        count = kills.run(app, server, plan)
    assert not count.faults
    assert not count.missing
    assert not count.unexplained
    assert count.acknowledged == count.arrived == count.names == plan.tickets
    assert count.kills >= plan.kills
    assert count.lost_replies == plan.lost_replies
    assert count.duplicates <= count.allowed
