"""The mail server is down for a day, forever, and while clocks change at night; the time is set by hand."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from flask_kapa_handoff.delivery import channels, outbox
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import delivery_attempt
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Outcome, Status
from tests.faults.clock import Clock
from tests.helpers.couriers import courier_of
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.tickets import send_ticket

BEGIN = datetime(2027, 1, 11, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

NIGHTS = {
    "winter": datetime(2027, 1, 17, 0, 30, tzinfo=timezone.utc),
    "spring": datetime(2027, 3, 28, 0, 30, tzinfo=timezone.utc),
    "autumn": datetime(2027, 10, 31, 0, 30, tzinfo=timezone.utc),
}
"""Half an hour before 01:00 UTC, at which Berlin's clocks change in the last two."""


class Site:
    """A site whose mail server is down, with one courier, and the clock of its database."""

    def __init__(self, app: Flask, port: int, moment: datetime) -> None:
        self.app = app
        self.port = port
        self.database = state_of(app).database
        with self.database.read():
            pass  # makes the tables
        self.clock = Clock(self.database.engine, moment)
        self.courier = courier_of(app)

    def deliver_until(self, end: datetime) -> None:
        """Do what a delivering thread does, but move the clock instead of waiting."""
        while (moment := self.clock.moment) < end:
            if self.courier.deliver_next() is not None:
                continue
            due = self.courier.seconds_until_due()
            goes_on = end if due is None else moment + timedelta(seconds=due)
            self.clock.move_to(min(end, goes_on))

    def send(self) -> str:
        """Send a ticket, a second after the last event; returns its reference."""
        self.clock.move(timedelta(seconds=1))
        return send_ticket(self.app.test_client())

    def attempts(self) -> list[datetime]:
        """When attempts were made, first to last."""
        with self.database.read() as connection:
            return list(connection.execute(select(delivery_attempt.c.started_at).order_by("started_at")).scalars())

    def statuses(self) -> dict[str, Status]:
        """Of each ticket."""
        with self.database.read() as connection:
            rows = connection.execute(select(ticket_table.c.reference, ticket_table.c.status))
            return {row.reference: Status(row.status) for row in rows}

    def delivered_at(self) -> list[datetime]:
        """When tickets were delivered, first to last."""
        column = ticket_table.c.delivered_at
        with self.database.read() as connection:
            return list(connection.execute(select(column).where(column.is_not(None)).order_by(column)).scalars())


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections and that nobody else can get meanwhile."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture
def site_at(
    make_app: Callable[..., Flask], closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[datetime], Site]]:
    """Builds the site: ``site_at(moment)``."""
    sites: list[Site] = []

    def build(moment: datetime) -> Site:
        config: dict[str, Any] = {
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": closed_port,
            "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1_000,
            "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1_000,
        }
        sites.append(Site(make_app(**config), closed_port, moment))
        return sites[-1]

    # The channels' pauses go by the same clock.
    monkeypatch.setattr(channels, "monotonic", lambda: sites[-1].clock.moment.timestamp())
    yield build
    for site in sites:
        site.courier.close()
        site.clock.put_away()


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make Berlin's the local time, for this process and for its connections to PostgreSQL."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        patch.setenv("PGTZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def day_of_outage(site: Site) -> list[str]:
    """Eight tickets, and one more every four hours, while nothing can be sent; returns their references in order."""
    sent = [site.send() for _ in range(8)]
    begin = site.clock.moment
    for hour in range(4, 25, 4):
        site.deliver_until(begin + timedelta(hours=hour))
        sent.append(site.send())
    return sent


def references(server: ScriptedServer) -> list[str]:
    """The references of the tickets that arrived, in order."""
    return [re.findall(rb"^X-Kapa-Handoff-Ticket: (\S+)", mail, re.MULTILINE)[0].decode() for mail in server.mails]


def test_a_day_of_outage_causes_few_attempts_and_then_the_queue_drains_in_order(
    site_at: Callable[[datetime], Site],
) -> None:
    """At most one attempt every 30 seconds; a ticket sent after it triggers all others at once, oldest first."""
    site = site_at(BEGIN)
    sent = day_of_outage(site)
    attempts = site.attempts()
    schedule_alone = len(sent) * (len(outbox.BACKOFF) + 24)
    assert len(attempts) <= schedule_alone
    assert all(later - earlier >= timedelta(seconds=30) for earlier, later in pairwise(attempts[6:]))
    assert set(site.statuses().values()) == {Status.QUEUED}
    with ScriptedServer(port=site.port) as server:
        opened = site.clock.moment
        site.deliver_until(opened + 5 * MINUTE)
        assert sorted(references(server)) == sorted(sent)
        assert server.connections == 1
        # The one whose turn it was has found the server back; all others are in the order of their creation.
        first, *others = references(server)
        assert others == [reference for reference in sent if reference != first]
    assert set(site.statuses().values()) == {Status.DELIVERED}
    assert site.delivered_at()[-1] - opened <= 5 * MINUTE
    assert len(site.attempts()) == len(attempts) + len(sent)


def test_without_a_new_ticket_the_queue_drains_at_the_next_attempt(site_at: Callable[[datetime], Site]) -> None:
    """That is within the hour: the longest wait of a single ticket."""
    site = site_at(BEGIN)
    sent = [site.send() for _ in range(6)]
    site.deliver_until(BEGIN + DAY)
    with ScriptedServer(port=site.port) as server:
        site.deliver_until(BEGIN + DAY + timedelta(hours=1, minutes=1))
        assert sorted(references(server)) == sorted(sent)
        assert server.connections == 1
    times = site.delivered_at()
    assert times[-1] - times[0] <= MINUTE


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize("night", NIGHTS)
def test_clocks_that_change_do_not_change_the_schedule(site_at: Callable[[datetime], Site], night: str) -> None:
    """The same waits, and the same five days, whether local clocks go on, jump forward, or back."""
    begin = NIGHTS[night]
    assert (time.localtime(begin.timestamp()).tm_gmtoff != time.localtime((begin + DAY).timestamp()).tm_gmtoff) == (
        night != "winter"
    )
    site = site_at(begin)
    send_ticket(site.app.test_client())
    site.deliver_until(begin + 6 * DAY)
    expected, moment = [begin], begin
    for wait in [*outbox.BACKOFF, *[outbox.BACKOFF[-1]] * 200]:
        moment += wait
        if moment <= begin + outbox.GIVE_UP_AFTER:
            expected.append(moment)
    assert site.attempts() == expected
    assert list(site.statuses().values()) == [Status.FAILED]
    with site.database.read() as connection:
        assert set(connection.execute(select(delivery_attempt.c.outcome)).scalars()) == {Outcome.UNREACHABLE}
