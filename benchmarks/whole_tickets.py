"""The processor time of a ticket from its first byte to the mail server, against a view that sends in the request."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from .contenders import PATHS, PROCESSOR_SECONDS
from .duels import delivered
from .requests_of_visitors import Submission, submissions
from .servers import Processes, Server

WHOLE = {"submit": PATHS["submit"], **dict.fromkeys(("in_request_whole", "in_request_usual"), PATHS["in_request"])}
WARM_UP = 16


@dataclass
class Costs:
    """Processor time of one ticket in milliseconds, for each round."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in WHOLE})

    def milliseconds(self, name: str) -> float:
        return statistics.median(self.rounds[name])

    def ratio(self, name: str) -> float:
        """How many times the package's it is, the median of the rounds' ratios."""
        pairs = zip(self.rounds[name], self.rounds["submit"], strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)


def weigh(directory: Path, *, rounds: int, tickets: int) -> Costs:
    """Send so many tickets a round, and wait until their mails are out."""
    costs, visitors = Costs(), submissions(time.time_ns())
    with Processes(directory) as processes:
        smtp_port = processes.mail_sink(0)
        # One worker, so that one process holds everything that we count.
        servers = [processes.server(name, smtp_port, workers=1) for name in WHOLE]
        for server in servers:
            _send(server, islice(visitors, WARM_UP))
        for _ in range(rounds):
            for server in servers:
                before = _processor_seconds(server)
                _send(server, islice(visitors, tickets))
                costs.rounds[server.name].append((_processor_seconds(server) - before) / tickets * 1000)
    return costs


def _send(server: Server, work: Iterator[Submission]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    earlier, sent = delivered(server), 0
    for visitor in work:
        connection.request("POST", WHOLE[server.name], visitor.body, visitor.headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{server.name} answered {answer.status}: {text[:500]!r}\n{server.errors()}")
        sent += 1
    connection.close()
    deadline = time.monotonic() + 120
    while server.name == "submit" and delivered(server) < earlier + sent:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the tickets were not delivered\n{server.errors()}")
        time.sleep(0.1)


def _processor_seconds(server: Server) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", PROCESSOR_SECONDS)
    seconds = float(connection.getresponse().read())
    connection.close()
    return seconds
