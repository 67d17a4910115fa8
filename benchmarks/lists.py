"""Measures the admin's list of tickets: pages and filters with many tickets and few, the search, and the export."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.ticket_list import NEWEST, Criteria, page
from flask_kapa_handoff.storage.tickets import Ticket

from .copied_tickets import fill_with_copies, vacuum
from .many_tickets import fill, index_all
from .processor_clock import ProcessorClock

FEW = 1_000
LIST = "/handoff/admin/tickets"
FILTERS = (
    "",
    "status=waiting",
    "status=delivered",
    "status=failed",
    "status=twice",
    "desk=sales",
    "trigger=downvote",
    "trigger=none",
    "locale=en",
    "from=2026-10-31&to=2026-10-31",
)
SEARCHES = (
    "",
    "{half}",
    "{reference}",
    "{word}",
    "{word} {other}",
    "example",
    "e a",
    "nothing-like-this",
    "qx",
    "日本",
)
"""Words of a ticket in the middle: half an address, reference, word; what all have, what none has; two letters that
some tickets have, and two that none has."""


@dataclass(frozen=True)
class Ratio:
    """What one page takes with many tickets, by what it takes with few: medians, milliseconds of processor time."""

    name: str
    few: float
    many: float

    @property
    def ratio(self) -> float:
        return self.many / self.few


def site(directory: Path, uri: str | None = None) -> Flask:
    """A site whose admin pages are open to all."""
    app = Flask("lists", instance_path=str(directory))
    app.config.update(
        SECRET_KEY="ab3f92c07d51e864",
        KAPA_HANDOFF_EMAIL="support@example.com",
        KAPA_HANDOFF_DELIVERY="external",
        MAIL_DEFAULT_SENDER="site@example.com",
    )
    if uri:
        app.config["KAPA_HANDOFF_DATABASE_URI"] = uri
    KapaHandoff(admin_required=lambda view: view).init_app(app)
    return app


def filled(directory: Path, number: int, *, words: int = 20, uri: str | None = None, copied: bool = False) -> Flask:
    """A site with so many tickets.

    Arguments:
        uri: of an empty database; None: a file in the directory.
        copied: most of them are copies, which takes minutes instead of hours.
    """
    directory.mkdir(exist_ok=True)
    app = site(directory, uri)
    database = state_of(app).database
    database.upgrade()
    (fill_with_copies if copied else fill)(database, number, words=words)
    vacuum(database)
    return app


def compare(few: Flask, many: Flask, rounds: int) -> Iterator[Ratio]:
    """Each filter's first page, and a page from the middle of the list."""
    pages = [Pages(few), Pages(many)]
    for query in (*FILTERS, "before"):
        queries = [f"before={_middle(app)}" if query == "before" else query for app in (few, many)]
        times: list[list[float]] = [[], []]
        for _ in range(rounds):  # in turn, so that a busy machine is as busy for both
            for place, one in enumerate(pages):
                times[place].append(one.milliseconds(queries[place]))
        name = "a page in the middle" if query == "before" else query or "the first page"
        yield Ratio(name, *map(statistics.median, times))


class Pages:
    """Pages of a site's list, timed one by one."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()
        self._client.get(LIST)  # compiles the templates, and connects
        self._clock = ProcessorClock(state_of(app).database)

    def milliseconds(self, query: str) -> float:
        """The processor time of a page, the database's included."""
        began = self._clock.read()
        response = self._client.get(f"{LIST}?{query}")
        taken = self._clock.read() - began
        if response.status_code != 200:
            raise RuntimeError(f"{query}: {response.status}")
        return taken * 1000


def _middle(app: Flask) -> str:
    """The id of a ticket that is neither new nor old."""
    with state_of(app).database.read() as connection:
        found = page(connection, Criteria(status="failed"), NEWEST, 10_000)
    return str(found[len(found) // 2].id)


def searches(app: Flask, rounds: int) -> Iterator[tuple[str, float, float]]:
    """What is searched for, and the median and the longest time of its page in milliseconds."""
    index_all(state_of(app).database)
    vacuum(state_of(app).database)
    with state_of(app).database.read() as connection:
        found = page(connection, Criteria(status="failed"), NEWEST, 10_000)
    one = found[len(found) // 2]
    if not isinstance(one, Ticket):
        raise TypeError("a ticket of the benchmark is damaged")
    words = sorted(one.note.split(), key=len)
    name = one.visitor_email
    known = {"half": name[2 : len(name) // 2 + 4], "reference": one.reference, "word": words[-1], "other": words[-2]}
    pages = Pages(app)
    for text in SEARCHES:
        query = text.format(**known).replace(" ", "+").replace("@", "%40")
        times = [pages.milliseconds(f"q={query}") for _ in range(rounds)]
        yield text.strip("{}").replace("} {", " and ") or "nothing: the list", statistics.median(times), max(times)


@contextmanager
def _process(directory: Path, uri: str | None) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_export, args=(other, directory, uri), daemon=True)
    process.start()
    try:
        yield pipe
    finally:
        process.terminate()
        process.join()


def export_memory(directory: Path, uri: str | None = None) -> Iterator[tuple[str, float, float, float]]:
    """For each format: its megabytes, its seconds, and the megabytes by which the process grew at its peak."""
    for kind in ("csv", "jsonl"):
        with _process(directory, uri) as pipe:
            pipe.send(kind)
            size, seconds, grown = pipe.recv()
            yield kind, size, seconds, grown


def _export(pipe: Any, directory: Path, uri: str | None) -> None:
    client = site(directory, uri).test_client()
    client.get(LIST)
    kind = pipe.recv()
    idle, began, size = _peak(), time.perf_counter(), 0
    for part in client.get(f"{LIST}/export.{kind}", buffered=False).iter_encoded():
        size += len(part)
    pipe.send((size / 1e6, time.perf_counter() - began, _peak() - idle))


def _peak() -> float:
    """The most memory that this process has used, in megabytes. Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
