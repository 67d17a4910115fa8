"""Many submits at the same moment, against a limit or against one database; for the tests and `make torture`."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address
from typing import Any, Literal

from sqlalchemy import Engine, delete

from flask_kapa_handoff.storage.tables import ticket, transcript
from tests.faults.submitters import Submitters

PROCESSES = 5
UNLIMITED = 1_000_000

Limit = Literal["client", "email", "site"]

KEYS = {
    "client": "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR",
    "email": "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR",
    "site": "KAPA_HANDOFF_TICKETS_PER_HOUR",
}

FAR_AWAY = dict.fromkeys(KEYS.values(), UNLIMITED)
"""The configuration of a site whose limits nobody reaches."""


def rounds_against_a_limit(
    engine: Engine, which: Limit, *, limit: int, rounds: int, submits: int = 50
) -> list[Counter[str]]:
    """Send tickets at once, several times, against a limit that accepts only some of them.

    Arguments:
        engine: of a database whose tables are there.
        which: the limit that is tried; the other two are far away.
        limit: how many tickets it allows.
        rounds: how often.
        submits: how many tickets each time, by :data:`PROCESSES` processes with a thread for each ticket.

    Returns:
        For each round how often each answer came. The site's limit holds tickets, and refuses at ten times of it.
    """
    config: dict[str, Any] = {KEYS[kind]: limit if kind == which else UNLIMITED for kind in KEYS}
    found = []
    with Submitters(_uri(engine), PROCESSES, **config) as submitters:
        for number in range(rounds):
            if which == "site":
                _forget_tickets(engine)
            # Another visitor in another /24 each round: what was sent before does not count.
            email, address = f"visitor-{number}@example.com", str(ip_address("10.0.0.1") + 256 * number)
            found.append(submitters.submit(submits, threads=submits // PROCESSES, email=email, address=address))
    return found


def many_submits(engine: Engine, *, submits: int, processes: int = 4, threads: int = 2) -> Counter[str]:
    """Send many tickets into one database, as fast as several workers can.

    Arguments:
        engine: of a database whose tables are there.
        submits: how many tickets in all.
        processes, threads: how many processes, and threads in each; 4 by 2 are eight workers.

    Returns:
        How often each status came; all must be ``201``.
    """
    config = dict.fromkeys(KEYS.values(), UNLIMITED)
    with Submitters(_uri(engine), processes, **config) as submitters:
        return submitters.submit(submits, threads=threads, email="visitor@example.com", address="10.0.0.1")


def _uri(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def _forget_tickets(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(transcript))
        connection.execute(delete(ticket))
