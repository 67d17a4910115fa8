"""Measures what the package costs even if nobody uses it: on every page, at import, on the wire."""

from __future__ import annotations

import gzip
import os
import re
import statistics
import subprocess
import sys
import time
import timeit
from dataclasses import dataclass
from pathlib import Path

from .contenders import DIRECTORY, submit
from .mailers import fill
from .query_counter import counted_statements
from .requests_of_visitors import CONVERSATION_BYTES
from .servers import ROOT

# Processor time, which excludes what other programs do meanwhile. A garbage collection that flask's and sqlalchemy's
# objects make due takes 30 ms, so it is run before.
_IMPORT = """
import gc, time, flask, sqlalchemy
gc.collect()
began = time.process_time()
import flask_kapa_handoff
print((time.process_time() - began) * 1000)
"""

_WRITTEN = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM) kapa_handoff_(\w+)")

_LATE = (
    "alembic",
    "smtplib",
    "comrak",
    "nh3",
    "flask_mail",
    "flask_wtf",
    "email_validator",
    "sqlalchemy.dialects.postgresql",
)


@dataclass
class PageCost:
    microseconds: float
    statements: int


def page_cost(directory: Path) -> PageCost:
    """One ``kapa_handoff_script()`` within a request, the median of several runs, and its SQL statements."""
    os.environ[DIRECTORY] = str(directory)
    application = submit("external")
    helper = application.jinja_env.globals["kapa_handoff_script"]
    assert callable(helper)
    with application.test_request_context("/"), counted_statements() as statements:
        helper()
        times = timeit.repeat(helper, timer=time.process_time, number=2000, repeat=7)
    return PageCost(statistics.median(times) / 2000 * 1_000_000, len(statements))


@dataclass
class SubmitCost:
    statements: int
    written: list[str]


def submit_cost(directory: Path) -> SubmitCost:
    """The SQL statements of one submit, and the tables that it writes to."""
    os.environ[DIRECTORY] = str(directory)
    application = submit("external")
    fill(application, 1, CONVERSATION_BYTES)
    with counted_statements() as statements:
        fill(application, 1, CONVERSATION_BYTES)
    written = [_WRITTEN.search(statement.text) for statement in statements]
    return SubmitCost(len(statements), [found[1] for found in written if found])


def import_milliseconds(directory: Path, runs: int) -> float:
    """``import flask_kapa_handoff`` in a new process that has already imported flask and sqlalchemy; the median."""
    times = [float(_python(directory, _IMPORT)) for _ in range(runs + 1)]
    return statistics.median(times[1:])  # the first run wrote the bytecode


def imported_late(directory: Path) -> dict[str, bool]:
    """For each heavy module, whether importing the package avoids importing it."""
    loaded = _python(directory, "import sys, flask, sqlalchemy, flask_kapa_handoff; print(*sys.modules)").split()
    return {name: name not in loaded for name in _LATE}


def _python(directory: Path, program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(directory / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    ).stdout


def zipped_bytes(name: str) -> int:
    """The size of one of the package's static files after ``gzip -9``."""
    content = (ROOT / "flask_kapa_handoff" / "static" / name).read_bytes()
    return len(gzip.compress(content, 9, mtime=0))
