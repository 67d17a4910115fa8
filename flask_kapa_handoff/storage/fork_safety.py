"""Makes forks safe: a fork waits for threads that use a database, and the child inherits no connection."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol
from weakref import ref

from . import BUSY_TIMEOUT


class ForkSafe(Protocol):
    """What a database must do for a fork."""

    def prepare_fork(self, held: ExitStack, remaining: Callable[[], float]) -> bool:
        """Wait for threads that use it, and close connections that the child would inherit.

        Arguments:
            held: receives the callbacks that undo this in the parent.
            remaining: returns the seconds for which the fork may still wait.

        Returns:
            Whether the child inherits no connection.
        """

    def renew_locks(self) -> None:
        """In the child, replace the locks, which threads of the parent may hold."""


_logger = logging.getLogger(__name__)
_databases: list[ref[ForkSafe]] = []


def enroll(database: ForkSafe) -> None:
    """Let forks wait for a database for as long as it exists."""
    _databases.append(ref(database, _databases.remove))


def _enrolled() -> list[ForkSafe]:
    found = [one() for one in _databases.copy()]
    return [database for database in found if database is not None]


class UsageCounter:
    """Counts the threads that use connections: a fork waits for them, and they wait for a fork."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._uses: Counter[int] = Counter()
        self._forking: set[int] = set()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Count this thread, so that a fork waits for it, up to the fork's time limit."""
        thread = threading.get_ident()
        with self._changed:
            # A thread that is already counted may enter again, since the fork waits for it.
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

    def block(self, seconds: float) -> bool:
        """Let no other thread begin, and wait for those that have begun.

        Arguments:
            seconds: the longest wait.

        Returns:
            Whether no thread uses a connection, including the one that forks.
        """
        own = threading.get_ident()
        with self._changed:
            self._forking.add(own)
            self._changed.wait_for(lambda: self._uses.keys() <= {own}, seconds)
            return not self._uses

    def unblock(self) -> None:
        """Let threads begin again, after the fork."""
        with self._changed:
            self._forking.discard(threading.get_ident())
            self._changed.notify_all()


class _Fork(threading.local):
    def __init__(self) -> None:
        self.held = ExitStack()
        self.all_unused = True


_fork = _Fork()


def _before_fork() -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT
    _fork.all_unused = True
    for database in _enrolled():
        if not database.prepare_fork(_fork.held, lambda: max(0.0, deadline - time.monotonic())):
            _fork.all_unused = False


def _after_in_parent() -> None:
    _fork.held.close()
    if not _fork.all_unused:  # only now that nothing is held, since a log handler may use the database
        _logger.warning(
            "The process has forked while it used the handoff database: the child's tickets are safe only as long as "
            "this process keeps the database open."
        )


def _after_in_child() -> None:
    # New locks, since the threads that hold the old ones do not exist here to release them.
    _fork.held.pop_all()
    for database in _enrolled():
        database.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
