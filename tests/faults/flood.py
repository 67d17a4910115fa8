"""A flood of submits against web processes that also deliver: does delivery keep its share?"""

from __future__ import annotations

import multiprocessing.connection
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from tests.faults.site import Site, serve, start
from tests.faults.visitors import Visitors
from tests.helpers.scripted_smtp import ScriptedServer

PROCESSES = 2
VISITORS = 4


@dataclass(frozen=True)
class Stretch:
    """A part of the flood: how many tickets were accepted, and how many mails were sent."""

    seconds: float
    accepted: int
    delivered: int


def flood(app: Flask, server: ScriptedServer, *, stretches: int, seconds: float) -> Iterator[Stretch]:
    """Send tickets without a pause, and count while it goes on.

    Arguments:
        app: the site; its mails go to the server.
        stretches: how many parts the flood has.
        seconds: of each part.
    """
    begin = time.monotonic()
    end = begin + stretches * seconds
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        processes = [start(serve, Site.of(app), listener) for _ in range(PROCESSES)]
        visitors = Visitors(app, listener.getsockname()[1], _until(end), threads=VISITORS, end=end + 60)
        try:
            accepted = delivered = 0
            for number in range(1, stretches + 1):
                remaining = max(0.0, begin + number * seconds - time.monotonic())
                if multiprocessing.connection.wait([process.sentinel for process in processes], remaining):
                    raise RuntimeError("a web process has ended by itself")
                moment, now_accepted, now_delivered = time.monotonic(), len(visitors.references), len(server.mails)
                yield Stretch(moment - begin, now_accepted - accepted, now_delivered - delivered)
                accepted, delivered = now_accepted, now_delivered
            visitors.join()
        finally:
            for process in processes:
                process.kill()
                process.join()
    if visitors.problems:
        raise RuntimeError(f"{len(visitors.problems)} answers were no success: {visitors.problems[:3]}")


def _until(end: float) -> Iterator[int]:
    number = 0
    while time.monotonic() < end:
        yield number
        number += 1
