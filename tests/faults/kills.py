"""Sends and delivers tickets while web and worker processes are killed at random; then counts everything."""

from __future__ import annotations

import multiprocessing.connection
import random
import re
import socket
import time
from collections import defaultdict
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import ClassVar, Protocol, TypeVar

from flask import Flask

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tickets import Outcome
from tests.faults import ledger
from tests.faults.sink import Sink
from tests.faults.site import Site, deliver, serve, start, work
from tests.faults.visitors import Visitors
from tests.helpers.scripted_smtp import HANG_UP, ScriptedServer

ROLES = (serve, serve, work, work)
"""The processes that are there at any time. Each has one courier: what a kill can double is one mail."""

_SECONDS_A_MAIL = 0.06
"""Long enough that a kill often meets a mail in the middle, and that idle couriers look for something to do."""

_Reply = TypeVar("_Reply")

_HEADER = re.compile(rb"^(Message-ID|X-Kapa-Handoff-Ticket): (.*?)\r$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """How many tickets, kills and processes there are.

    Arguments:
        lost_replies: how many mails the server takes and then hangs up, without a word.
        seconds: the time limit.
    """

    tickets: int
    kills: int
    lost_replies: int
    seed: int
    seconds: float
    visitors: int = 2


@dataclass(frozen=True)
class Count:
    """The results.

    Arguments:
        lost_answers: how often a client had no answer to a ticket, and sent it again.
        undelivered: tickets that the database does not call delivered, although all time has passed.
        missing: acknowledged tickets that did not arrive, and what the database says of each.
        unexplained: tickets of which there are more copies than attempts whose end nobody knows, and one.
        faults: what must never be in the database, and processes that ended on their own.
        names: how many different names (``Message-ID``, or the key of a request) there are.
    """

    acknowledged: int
    lost_answers: int
    kills: int
    lost_replies: int
    undelivered: int
    arrived: int
    duplicates: int
    names: int
    missing: list[str]
    unexplained: list[str]
    faults: list[str]

    @property
    def allowed(self) -> int:
        """How many duplicates there may be."""
        return self.kills + self.lost_replies

    def broken(self, plan: Plan) -> list[str]:
        """The promises that were not kept; empty: all is well."""
        promises = {
            f"all {plan.tickets} are acknowledged: {self.acknowledged}": self.acknowledged == plan.tickets,
            f"none waits any more: {self.undelivered}": not self.undelivered,
            f"none is lost: {self.missing}": not self.missing,
            f"none arrives that nobody sent: {self.arrived}": self.arrived == plan.tickets,
            f"one name for each: {self.names}": self.names == self.arrived,
            f"at most {self.allowed} duplicates: {self.duplicates}": self.duplicates <= self.allowed,
            f"for each a try whose end nobody knows: {self.unexplained}": not self.unexplained,
            f"{plan.kills} kills: {self.kills}": self.kills >= plan.kills,
            f"no faults: {self.faults[:5]}": not self.faults,
        }
        return [promise for promise, kept in promises.items() if not kept]


class Receiver(Protocol):
    """The other side: slow with each ticket, keeps what arrives, and loses as many replies as planned."""

    may_double: ClassVar[tuple[Outcome, ...]]
    """How an attempt whose reply was lost ends."""

    lost: list[str]
    """One for each reply that was lost."""

    def copies(self) -> list[tuple[str, str]]:
        """The reference of each copy that arrived, and the name by which the receiver recognises another one."""


class HttpSink(Sink):
    """A receiver of a site's own channel, which can say no more than that the ticket has to wait."""

    may_double: ClassVar[tuple[Outcome, ...]] = (Outcome.DELAYED,)

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.lost: list[str] = []
        self._losing = _shuffled(plan, True, False)

    def copies(self) -> list[tuple[str, str]]:
        return list(self.taken)

    def replies(self) -> bool:
        if self._losing and self._losing.pop():
            self.lost.append(HANG_UP)
            return False
        self.stopped.wait(_SECONDS_A_MAIL)
        return True


def _shuffled(plan: Plan, lost: _Reply, kept: _Reply) -> list[_Reply]:
    replies = [lost] * plan.lost_replies + [kept] * (plan.tickets - plan.lost_replies)
    random.Random(plan.seed).shuffle(replies)  # noqa: S311  repeatable, not secret
    return replies


class MailServer(ScriptedServer):
    """A receiver of mails."""

    may_double: ClassVar[tuple[Outcome, ...]] = (Outcome.UNKNOWN,)

    def __init__(self, plan: Plan) -> None:
        super().__init__({"END": [*_shuffled(plan, self._lose, self._accept_mail)]})
        self.lost: list[str] = []

    def copies(self) -> list[tuple[str, str]]:
        found = []
        for mail in list(self.mails):
            headers = {name.lower(): value.decode() for name, value in _HEADER.findall(mail.split(b"\r\n\r\n")[0])}
            found.append((headers[b"x-kapa-handoff-ticket"], headers[b"message-id"]))
        return found

    def _accept_mail(self) -> str:
        self._stopped.wait(_SECONDS_A_MAIL)
        return "250 taken"

    def _lose(self) -> str:
        self.lost.append(HANG_UP)
        return HANG_UP


def run(app: Flask, server: Receiver, plan: Plan) -> Count:
    """Send the tickets and kill; then let time pass until everything that can be delivered is.

    Arguments:
        app: the site; its tickets go to the server.
    """
    site, database = Site.of(app), state_of(app).database
    end = time.monotonic() + plan.seconds
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        visitors = Visitors(app, listener.getsockname()[1], range(plan.tickets), threads=plan.visitors, end=end)
        crowd = _Crowd(site, listener)
        try:
            _kill(crowd, visitors, database, server, plan, end)
        finally:
            crowd.kill_all()
            visitors.join()
    for _ in range(10):  # a delivery that was killed lets its ticket wait, and so does a lost reply
        ledger.let_time_pass(database)
        if not ledger.undelivered(database):
            break
        process = start(deliver, site)
        process.join(plan.seconds)
        process.kill()
        process.join()
    return _count(visitors, crowd, server, database)


def _kill(crowd: _Crowd, visitors: Visitors, database: Database, server: Receiver, plan: Plan, end: float) -> None:
    """Kill, evenly over the tickets on both halves of their way, until all are sent and nothing is left to do."""
    chance = random.Random(plan.seed)  # noqa: S311  repeatable, not secret
    spacing = 2 * plan.tickets * 0.95 / plan.kills
    following = spacing
    while time.monotonic() < end:
        if crowd.kills < plan.kills and len(visitors.references) + len(server.copies()) >= following:
            crowd.kill_one(chance)
            following += spacing * chance.uniform(0.5, 1.5)
        elif visitors.done and not ledger.undelivered(database, due=True):
            if crowd.kills >= plan.kills or not ledger.undelivered(database):
                return
            crowd.kill_all()
            ledger.let_time_pass(database)
            crowd.start()
            following = len(visitors.references) + len(server.copies())
        else:
            crowd.wait(0.02)


def _count(visitors: Visitors, crowd: _Crowd, server: Receiver, database: Database) -> Count:
    copies: dict[str, list[str]] = defaultdict(list)
    for reference, name in server.copies():
        copies[reference].append(name)
    unknown = ledger.unknown_ends(database, server.may_double)
    unexplained = [reference for reference, names in copies.items() if len(names) > 1 + unknown[reference]]
    return Count(
        acknowledged=len(visitors.references),
        lost_answers=visitors.lost_answers,
        kills=crowd.kills,
        lost_replies=len(server.lost),
        undelivered=ledger.undelivered(database),
        arrived=len(copies),
        duplicates=sum(map(len, copies.values())) - len(copies),
        names=len({name for names in copies.values() for name in names}),
        missing=[ledger.story(database, reference) for reference in sorted(set(visitors.references) - set(copies))],
        unexplained=unexplained,
        faults=[*ledger.find_faults(database), *crowd.ended, *visitors.problems],
    )


class _Crowd:
    """The site's processes. A killed one is replaced."""

    def __init__(self, site: Site, listener: socket.socket) -> None:
        self._site = site
        self._listener = listener
        self._processes: list[BaseProcess] = []
        self.kills = 0
        self.ended: list[str] = []
        self.start()

    def start(self) -> None:
        self._processes = [self._begin(number) for number in range(len(ROLES))]

    def _begin(self, number: int) -> BaseProcess:
        role = ROLES[number]
        return start(role, self._site, self._listener) if role is serve else start(role, self._site)

    def kill_one(self, chance: random.Random) -> None:
        number = chance.randrange(len(self._processes))
        self._kill(self._processes[number])
        self._processes[number] = self._begin(number)

    def kill_all(self) -> None:
        while self._processes:
            self._kill(self._processes.pop())

    def _kill(self, process: BaseProcess) -> None:
        if process.exitcode is not None:
            self.ended.append(f"a process ended by itself: {process.exitcode}")
        process.kill()
        process.join()
        self.kills += 1

    def wait(self, seconds: float) -> None:
        """Wait for that long, or until a process ends on its own; then start a replacement."""
        if multiprocessing.connection.wait([process.sentinel for process in self._processes], seconds):
            for number, process in enumerate(self._processes):
                if process.exitcode is not None:
                    self.ended.append(f"a process ended by itself: {process.exitcode}")
                    self._processes[number] = self._begin(number)
