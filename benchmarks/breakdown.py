"""Measures where the time of one submit goes, within one process and without mail."""

from __future__ import annotations

import cProfile
import io
import pstats
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from .costs import callers
from .query_counter import Statement, counted_statements
from .stopwatch import timed_calls


@dataclass
class Breakdown:
    """Processor time of one submit, in microseconds; that of ``statements`` includes waiting for the disk."""

    submit: float
    bare: float
    parts: list[tuple[str, float]]
    statements: list[tuple[str, float]]
    own_times: str


def break_down(directory: Path, requests: int) -> Breakdown:
    """Measure submits and the bare route in turns."""
    calls = callers(directory)
    ours, floor = calls["submit, 6 kB, handoff.js"], calls["bare insert, 6 kB"]
    for call in (ours, floor):
        call(30)
    turns = [(ours(20), floor(20)) for _ in range(requests // 20)]
    plain, least = (statistics.median(times) for times in zip(*turns, strict=True))
    with counted_statements() as statements:
        ours(50)
    with timed_calls() as steps:
        ours(requests)
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    ours(100)
    profiler.disable()
    printed = io.StringIO()
    pstats.Stats(profiler, stream=printed).sort_stats("tottime").print_stats(25)
    return Breakdown(
        plain * 1_000_000,
        least * 1_000_000,
        [(label, seconds / requests * 1_000_000) for label, seconds in steps.items()],
        _statements(statements, 50),
        printed.getvalue(),
    )


def _statements(statements: list[Statement], requests: int) -> list[tuple[str, float]]:
    """The statements of one submit in order, with the median time of each."""
    count = len(statements) // requests
    columns = [statements[place::count] for place in range(count)]
    return [
        (column[0].text.replace("\n", " "), statistics.median(each.seconds for each in column) * 1_000_000)
        for column in columns
    ]
