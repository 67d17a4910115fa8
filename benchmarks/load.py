"""The clients: threads with ``http.client`` and keep-alive connections, in their own process."""

from __future__ import annotations

import http.client
import itertools
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType

from .requests_of_visitors import Submission, submissions

LEAD_SECONDS = 0.25
"""The first part of a turn does not count: the server has just been resumed, and the connections are new."""


@dataclass
class Round:
    """One contender's results in one turn: requests per second, and the seconds of each request."""

    rate: float = 0.0
    latencies: list[float] = field(default_factory=list)
    sent: int = 0


class Clients:
    """The process of the clients."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)

    def __enter__(self) -> Clients:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def run(self, port: int, path: str, clients: int, seconds: float, *, size: int, sender: str) -> Round:
        """Send for this many seconds; at least one request of each client counts. See :func:`submissions`.

        Raises:
            RuntimeError: a response was not 201.
        """
        self._pipe.send((port, path, clients, seconds, size, sender))
        result: Round | str = self._pipe.recv()
        if isinstance(result, str):
            raise RuntimeError(result)
        return result


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    seeds = itertools.count(time.time_ns())
    while True:
        port, path, clients, seconds, size, sender = pipe.recv()
        try:
            pipe.send(_round(port, path, clients, seconds, submissions(next(seeds), size, sender=sender)))
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")


def _round(port: int, path: str, clients: int, seconds: float, visitors: Iterator[Submission]) -> Round:
    # The requests are prepared before the clock starts; clients cannot send more than 2,000 a second here.
    expected = int((LEAD_SECONDS + seconds) * 2000 / clients) + 2
    work = [list(itertools.islice(visitors, expected)) for _ in range(clients)]
    result, errors, lock = Round(), [], threading.Lock()
    start = threading.Barrier(clients)

    def client(requests: list[Submission]) -> None:
        latencies: list[float] = []
        first = last = 0.0
        sent = 0
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.connect()
            start.wait(60)
            counted_from = time.perf_counter() + LEAD_SECONDS
            for request in requests:
                began = time.perf_counter()
                if latencies and began >= counted_from + seconds:
                    break
                connection.request("POST", path, request.body, request.headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 201:
                    raise RuntimeError(f"{path} answered {answer.status}: {text[:500]!r}")
                sent += 1
                last = time.perf_counter()
                if began >= counted_from:
                    first = first or began
                    latencies.append(last - began)
            connection.close()
        except Exception as error:
            start.abort()
            errors.append(f"{type(error).__name__}: {error}")
        with lock:
            result.latencies += latencies
            result.sent += sent
            # Each client ends on its own: a common end would cut off slow requests, or start them in vain.
            result.rate += len(latencies) / (last - first) if latencies else 0.0

    threads = [threading.Thread(target=client, args=(requests,)) for requests in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(errors[0])
    return result
