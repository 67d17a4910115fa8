"""``python -m benchmarks``: measure, and print what can go into the documentation."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

from .breakdown import Breakdown, break_down
from .duels import Result, compare
from .footprint import import_milliseconds, imported_late, page_cost, zipped_bytes
from .tables import print_table, shown

DELAYS = (0, 50, 500)
CLIENTS = (1, 16)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a look, not a result")
    parser.add_argument("--profile", action="store_true", help="also say where the time of one submit goes")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    rounds, seconds, limit, runs = (2, 0.3, 3.0, 5) if chosen.quick else (5, 1.0, 22.0, 15)
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        _print_footprint(Path(directory), runs)
        if chosen.profile:
            _print_breakdown(break_down(Path(directory), 100 if chosen.quick else 400))
        results = []
        for result in compare(
            Path(directory), delays=DELAYS, clients=CLIENTS, rounds=rounds, seconds=seconds, limit=limit
        ):
            print(f"measured: {result.clients} at once, mail server of {result.delay} ms", file=sys.stderr)
            results.append(result)
    _print_results(results)
    return 0


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def _print_results(results: list[Result]) -> None:
    rows = [
        [
            f"{result.delay} ms",
            str(result.clients),
            *(shown(result.rate(name)) for name in ("submit", "bare", "in_request")),
            shown(result.ratio("submit", "bare")),
            shown(result.ratio("submit", "in_request")),
            f"{shown(result.milliseconds('submit', 50))} / {shown(result.milliseconds('submit', 99))}",
            shown(result.mails_per_ticket),
            str(len(result.rounds["submit"])),
        ]
        for result in results
    ]
    header = ["mail server takes", "clients", "submit/s", "bare/s", "in request/s"]
    header += ["submit : bare", "submit : in request", "submit ms, 50 % / 99 %", "mails per ticket", "rounds"]
    print_table("Rates under gunicorn (2 workers x 8 threads, SQLite, conversations of 20 kB)", header, rows)
    print(
        """
submit       POST /handoff/tickets as handoff.js sends it; the couriers deliver in the same processes meanwhile
bare         Flask reads the same form, decodes its JSON, and does one insert of the same data into one table, durably
in request   Flask, Flask-WTF, Flask-Mail: the mail is sent before the answer, nothing is stored
a : b        the rate of a as a multiple of b's, the median of the rounds' ratios; aim of submit : bare: 0.50 or more
mails per ticket   mails that went out while tickets came in; the others wait in the database for a calmer moment"""
    )


def _print_footprint(directory: Path, runs: int) -> None:
    page = page_cost(directory)
    rows = [
        ["kapa_handoff_script() on a page", f"{page.microseconds:.1f} µs", "20 µs"],
        ["  its SQL statements", str(page.statements), "0"],
        [
            "import flask_kapa_handoff, beyond flask and sqlalchemy",
            f"{import_milliseconds(directory, runs):.1f} ms",
            "15 ms",
        ],
        ["handoff.js, gzip -9", f"{zipped_bytes('handoff.js'):,} bytes", "4,096 bytes"],
        ["handoff.css, gzip -9", f"{zipped_bytes('handoff.css'):,} bytes", "2,048 bytes"],
    ]
    print_table("What it costs where it is not used", ["", "measured", "aim: at most"], rows)
    early = [name for name, late in imported_late(directory).items() if not late]
    print(f"\nImported with the package, although it could wait: {', '.join(early) or 'nothing'}.")


def _print_breakdown(found: Breakdown) -> None:
    rows = [[label, shown(time), f"{time / found.submit:.0%}"] for label, time in found.parts]
    rows += [["the whole request", shown(found.submit), "100%"], ["the bare route's", shown(found.bare), ""]]
    print_table("One submit in one process, without a mail", ["part", "µs of processor time", "share"], rows)
    statements = [[text[:90], shown(time)] for text, time in found.statements]
    print_table(
        f"Its {len(statements)} statements, in the driver alone", ["statement", "µs, waiting included"], statements
    )
    print("\nThe functions with most time of their own, as the profiler sees them:\n")
    print("\n".join(found.own_times.splitlines()[6:]))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
