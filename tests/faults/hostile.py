"""Very many hostile requests to one route; their statuses, and the time of the slowest ones."""

from __future__ import annotations

import logging
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from flask_kapa_handoff import KapaHandoff
from tests.helpers.hostile_requests import Attacker, hostile_site
from tests.helpers.sites import close, new_site


@dataclass
class Siege:
    """The result for one route.

    Arguments:
        errors: exceptions, and responses with 500 or more, with the seed of the request.
        seconds: the processor time of the costliest request.
        octets: the size of the largest answer.
    """

    route: str
    statuses: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    octets: int = 0


def lay_siege(route: str, requests: int, uri: str | None = None) -> Siege:
    """Send so many requests, each made from its own seed, to an app with an empty database.

    Arguments:
        uri: of a PostgreSQL database; None: SQLite.
    """
    logging.disable(logging.CRITICAL)
    siege = Siege(route)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

        def make(*, handoff: KapaHandoff, **config: Any) -> Flask:
            app = new_site(Path(folder), **({"KAPA_HANDOFF_DATABASE_URI": uri} if uri else {}), **config)
            handoff.init_app(app)
            return app

        app = hostile_site(make)
        attacker = Attacker(app)
        for number in range(requests):
            seed = f"{route} {number}"
            try:
                reply = attacker.attack(random.Random(seed), route)  # noqa: S311 - not a secret
            except Exception as error:
                siege.errors.append(f"{seed}: {type(error).__name__}: {error}"[:300])
                continue
            siege.statuses[reply.status] += 1
            siege.seconds, siege.octets = max(siege.seconds, reply.seconds), max(siege.octets, reply.size)
            if reply.status >= 500:
                siege.errors.append(f"{seed}: {reply.status}")
        close(app)
    return siege
