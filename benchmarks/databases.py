"""The databases of a benchmark: SQLite in a directory, and a PostgreSQL of its own, as the tests start it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

NAMES = ("SQLite", "PostgreSQL")


def each_database(names: tuple[str, ...] = NAMES) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """The name of each kind, with a function that returns the address of a new database; None: the site's own file."""
    for name in names:
        with ExitStack() as stack:
            if name == "SQLite":
                yield name, lambda: None
                continue
            from tests.helpers.postgres import running

            yield name, stack.enter_context(running()).new_database
