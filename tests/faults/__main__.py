"""``make torture``: the faults with their full counts, on both databases. Prints the tables of docs/guarantees.md."""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from tests.faults import kills, limits
from tests.faults.flood import flood
from tests.faults.hostile import lay_siege
from tests.helpers.hostile_requests import ROUTES
from tests.helpers.postgres import Postgres, running
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.sites import DATABASES, close, new_site

_failed: list[str] = []


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--tickets", type=int, default=10_000, help="of the kills")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--lost-replies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--submits", type=int, default=20_000, help="by eight workers")
    parser.add_argument("--rounds", type=int, default=100, help="of 50 submits against a limit")
    parser.add_argument("--requests", type=int, default=100_000, help="hostile ones, to each route")
    parser.add_argument("--minutes", type=int, default=10, help="of the flood")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; use any of {', '.join(PARTS)}")
    logging.getLogger("flask_kapa_handoff").setLevel(logging.ERROR)
    with ExitStack() as ends:
        postgres = ends.enter_context(running()) if "postgresql" in chosen.databases else None
        for part in chosen.parts or PARTS:
            PARTS[part](chosen, postgres)
    if _failed:
        raise SystemExit("FAILED: " + "; ".join(_failed))


def _torture_with_kills(chosen: argparse.Namespace, postgres: Postgres | None) -> None:
    _row(
        *("database", "tickets", "acknowledged", "kills", "lost replies", "arrived", "duplicates", "allowed"),
        *("unexplained", "minutes"),
        head=True,
    )
    for database in chosen.databases:
        plan = kills.Plan(chosen.tickets, chosen.kills, chosen.lost_replies, chosen.seed, seconds=chosen.tickets)
        began = time.monotonic()
        with (
            kills.MailServer(plan) as server,
            _site(database, postgres, server, KAPA_HANDOFF_SMTP_CONNECTIONS=1) as app,
        ):
            count = kills.run(app, server, plan)
        _row(
            *(database, plan.tickets, count.acknowledged, count.kills, count.lost_replies, count.arrived),
            *(count.duplicates, count.allowed, len(count.unexplained), f"{(time.monotonic() - began) / 60:.1f}"),
        )
        _expect(f"kills on {database}: {count.broken(plan)}", not count.broken(plan))


def _torture_with_limits(chosen: argparse.Namespace, postgres: Postgres | None) -> None:
    _row("database", "what", "answers", head=True)
    for database in chosen.databases:
        with ScriptedServer() as server, _site(database, postgres, server) as app:
            state = state_of(app).database
            with state.read():
                engine = state.engine
            found = limits.rounds_against_a_limit(engine, "client", limit=10, rounds=chosen.rounds)
            exact = sum(answers == {"201": 10, "429 rate_limited": 40} for answers in found)
            _row(database, f"50 submits at once against a limit of 10, {chosen.rounds} times", f"{exact} times exact")
            _expect(f"limits on {database}: {chosen.rounds - exact} times not exact", exact == chosen.rounds)
            answers = limits.many_submits(engine, submits=chosen.submits)
            said = ", ".join(f"{number:,} x {answer}" for answer, number in answers.items())
            _row(database, f"{chosen.submits:,} submits by eight workers", said)
            _expect(f"submits on {database}: {said}", answers == {"201": chosen.submits})


def _torture_with_a_flood(chosen: argparse.Namespace, postgres: Postgres | None) -> None:
    _row("database", "minute", "accepted", "delivered", "delivered a second", head=True)
    for database in chosen.databases:
        with ScriptedServer() as server, _site(database, postgres, server) as app:
            for minute, stretch in enumerate(flood(app, server, stretches=chosen.minutes, seconds=60), 1):
                _row(database, minute, stretch.accepted, stretch.delivered, f"{stretch.delivered / 60:.1f}")
                _expect(f"flood on {database}: nothing was delivered in minute {minute}", stretch.delivered > 0)


def _torture_with_hostile_requests(chosen: argparse.Namespace, postgres: Postgres | None) -> None:
    _row("database", "route", "requests", "statuses", "500 or more", "worst CPU seconds", "largest answer", head=True)
    for database in chosen.databases:
        uris = [postgres.new_database() if postgres and database == "postgresql" else None for _ in ROUTES]
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            for siege in pool.map(lay_siege, ROUTES, [chosen.requests] * len(ROUTES), uris):
                said = ", ".join(f"{number:,} x {status}" for status, number in sorted(siege.statuses.items()))
                _row(
                    *(database, siege.route, chosen.requests, said, len(siege.errors), f"{siege.seconds:.3f}"),
                    siege.octets,
                )
                _expect(f"hostile requests on {database}: {siege.errors[:3]}", not siege.errors)


PARTS = {
    "kills": _torture_with_kills,
    "limits": _torture_with_limits,
    "flood": _torture_with_a_flood,
    "hostile": _torture_with_hostile_requests,
}


@contextmanager
def _site(database: str, postgres: Postgres | None, server: ScriptedServer, **config: Any) -> Iterator[Flask]:
    """A site with an empty database and without limits, whose mails go to the server."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        far_away: dict[str, Any] = limits.FAR_AWAY
        app = new_site(Path(folder), MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, **far_away, **config)
        if database == "postgresql":
            assert postgres is not None
            app.config["KAPA_HANDOFF_DATABASE_URI"] = postgres.new_database()
        KapaHandoff(app)
        yield app
        close(app)


def _row(*cells: object, head: bool = False) -> None:
    print(f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |", flush=True)
    if head:
        print("|" + "---|" * len(cells), flush=True)


def _expect(words: str, holds: bool) -> None:
    if not holds:
        _failed.append(words)
        print(f"FAILED: {words}", flush=True)


if __name__ == "__main__":
    main()
