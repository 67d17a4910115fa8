"""Measures where the time of one submit goes, within one process and without mail."""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from .contenders import DIRECTORY, PATHS, bare, submit
from .query_counter import Statement, counted_statements
from .requests_of_visitors import Submission, submissions
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
    os.environ[DIRECTORY] = str(directory)
    work = submissions(1)
    ours, floor = _caller(submit("external"), "submit", work), _caller(bare(), "bare", work)
    for call in (ours, floor):
        call(30)
    turns = [(ours(20), floor(20)) for _ in range(requests // 20)]
    plain, least = (statistics.median(times) for times in zip(*turns, strict=True))
    with counted_statements() as statements:
        ours(50)
    with timed_calls() as calls:
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
        [(label, seconds / requests * 1_000_000) for label, seconds in calls.items()],
        _statements(statements, 50),
        printed.getvalue(),
    )


def _caller(application: Flask, name: str, work: Iterator[Submission]) -> Callable[[int], float]:
    """A function that sends ``count`` requests and returns the mean seconds of one."""

    def call(count: int) -> float:
        environments = [_environment(PATHS[name], visitor) for visitor in islice(work, count)]
        began = time.process_time()
        for environment in environments:
            _send(application, environment)
        return (time.process_time() - began) / count

    return call


def _environment(path: str, visitor: Submission) -> dict[str, Any]:
    headers = list(visitor.headers.items())
    builder = EnvironBuilder(path, method="POST", input_stream=io.BytesIO(visitor.body), headers=headers)
    return {**builder.get_environ(), "CONTENT_LENGTH": str(len(visitor.body)), "REMOTE_ADDR": "127.0.0.1"}


def _send(application: Flask, environment: dict[str, Any]) -> None:
    statuses: list[str] = []
    body = application(environment, lambda status, headers, *rest: statuses.append(status))  # type: ignore[arg-type]
    text = b"".join(body)
    if not statuses[0].startswith("201"):
        raise RuntimeError(f"answered {statuses[0]}: {text[:500]!r}")


def _statements(statements: list[Statement], requests: int) -> list[tuple[str, float]]:
    """The statements of one submit in order, with the median time of each."""
    count = len(statements) // requests
    columns = [statements[place::count] for place in range(count)]
    return [
        (column[0].text.replace("\n", " "), statistics.median(each.seconds for each in column) * 1_000_000)
        for column in columns
    ]
