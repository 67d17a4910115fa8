"""SIGKILL at random: acknowledged tickets arrive. With larger numbers this is a part of ``make torture``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.faults import kills, sink
from tests.faults.limits import FAR_AWAY


def test_every_acknowledged_ticket_arrives(make_app: Callable[..., Flask]) -> None:
    """While web and worker processes are killed, no ticket is lost, and its copies are few and of one name."""
    plan = kills.Plan(tickets=150, kills=30, lost_replies=10, seed=1, seconds=200)
    with kills.MailServer(plan) as server:
        app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, KAPA_HANDOFF_SMTP_CONNECTIONS=1, **FAR_AWAY)
        count = kills.run(app, server, plan)
    assert count.broken(plan) == []
    assert count.lost_replies == plan.lost_replies


@pytest.mark.only("sqlite")
def test_every_acknowledged_ticket_arrives_by_a_channel_of_the_site(make_app: Callable[..., Flask]) -> None:
    """The same for requests to an HTTP server; all copies of a ticket have the same key."""
    plan = kills.Plan(tickets=60, kills=12, lost_replies=5, seed=1, seconds=200)
    with kills.HttpSink(plan) as server:
        channel = {"KAPA_HANDOFF_CHANNEL": sink.CHANNEL, sink.PORT: server.port}
        app = make_app(KAPA_HANDOFF_SMTP_CONNECTIONS=1, **channel, **FAR_AWAY)
        count = kills.run(app, server, plan)
    assert count.broken(plan) == []
    assert count.lost_replies == plan.lost_replies
