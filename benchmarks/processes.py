"""Several ``flask kapa-handoff worker`` on one PostgreSQL: how much they deliver, and whether they wait for locks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import func, select, text

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import ticket

from .contenders import DATABASE, DIRECTORY, PATHS, SMTP_PORT, submit
from .costs import environments_of_posts, send
from .databases import each_database
from .requests_of_visitors import USUAL_BYTES, submissions
from .servers import Processes
from .tables import print_table, shown

NUMBERS = (1, 2, 4, 8)
DELAY = 50
"""Milliseconds that the mail server takes for each mail."""

_SAMPLE_SECONDS = 0.02
_WAITING = text(
    "SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), count(*) FILTER (WHERE wait_event_type = 'LWLock') "
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class Run:
    """What some processes have delivered.

    Arguments:
        rate: mails per second while all of them were busy.
        limit: mails per second that their connections can bring to the server.
        waiting: how many of their transactions waited for a lock, on average; for one on a row or an advisory one.
        latched: the same for PostgreSQL's internal locks.
    """

    processes: int
    rate: float
    limit: float
    waiting: float
    latched: float


def measure(directory: Path, seconds: float, connections: int = 1) -> Iterator[Run]:
    """Let 1, 2, 4 and 8 processes deliver.

    Arguments:
        seconds: how long each number of them is busy if it reaches its limit.
        connections: of each process.
    """
    for _, new_database in each_database(("PostgreSQL",)):
        for number in NUMBERS:
            yield _run(directory / str(number), new_database, number, connections, seconds)


def _run(
    directory: Path, new_database: Callable[[], str | None], number: int, connections: int, seconds: float
) -> Run:
    directory.mkdir()
    os.environ[DIRECTORY], os.environ[DATABASE] = str(directory), new_database() or ""
    limit = number * connections * 1000 / DELAY
    tickets = int(limit * seconds)
    with Processes(directory) as processes:
        os.environ[SMTP_PORT] = str(processes.mail_sink(DELAY))
        app = submit("external")
        work = environments_of_posts(PATHS["submit"], submissions(number, USUAL_BYTES, sender="handoff.js"))
        for post in islice(work, tickets):
            send(app, post, "201")
        for _ in range(number):
            processes.worker(directory, connections)
        waiting = list(_watch(state_of(app).database, tickets))
        rate = _rate(state_of(app).database)
    state_of(app).database.close()
    return Run(number, rate, limit, *(sum(one) / len(waiting) for one in zip(*waiting, strict=True)))


def _watch(database: Database, tickets: int) -> Iterator[tuple[int, int]]:
    """Sample who waits, from the first delivery until all tickets are delivered."""
    delivered = select(func.count()).where(ticket.c.status == "delivered")
    with database.read() as connection:
        while (done := connection.execute(delivered).scalar_one()) < tickets:
            if done:
                yield tuple(connection.execute(_WAITING).one())
            connection.commit()
            time.sleep(_SAMPLE_SECONDS)


def _rate(database: Database) -> float:
    """Without the start, when some processes are not there yet, and the end, when some have nothing left."""
    with database.read() as connection:
        times = connection.execute(select(ticket.c.delivered_at).order_by(ticket.c.delivered_at)).scalars().all()
    first, last = len(times) * 4 // 10, len(times) * 8 // 10
    return (last - first) / _seconds(times[first], times[last])


def _seconds(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds()


def print_processes(runs: Iterable[Run]) -> None:
    """What they reached, and how many transactions waited for a lock on average."""
    rows = [
        [str(run.processes), shown(run.rate), f"{run.rate / run.limit:.2f}", shown(run.waiting), shown(run.latched)]
        for run in runs
    ]
    header = ["processes", "mails/s", "of the server's limit", "waiting for a lock", "for PostgreSQL's own"]
    print_table(f"PostgreSQL, one connection each, mail server of {DELAY} ms", header, rows)
