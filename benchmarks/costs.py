"""Processor time of a submit and of an offer, beside routes that do next to nothing. One process, no mail.

Everything takes turns in short rounds, so that a busy machine slows all of it down alike; the ratios count.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from werkzeug.test import EnvironBuilder

from .contenders import DIRECTORY, PATHS, bare, submit
from .requests_of_visitors import HEADERS, PAIRS, SENDERS, Submission, submissions

SIZES = (6_000, 20_000)
SITE = "https://docs.example.com"
IN_A_ROUND = 20

Call = Callable[[int], float]
"""Sends as many requests, and returns the mean seconds of one."""


@dataclass
class Prices:
    """Seconds of processor time of a request, one for each round, by what was requested."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def milliseconds(self, name: str) -> float:
        """The median."""
        return statistics.median(self.rounds[name]) * 1000

    def ratio(self, name: str, other: str) -> tuple[float, float, float]:
        """How many times as long as another one it takes: the median of the rounds, and the quartiles."""
        ratios = [mine / theirs for mine, theirs in zip(self.rounds[name], self.rounds[other], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        return middle, low, high


def price(directory: Path, rounds: int) -> Prices:
    """Measure everything in turns."""
    calls = callers(directory)
    for call in calls.values():
        call(IN_A_ROUND)
    found = Prices({name: [] for name in calls})
    for _ in range(rounds):
        for name, call in calls.items():
            found.rounds[name].append(call(IN_A_ROUND))
    return found


def callers(directory: Path) -> dict[str, Call]:
    """What is compared, by name."""
    os.environ[DIRECTORY] = tempfile.mkdtemp(dir=directory)
    floor, ours = bare(), submit("external")
    calls = {"204": _caller(floor, environments_of_gets("/"), "204")}
    for size in SIZES:
        posts = environments_of_posts(PATHS["bare"], submissions(0, size, sender="handoff.js"))
        calls[f"bare insert, {size // 1000} kB"] = _caller(floor, posts)
    for size in SIZES:
        for sender in SENDERS:
            seed = len(calls)  # another one each, since nobody opens two tickets with one offer
            posts = environments_of_posts(PATHS["submit"], submissions(seed, size, sender=sender))
            calls[f"submit, {size // 1000} kB, {sender}"] = _caller(ours, posts)
    for kind, accepted in (("HTML", "text/html"), ("JSON", "application/json")):
        calls[f"offer, {kind}"] = _caller(ours, environments_of_gets("/handoff/offer", Accept=accepted), "200")
    return calls


def _caller(application: Flask, environments: Iterator[dict[str, Any]], status: str = "201") -> Call:
    def call(count: int) -> float:
        prepared = list(islice(environments, count))
        began = time.process_time()
        for environment in prepared:
            send(application, environment, status)
        return (time.process_time() - began) / count

    return call


def send(application: Flask, environment: dict[str, Any], status: str) -> None:
    """Send a request; RuntimeError: the response's status is another one."""
    statuses: list[str] = []
    body = application(environment, lambda status, headers, *rest: statuses.append(status))  # type: ignore[arg-type]
    text = b"".join(body)
    if not statuses[0].startswith(status):
        raise RuntimeError(f"answered {statuses[0]}: {text[:500]!r}")


def environments_of_posts(path: str, work: Iterator[Submission]) -> Iterator[dict[str, Any]]:
    """WSGI environments of these submits."""
    for visitor in work:
        builder = EnvironBuilder(path, SITE, method="POST", data=visitor.body, headers=list(visitor.headers.items()))
        yield {**builder.get_environ(), "REMOTE_ADDR": "127.0.0.1"}


def environments_of_gets(path: str, **headers: str) -> Iterator[dict[str, Any]]:
    """WSGI environments of questions about new answers, forever."""
    while True:
        facts = {"pairs": PAIRS, "uncertain": "true", "thread_id": str(uuid.uuid4()), "answer_id": str(uuid.uuid4())}
        query = urlencode({**facts, "page": f"{SITE}/restoring-files"})
        builder = EnvironBuilder(path, SITE, query_string=query, headers=list({**HEADERS, **headers}.items()))
        yield {**builder.get_environ(), "REMOTE_ADDR": "127.0.0.1"}
