"""The insights page over many answer records, on both databases; and what the records cost an offer."""

from __future__ import annotations

import json
import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import insert

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import answer, ticket, transcript

from .copied_tickets import vacuum
from .databases import each_database
from .processor_clock import ProcessorClock
from .requests_of_visitors import conversation

ANSWERS, TICKETS, DAYS = 100_000, 3_000, 90

WRITTEN_TOGETHER = 200
"""How many answers a process gathers in five seconds; on a busier site, each costs less."""

QUESTIONS = (
    "How do I restore a backup from yesterday?",
    "Can I restore backups to another server?",
    "Why does the restore stop at 40 %?",
    "How do I rotate an API key?",
    "rotate api keys without downtime",
    "Is there an export of invoices as CSV?",
    "Wie setze ich mein Passwort zurück?",
    "Passwort zurücksetzen geht nicht",
    "¿Cómo puedo cambiar mi plan?",
    "バックアップを復元するには",
    "Does the agent run on ARM?",
    "What is the limit of uploads?",
)


class Result(NamedTuple):
    """Milliseconds of one request.

    Arguments:
        median, fastest: until the response.
        web, server: the processor time of the web process, SQLite's included, and of PostgreSQL's processes.
    """

    what: str
    median: float
    fastest: float
    web: float
    server: float


def measure(directory: Path, *, rounds: int, answers: int = ANSWERS, tickets: int = TICKETS) -> Iterator[Result]:
    """The page, its CSV and the simulation over 90 days, on both databases."""
    for name, new_database in each_database():
        uri = new_database()
        app = site(directory / name, **({"KAPA_HANDOFF_DATABASE_URI": uri} if uri else {}))
        state = state_of(app)
        fill(state.database, answers, tickets)
        client, clock = app.test_client(), ProcessorClock(state.database)
        first = (datetime.now(timezone.utc) - timedelta(days=DAYS - 1)).date()
        typed = {"triggers": "uncertainty,downvote", "threshold": "3"}
        simulation = {"data": typed, "headers": {"HX-Request": "true"}, "method": "POST"}
        asked: dict[str, tuple[str, dict[str, Any]]] = {
            "the page": (f"insights?from={first}", {}),
            "the CSV": (f"insights.csv?from={first}", {}),
            "a simulation": ("simulation", simulation),
        }
        for what, (path, request) in asked.items():
            ask = partial(client.open, f"/handoff/admin/{path}", **request)
            yield Result(f"{name}, {what}", *_milliseconds(ask, clock, rounds))
        state.answers.stop()
        state.database.close()


def _milliseconds(ask: Callable[[], Any], clock: ProcessorClock, rounds: int) -> tuple[float, float, float, float]:
    times, web, server = [], [], []
    for _ in range(rounds + 1):
        began, busy, busy_server = time.perf_counter(), time.thread_time(), clock.of_server()
        response = ask()
        times.append((time.perf_counter() - began) * 1000)
        web.append((time.thread_time() - busy) * 1000)
        server.append((clock.of_server() - busy_server) * 1000)
        if response.status_code != 200:
            raise RuntimeError(f"{response.status}: {response.text[:500]}")
    # Without the first one, which compiles the templates.
    return statistics.median(times[1:]), min(times[1:]), statistics.median(web[1:]), statistics.median(server[1:])


class Cost(NamedTuple):
    """How many times as much processor time an offer takes with answer records.

    Arguments:
        waiting: while the visitor waits.
        in_all: with the write, which comes later.
    """

    waiting: float
    in_all: float


def cost_of_records(directory: Path, *, offers: int) -> Cost:
    """Offers of two sites in turn, one of which records answers."""
    apps = {days: site(directory / f"offers-{days}", KAPA_HANDOFF_STATISTICS_DAYS=days) for days in (0, DAYS)}
    clients = {days: app.test_client() for days, app in apps.items()}
    recorder = state_of(apps[DAYS]).answers
    times: dict[int, list[int]] = {days: [] for days in apps}
    writes: list[float] = []
    for number in range(offers):
        for days, client in clients.items():
            query = f"pairs=3&thread_id={uuid.uuid4()}&answer_id={uuid.uuid4()}&page=https://docs.example.com/install"
            began = time.thread_time_ns()
            if client.get(f"/handoff/offer?{query}").status_code != 200:
                raise RuntimeError("no offer")
            times[days].append(time.thread_time_ns() - began)
        if number % WRITTEN_TOGETHER == WRITTEN_TOGETHER - 1:
            began = time.thread_time_ns()
            recorder.write()
            writes.append((time.thread_time_ns() - began) / WRITTEN_TOGETHER)
    recorder.stop()
    for app in apps.values():
        state_of(app).database.close()
    without, waiting, writing = (_undisturbed(found) for found in (times[0], times[DAYS], writes))
    return Cost(waiting / without, (waiting + writing) / without)


