"""Compares the mailers against one mail server: short alternating rounds, each mailer in its own process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from .contenders import DIRECTORY, SMTP_PORT
from .mailers import MAILERS, Mailer, Sent
from .servers import Processes

SHORT, LONG = 3_000, 20_000


@dataclass(frozen=True)
class Course:
    """The task for the mailers.

    Arguments:
        delay: milliseconds that the server takes for each mail.
        connections: how many at once.
        size: bytes of a ticket's conversation.
        mails: how many in each round.
    """

    delay: int
    connections: int
    size: int
    mails: int


COURSES = (
    Course(0, 1, SHORT, 300),
    Course(0, 1, LONG, 200),
    Course(50, 1, LONG, 20),
    Course(500, 1, LONG, 4),
    Course(50, 4, LONG, 240),
    Course(500, 16, LONG, 128),
)


@dataclass
class Result:
    """The results of the mailers on one course."""

    course: Course
    rounds: dict[str, list[Sent]] = field(default_factory=lambda: {name: [] for name in MAILERS})

    def rate(self, name: str) -> float:
        """Mails per second, the median of the rounds."""
        return statistics.median(sent.rate for sent in self.rounds[name])

    def processor_milliseconds(self, name: str) -> float:
        """The processor time of one mail, the median of the rounds."""
        return statistics.median(sent.processor_milliseconds for sent in self.rounds[name])

    def ratio(self, name: str, other: str, figure: str) -> float:
        """The ratio to another mailer's rate or processor time, the median of the rounds."""
        pairs = zip(self.rounds[name], self.rounds[other], strict=True)
        ratios: list[float] = [getattr(mine, figure) / getattr(theirs, figure) for mine, theirs in pairs]
        return statistics.median(ratios)

    @property
    def limit(self) -> float | None:
        """Mails per second that this many connections can bring to a server with this delay."""
        return self.course.connections * 1000 / self.course.delay if self.course.delay else None


def compare(directory: Path, *, rounds: int, share: float) -> Iterator[Result]:
    """Send on each course.

    Arguments:
        rounds: how many turns each mailer gets.
        share: the share of a round's mails to send; 1 is all.
    """
    for course in COURSES:
        result = Result(course)
        mails = max(course.connections, int(course.mails * share))
        with Processes(directory) as processes, ExitStack() as stack:
            port = processes.mail_sink(course.delay)
            seats = {name: stack.enter_context(_Seat(name, course, port, directory)) for name in MAILERS}
            for seat in seats.values():
                seat.send(course.connections)
            for _ in range(rounds):
                for name, seat in seats.items():
                    result.rounds[name].append(seat.send(mails))
        yield result


class _Seat:
    """The process of one mailer. Its processor time is its own, and it idles while the others send."""

    def __init__(self, name: str, course: Course, port: int, directory: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        place = tempfile.mkdtemp(prefix=f"{name}-", dir=directory)
        self._process = context.Process(
            target=_serve, args=(other, name, course.connections, course.size, port, place), daemon=True
        )

    def __enter__(self) -> _Seat:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def send(self, mails: int) -> Sent:
        """Let the mailer send for one turn.

        Raises:
            RuntimeError: a mail did not go out.
        """
        self._pipe.send(mails)
        sent: Sent | str = self._pipe.recv()
        if isinstance(sent, str):
            raise RuntimeError(sent)
        return sent


def _serve(pipe: Connection, name: str, connections: int, size: int, port: int, place: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    os.environ[DIRECTORY], os.environ[SMTP_PORT] = place, str(port)
    try:
        mailer = Mailer(name, connections, size)
        while True:
            pipe.send(mailer.send(pipe.recv()))
    except Exception as error:
        pipe.send(f"{name}: {type(error).__name__}: {error}")
