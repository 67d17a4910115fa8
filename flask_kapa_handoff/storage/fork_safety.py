"""Forks: what a child must not inherit of a database, and how a fork waits for those who use one."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from weakref import ref

from . import BUSY_TIMEOUT

if TYPE_CHECKING:
    from .engine import Database

_logger = logging.getLogger(__name__)
_databases: list[ref[Database]] = []


def enroll(database: Database) -> None:
    """Let forks heed a database for as long as it is there."""
    _databases.append(ref(database, _databases.remove))


def _enrolled() -> list[Database]:
    found = [one() for one in _databases.copy()]
    return [database for database in found if database is not None]


class Users:
    """The threads that use connections at the moment: a fork waits for them, and they wait for a fork."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._uses: Counter[int] = Counter()
        self._forking: set[int] = set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Let no fork come in between, as long as it is willing to wait."""
        thread = threading.get_ident()
        with self._changed:
            # Whoever is inside already gets through: the fork waits for that thread.
            self._changed.wait_for(lambda: not self._forking or thread in self._uses, 2 * BUSY_TIMEOUT)
            self._uses[thread] += 1
        try:
            yield
        finally:
            with self._changed:
                self._uses[thread] -= 1
                if not self._uses[thread]:
                    del self._uses[thread]
                self._changed.notify_all()

    def keep_out(self, seconds: float) -> bool:
        """Let nobody begin, and wait for the others to end.

        Returns:
            Whether nobody is inside, the thread that forks included.
        """
        own = threading.get_ident()
        with self._changed:
            self._forking.add(own)
            self._changed.wait_for(lambda: self._uses.keys() <= {own}, seconds)
            return not self._uses

    def let_in(self) -> None:
        """The fork is over."""
        with self._changed:
            self._forking.discard(threading.get_ident())
            self._changed.notify_all()


class _Fork(threading.local):
    def __init__(self) -> None:
        self.held = ExitStack()
        self.all_unused = True


_fork = _Fork()


def _before() -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT
    _fork.all_unused = True
    for database in _enrolled():
        if not database.hold_still(_fork.held, lambda: max(0.0, deadline - time.monotonic())):
            _fork.all_unused = False


def _after_in_parent() -> None:
    _fork.held.close()
    if not _fork.all_unused:  # now that nothing is held: whoever writes the log may use the database
        _logger.warning(
            "The process has forked while it used the handoff database: the child's tickets are safe only as long as "
            "this process keeps the database open."
        )


def _after_in_child() -> None:
    # New locks: the threads that hold the old ones are not there to release them.
    _fork.held.pop_all()
    for database in _enrolled():
        database.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
