"""``python -m benchmarks``: measure, and print what can go into the documentation."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_kapa_handoff.state import state_of

from .breakdown import break_down
from .bridge import compare as compare_bridge
from .contenders import CHECKPOINTS, PATHS
from .costs import price
from .databases import each_database
from .deliveries import compare as compare_deliveries
from .duels import compare
from .form import measure as measure_form
from .growth import compare as compare_growth
from .growth import print_growth, sites
from .hostile import measure
from .insights import cost_of_records
from .insights import measure as measure_insights
from .lists import FEW, export_memory, filled, searches
from .lists import compare as compare_lists
from .memory import MOMENTS, worker_memory
from .processes import measure as measure_processes
from .processes import print_processes
from .reports import (
    print_breakdown,
    print_bridge,
    print_checkpoints,
    print_costs,
    print_deliveries,
    print_exports,
    print_footprint,
    print_form,
    print_hostile,
    print_insights,
    print_lists,
    print_memory,
    print_prices,
    print_requests,
    print_searches,
)
from .whole_tickets import weigh

DELAYS = (0, 50, 500)
CLIENTS = (1, 16)
GROWN = int(os.environ.get("BENCHMARK_TICKETS", "100000"))
"""How many tickets the large database of ``growth`` has; a million takes a quarter of an hour to store."""


def _footprint(directory: Path, quick: bool) -> None:
    print_footprint(directory, 5 if quick else 15)


def _bridge(directory: Path, quick: bool) -> None:
    print_bridge(compare_bridge(3, 0.2) if quick else compare_bridge(9))


def _requests(directory: Path, quick: bool) -> None:
    rounds, seconds, limit = (2, 0.3, 3.0) if quick else (5, 1.0, 22.0)
    results = []
    turns: dict[str, Any] = {"rounds": rounds, "seconds": seconds, "limit": limit}
    for result in compare(directory, tuple(PATHS), delays=DELAYS, clients=CLIENTS, **turns):
        print(f"measured: {result.clients} at once, mail server of {result.delay} ms", file=sys.stderr)
        results.append(result)
    print_requests(results)


def _costs(directory: Path, quick: bool) -> None:
    print_prices(price(directory, 5 if quick else 60))


def _checkpoints(directory: Path, quick: bool) -> None:
    # Turns of several checkpoints each; processes deliver at the same time, as fast as they can.
    rounds, seconds = (2, 3.0) if quick else (6, 10.0)
    turns: dict[str, Any] = {"rounds": rounds, "seconds": seconds, "limit": float("inf")}
    print_checkpoints(list(compare(directory, CHECKPOINTS, delays=(0,), clients=(1, 4), **turns)))


def _deliveries(directory: Path, quick: bool) -> None:
    results = []
    for result in compare_deliveries(directory, rounds=2 if quick else 5, share=0.2 if quick else 1.0):
        course = result.course
        print(f"measured: {course.connections} connections, mail server of {course.delay} ms", file=sys.stderr)
        results.append(result)
    print_deliveries(results)
    print_costs(weigh(directory, rounds=2 if quick else 5, tickets=16 if quick else 40))


def _memory(directory: Path, quick: bool) -> None:
    print_memory(worker_memory(directory, (100, 200, 400) if quick else MOMENTS))


def _hostile(directory: Path, quick: bool) -> None:
    print_hostile(list(measure(directory, share=0.1 if quick else 1.0)))


def _form(directory: Path, quick: bool) -> None:
    print_form(measure_form(directory, 5 if quick else 30))


def _lists(directory: Path, quick: bool) -> None:
    number, searched, rounds = (20_000, 5_000, 7) if quick else (1_000_000, 100_000, 31)
    for name, new_database in each_database():
        folder, uri = directory / name, new_database()
        folder.mkdir()
        few = filled(folder / "few", FEW, uri=new_database())
        many = filled(folder / "many", number, uri=uri, copied=True)
        print_lists(f"{name}, the list of tickets", number, list(compare_lists(few, many, rounds)))
        words = filled(folder / "words", searched, words=250, uri=new_database())
        print_searches(f"{name}, a search", searched, list(searches(words, rounds)))
        print_exports(f"{name}, the export", number, list(export_memory(folder / "many", uri)))
        for app in (few, many, words):
            state_of(app).database.close()


def _growth(directory: Path, quick: bool) -> None:
    number = 10_000 if quick else GROWN
    for name, new_database in each_database():
        folder = directory / f"growth-{name}"
        folder.mkdir()
        found = sites(folder, new_database, number)
        compare_growth(found, rounds=3 if quick else 15)
        print_growth(name, number, found)
        for site in found:
            state_of(site.app).database.close()


def _processes(directory: Path, quick: bool) -> None:
    print_processes(measure_processes(directory, 4 if quick else 15))


def _insights(directory: Path, quick: bool) -> None:
    cost = cost_of_records(directory, offers=400 if quick else 4_000)
    print_insights(measure_insights(directory, rounds=3 if quick else 15), cost)


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


PARTS: dict[str, Callable[[Path, bool], None]] = {
    "footprint": _footprint,
    "bridge": _bridge,
    "form": _form,
    "costs": _costs,
    "requests": _requests,
    "checkpoints": _checkpoints,
    "deliveries": _deliveries,
    "memory": _memory,
    "hostile": _hostile,
    "lists": _lists,
    "growth": _growth,
    "processes": _processes,
    "insights": _insights,
}
DEFAULT = ("footprint", "bridge", "costs", "requests", "deliveries")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a look, not a result")
    parser.add_argument("--profile", action="store_true", help="also say where the time of one submit goes")
    usual = f"of {', '.join(PARTS)}; without: {', '.join(DEFAULT)}"
    parser.add_argument("parts", nargs="*", metavar="PART", help=usual)
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - PARTS.keys():
        parser.error(f"unknown part {unknown.pop()!r}; use any of {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, _leave)
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        directory = Path(name)
        for part in chosen.parts or DEFAULT:
            PARTS[part](directory, chosen.quick)
        if chosen.profile:
            print_breakdown(break_down(directory, 100 if chosen.quick else 400))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
