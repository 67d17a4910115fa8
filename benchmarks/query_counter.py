"""Counts and times SQL statements where SQLAlchemy passes them to the driver."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect


@dataclass
class Statement:
    text: str
    seconds: float


@contextmanager
def counted_statements() -> Iterator[list[Statement]]:
    """Every statement of this process while the ``with`` block runs, commits included."""
    statements: list[Statement] = []
    began = 0.0

    def before(*arguments: Any) -> None:
        nonlocal began
        began = time.perf_counter()

    def after(connection: Any, cursor: Any, text: str, *arguments: Any) -> None:
        statements.append(Statement(text, time.perf_counter() - began))

    def commit(dialect: Any, connection: Any) -> None:
        started = time.perf_counter()
        plain_commit(dialect, connection)  # type: ignore[no-untyped-call]
        statements.append(Statement("COMMIT", time.perf_counter() - started))

    plain_commit = DefaultDialect.do_commit
    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    DefaultDialect.do_commit = commit  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        DefaultDialect.do_commit = plain_commit  # type: ignore[method-assign]
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)
