"""Compares the contenders in short alternating rounds, so that the machine's drift cancels out."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from .contenders import PATHS
from .load import Clients, Round
from .requests_of_visitors import USUAL_BYTES
from .servers import Processes, Server

WARM_UP_SECONDS = 0.3


@dataclass
class Result:
    """The results of the contenders with one number of clients and one delay of the mail server."""

    clients: int
    delay: int
    rounds: dict[str, list[Round]] = field(default_factory=lambda: defaultdict(list))
    delivered: int = 0

    def rate(self, name: str) -> float:
        """Requests per second, the median of the rounds."""
        return statistics.median(turn.rate for turn in self.rounds[name])

    def ratio(self, name: str, other: str) -> float:
        """The ratio to another contender's rate, the median of the rounds."""
        pairs = zip(self.rounds[name], self.rounds[other], strict=True)
        return statistics.median(mine.rate / theirs.rate for mine, theirs in pairs)

    def milliseconds(self, name: str, percent: int) -> float:
        """The latency that this percentage of the requests stays below."""
        latencies = sorted(latency for turn in self.rounds[name] for latency in turn.latencies)
        return latencies[min(len(latencies) - 1, len(latencies) * percent // 100)] * 1000

    @property
    def mails_per_ticket(self) -> float:
        """The share of mails that were sent while the tickets came in; below 1, the rest waits in the database."""
        return self.delivered / sum(turn.sent for turn in self.rounds["submit"])


def compare(
    directory: Path,
    names: Sequence[str],
    *,
    delays: tuple[int, ...],
    clients: tuple[int, ...],
    rounds: int,
    seconds: float,
    limit: float,
    size: int = USUAL_BYTES,
) -> Iterator[Result]:
    """Measure each pair of a delay and a number of clients.

    Arguments:
        names: the contenders.
        delays: milliseconds that the mail server takes for each mail.
        clients: how many send at the same time.
        rounds: how many turns each contender gets.
        seconds: the length of a turn.
        limit: seconds after which a pair gets no further round, for busy machines.
        size: of the conversations, in octets.
    """
    with Clients() as senders:
        for delay in delays:
            with Processes(directory) as processes:
                smtp_port = processes.mail_sink(delay)
                servers = [processes.server(name, smtp_port) for name in names]
                for server in servers:
                    senders.run(server.port, clients=16, seconds=WARM_UP_SECONDS, size=size, **_work(server))
                    server.freeze()
                for count in clients:
                    yield _measure(senders, servers, Result(count, delay), rounds, seconds, limit, size)


def _measure(
    senders: Clients, servers: list[Server], result: Result, rounds: int, seconds: float, limit: float, size: int
) -> Result:
    began = time.monotonic()
    for number in range(rounds):
        if number and time.monotonic() - began > limit:
            break
        for server in servers:
            before = delivered(server)
            server.thaw()
            try:
                turn = senders.run(server.port, clients=result.clients, seconds=seconds, size=size, **_work(server))
            except RuntimeError as error:
                raise RuntimeError(f"{server.name}: {error}\n{server.errors()}") from error
            finally:
                server.freeze()
            result.rounds[server.name].append(turn)
            result.delivered += delivered(server) - before
    return result


def _work(server: Server) -> dict[str, str]:
    """Where a contender gets its requests, and from whom: Flask-WTF reads forms."""
    return {
        "path": PATHS.get(server.name, PATHS["submit"]),
        "sender": "form" if server.name.startswith("in_request") else "handoff.js",
    }


def delivered(server: Server) -> int:
    """How many of a server's tickets were delivered; None: the contender stores nothing."""
    return delivered_in(server.directory)


def delivered_in(directory: Path) -> int:
    """The same, for the directory of its database."""
    path = directory / "kapa_handoff.sqlite3"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT count(*) FROM kapa_handoff_ticket WHERE status = 'delivered'"
        return int(connection.execute(query).fetchone()[0])
