"""The processor time of what serves a page: this process, and PostgreSQL's. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
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
        self._server = 0
        with database.read() as connection:
            if connection.dialect.name == "postgresql":
                query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                self._backends = connection.execute(text(query)).scalars().all()
                mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                self._server = int(_fields(mine)[1])

    def read(self) -> float:
        """The time so far."""
        return time.process_time() + self.of_server()

    def of_server(self) -> float:
        """The share of the database's own processes; 0 for SQLite."""
        if not self._server:
            return 0.0
        spent = 0
        for backend in self._backends:
            with suppress(FileNotFoundError):  # it has ended, and counts as such
                spent += int(Path(f"/proc/{backend}/schedstat").read_text().split()[0])
        times = _fields(self._server)
        return spent / 1e9 + (int(times[_CUTIME]) + int(times[_CSTIME])) * _TICK


def _fields(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
