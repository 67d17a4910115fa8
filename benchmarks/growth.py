"""How the processor time of each step grows with the tickets in the database, and with those of the last hour."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

from flask import Flask
from sqlalchemy import insert

from flask_kapa_handoff.delivery import outbox, reminders, requeue
from flask_kapa_handoff.delivery.alarms import read_situation
from flask_kapa_handoff.health import health
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import removal, search
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import desk

from .contenders import DATABASE, DIRECTORY, PATHS, submit
from .copied_tickets import SAMPLE, fill_with_copies, vacuum
from .costs import environments_of_gets, environments_of_posts, send
from .many_tickets import NEWEST, fill
from .processor_clock import ProcessorClock
from .requests_of_visitors import USUAL_BYTES, submissions
from .tables import print_table, shown

FEW = 1_000
IN_THE_HOUR, LIMIT = 15_000, 20_000
"""Tickets of the last hour on the busy site, and what its desk may receive in an hour."""

Step = Callable[[], object]


@dataclass
class Site:
    """A site, and the milliseconds of processor time of each step, one for each round."""

    name: str
    app: Flask
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def milliseconds(self, step: str) -> float:
        """The median."""
        return statistics.median(self.rounds[step])

    def ratio(self, step: str, other: Site) -> float:
        """How many times as long as on another site a step takes: the median of the rounds."""
        pairs = zip(self.rounds[step], other.rounds[step], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def sites(directory: Path, new_database: Callable[[], str | None], number: int) -> list[Site]:
    """One with few tickets, one with many, and a busy one: with few, most of which are of the last hour."""
    old, found = {"few": FEW, "many": number}, []
    for name in (*old, "busy"):
        folder = directory / name
        folder.mkdir()
        os.environ[DIRECTORY], os.environ[DATABASE] = str(folder), new_database() or ""
        app = submit("external")
        database = state_of(app).database
        database.upgrade()
        with database.write() as connection:
            connection.execute(insert(desk).values(name="default", enabled=True, version=1, tickets_per_hour=LIMIT))
        if name == "busy":
            every = timedelta(hours=1) / IN_THE_HOUR
            fill(database, IN_THE_HOUR, words=20, newest=datetime.now(timezone.utc), every=every)
        elif old[name] > SAMPLE + NEWEST:
            fill_with_copies(database, old[name], words=20)
        else:
            fill(database, old[name], words=20)
        vacuum(database)
        found.append(Site(name, app))
    return found


def compare(found: list[Site], rounds: int, turns: int = 10) -> None:
    """Take every step on all sites in turn.

    Arguments:
        turns: how often a round takes each step, after the first round, which does not count.
    """
    all_steps = [_steps(site.app) for site in found]
    for _ in range(2):
        for steps in all_steps:
            for step in steps.values():
                step()
    clocks = [ProcessorClock(state_of(site.app).database) for site in found]
    for _ in range(rounds):
        for name in all_steps[0]:
            for site, steps, clock in zip(found, all_steps, clocks, strict=True):
                began = clock.read()
                for _ in range(turns):
                    steps[name]()
                site.rounds.setdefault(name, []).append((clock.read() - began) / turns * 1000)


def _steps(app: Flask) -> dict[str, Step]:
    """What visitors, deliveries and admins need, by name; as many tickets are claimed as are stored."""
    database = state_of(app).database
    posts = environments_of_posts(PATHS["submit"], submissions(0, USUAL_BYTES, sender="handoff.js"))
    gets = environments_of_gets("/handoff/offer", Accept="text/html")
    return {
        "an offer": lambda: send(app, next(gets), "200"),
        "a submit": lambda: send(app, next(posts), "201"),
        "claim a ticket and record its delivery": partial(_deliver, database),
        "make a ticket searchable": partial(search.index_some, database, 1),
        "the time of the next delivery": partial(outbox.seconds_until_due, database),
        "the alarms of an admin page": partial(_look, database),
        "the health": partial(health, app),
        "look for held tickets": partial(requeue.release_held, database, LIMIT),
        "look for reminders": partial(reminders.claim_due, database, 30),
        "look for old tickets": partial(removal.delete_outdated, database, 10_000),
    }


def _deliver(database: Database) -> None:
    claimed = outbox.claim(database, 30, expected=True)
    if claimed is None or outbox.complete(database, claimed, "250 taken") is None:
        raise RuntimeError("no ticket was due")


def _look(database: Database) -> None:
    with database.read() as connection:
        read_situation(connection)


def print_growth(database: str, number: int, sites: Sequence[Site]) -> None:
    """The medians, and their ratios to those with few tickets."""
    few, many, busy = sites
    rows = [
        [
            step,
            *(shown(site.milliseconds(step)) for site in sites),
            *(f"{site.ratio(step, few):.2f}" for site in (many, busy)),
        ]
        for step in few.rounds
    ]
    header = ["step", f"{FEW:,}", f"{number:,}", f"{IN_THE_HOUR:,} in this hour", "ratio", "ratio"]
    print_table(f"{database}, ms of processor time by the number of tickets", header, rows)
