"""The processor time of what serves a page: this process, and PostgreSQL's. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from flask_kapa_handoff.storage.engine import Database

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_CUTIME, _CSTIME = 13, 14
"""The places of the times of the children that have ended in ``/proc/PID/stat``, counted behind the name."""


class ProcessorClock:
    """Seconds of processor time: what other programs of a busy machine use does not count.

    Arguments:
        database: SQLite computes in this process; of PostgreSQL, the processes that serve this database are added, and
            the workers that they start for large queries.
    """

    def __init__(self, database: Database) -> None:
        self._backends: Sequence[int] = ()
        with database.read() as connection:
            if connection.dialect.name == "postgresql":
                query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                self._backends = connection.execute(text(query)).scalars().all()

    def read(self) -> float:
        """The time so far."""
        return time.process_time() + self.of_server()

    def of_server(self) -> float:
        """The share of the database's own processes; 0 for SQLite."""
        if not self._backends:
            return 0.0
        backends = sum(int(_file(one, "schedstat").split()[0]) for one in self._backends) / 1e9
        server = _file(self._backends[0], "stat").rpartition(")")[2].split()[1]
        times = _file(int(server), "stat").rpartition(")")[2].split()
        return backends + (int(times[_CUTIME]) + int(times[_CSTIME])) * _TICK


def _file(process: int, name: str) -> str:
    return Path(f"/proc/{process}/{name}").read_text()
