"""Visitors who send tickets one after another, each until it is acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterable, Iterator

from flask import Flask

from flask_kapa_handoff.state import state_of
from tests.helpers.tickets import ticket_fields

_HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


class Visitors:
    """Threads that post tickets to a port of loopback.

    Arguments:
        app: the site, in this process: it signs the offers.
        tickets: one ticket for each of its elements.
        threads: how many visitors there are at once.
        end: the moment (``time.monotonic()``) at which they stop.
    """

    def __init__(self, app: Flask, port: int, tickets: Iterable[int], *, threads: int, end: float) -> None:
        self._port = port
        self._tickets = _Shared(iter(tickets))
        self._end = end
        self._form = ticket_fields(app.test_client())
        with app.test_request_context():
            self._signer = state_of(app).offer_signer()
        self._offer = self._signer.read(self._form["offer"])
        self.references: list[str] = []
        """What they were told: the reference of each acknowledged ticket."""
        self.lost_answers = 0
        self.problems: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether all of them have finished."""
        return not any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        """Wait until all of them have finished."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        for number in self._tickets:
            form = {
                **self._form,
                "offer": self._signer.sign(self._offer.for_one_form()),
                "submission_id": str(uuid.uuid4()),
                "email": f"visitor-{number}@example.com",
            }
            body = urllib.parse.urlencode(form)
            while (reference := self._send(body)) is None:
                if time.monotonic() > self._end:
                    self.problems.append(f"ticket {number} was never acknowledged")
                    return
            self.references.append(reference)

    def _send(self, body: str) -> str | None:
        """Send once; returns the reference; None: unknown, as the ticket may or may not be stored."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request("POST", "/handoff/tickets", body, _HEADERS)
            # Closed, since a response that breaks off would keep the connection open.
            with connection.getresponse() as answer:
                text = answer.read()
        except (OSError, http.client.HTTPException):
            self.lost_answers += 1
            return None
        finally:
            connection.close()
        if answer.status in (200, 201):
            return str(json.loads(text)["reference"])
        if answer.status != 503:
            self.problems.append(f"{answer.status}: {text[:200]!r}")
        return None


class _Shared:
    """An iterator for several threads."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)