def _undisturbed(times: Sequence[float]) -> float:
    """The mean of the faster half: the rest waited for other processes' caches."""
    return statistics.mean(sorted(times)[: max(1, len(times) // 2)])


def site(folder: Path, **config: Any) -> Flask:
    """A site whose admin pages are open to everyone."""
    folder.mkdir(parents=True, exist_ok=True)
    app = Flask("insights", instance_path=str(folder))
    app.config.update(SECRET_KEY="5d0c1f", KAPA_HANDOFF_EMAIL="support@example.com", KAPA_HANDOFF_DELIVERY="external")
    app.config.update(config)
    KapaHandoff(app, admin_required=lambda view: view)
    return app


def fill(database: Database, answers: int, tickets: int, *, days: int = DAYS) -> None:
    """Store generated answers and tickets of the last days; the same ones every time."""
    chosen = random.Random(3)
    until = datetime.now(timezone.utc)
    with database.write() as connection:
        for start in range(0, answers, 10_000):
            rows = [_answer(chosen, until, days) for _ in range(min(10_000, answers - start))]
            connection.execute(insert(answer), rows)
        for start in range(0, tickets, 1_000):
            made = [_ticket(chosen, until, days, number) for number in range(start, min(start + 1_000, tickets))]
            connection.execute(insert(ticket), [row for row, _ in made])
            connection.execute(insert(transcript), [text for _, text in made])
    vacuum(database)


def _answer(chosen: random.Random, until: datetime, days: int) -> dict[str, Any]:
    long, uncertain, downvoted = (chosen.random() < share for share in (0.2, 0.12, 0.05))
    facts = {"conversation-length": long, "uncertainty": uncertain, "downvote": downvoted}
    met = ",".join(name for name, is_met in facts.items() if is_met)
    opened = bool(met) and chosen.random() < 0.2
    sent = opened and chosen.random() < 0.4
    moment = until - timedelta(days=chosen.random() * days)
    return {
        "key": f"{chosen.getrandbits(128):032x}",
        "answered_at": moment,
        "day": moment.date().isoformat(),
        "desk": "default",
        "page": f"/docs/{int(chosen.random() ** 3 * 400)}",
        "pairs": chosen.randint(3, 9) if long else chosen.randint(1, 2),
        "uncertain": uncertain,
        "downvoted": downvoted,
        "stopped": False,
        "asked_for_human": None,
        "triggers": met,
        "offered": bool(met),
        "opened": opened,
        "cancelled": opened and not sent,
        "sent": sent,
    }


def _ticket(chosen: random.Random, until: datetime, days: int, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    moment = until - timedelta(days=chosen.random() * days)
    ticket_id = uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) + number)
    delivered = chosen.random() < 0.97
    pairs = conversation(6_000)
    page = int(chosen.random() ** 3 * 400)
    for pair in pairs:
        pair["sources"] = [
            {"title": f"Part {part}", "url": f"https://docs.example.com/docs/{part}"}
            for part in {page, int(chosen.random() ** 3 * 400)}
        ]
    row = {
        "id": ticket_id,
        "reference": f"T-{number:06d}",
        "submission_id": uuid.UUID(int=chosen.getrandbits(128)),
        "content_digest": "",
        "created_at": moment,
        "desk": "default",
        "recipient": "support@example.com",
        "visitor_email": f"visitor.{number}@example.com",
        "email_key": f"visitor.{number}@example.com",
        "note": "",
        "subject": QUESTIONS[int(chosen.random() ** 2 * len(QUESTIONS))],
        "pairs": len(pairs),
        "transcript_source": "browser",
        "triggers": chosen.choice(("uncertainty", "downvote", "conversation-length", "uncertainty,downvote", "")),
        "page": f"https://docs.example.com/docs/{page}",
        "locale": chosen.choice(("en-GB", "en-US", "de", "es", "ja")),
        "client_key": "",
        "status": "delivered" if delivered else "failed",
        "attempts": 1,
        "queued_at": moment,
        "delivered_at": moment + timedelta(seconds=chosen.expovariate(1 / 20)) if delivered else None,
    }
    return row, {"ticket_id": ticket_id, "conversation": json.dumps(pairs)}
