"""Delivery by Celery: a task for each ticket, and a sweep for what the broker loses.

A message contains only a ticket's reference, and is only a wake-up call: the ticket's row says whether there is
anything to do. So a lost message means waiting for the sweep, and a duplicate finds nothing due.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401  here, since brokers' libraries do, which fails while a process ends
import contextlib
import logging
import time
from typing import Any
from weakref import WeakSet

from celery import Celery
from celery.signals import beat_init
from flask import Flask

from ...errors import ConfigurationError, Unavailable
from ...lazy_text import lazy_gettext as _
from ..courier import Courier
from ..mailroom import Mailroom
from ..outbox import LEASE_MARGIN
from .celery_publisher import FLUSH_SECONDS, Publisher
from .engine import DeliveryEngine

DELIVER = "kapa_handoff.deliver"
SWEEP = "kapa_handoff.sweep"

ANY = ""
"""No ticket's reference: the task takes whatever is due."""

BATCH_SECONDS = 20.0
"""Seconds for which a task keeps taking tickets: many over one connection, without blocking the site's own tasks."""

BEAT_ENTRY = "kapa-handoff-sweep"
SWEEP_SECONDS = 60.0
SWEEP_EXPIRES = 300.0
"""Seconds after which a sweep that no worker has started is dropped; enough for clocks that differ by minutes."""

BROKER_TIMEOUT = 5.0
"""Time limit in seconds for connecting, and for one reply of Redis, which has no limit by default."""

_logger = logging.getLogger(__name__)
_with_tasks: WeakSet[Celery] = WeakSet()


class CeleryEngine(DeliveryEngine):
    """Publishes a task for each ticket; the site's Celery workers deliver."""

    who_sends = "Celery workers send tickets."
    when_overdue = _(
        "Check that a Celery worker and beat are running. To send what waits: `flask kapa-handoff deliver`"
    )

    def prepare(self) -> None:
        """Register the tasks on the site's Celery app, and create their publisher. Connects to nothing.

        Raises:
            ConfigurationError: ``app.extensions["celery"]`` is not a Celery app, or belongs to another Flask app.
        """
        celery_app = _celery_app_of(self._mailroom.app)
        deliver = _register_tasks(celery_app, self._mailroom)
        self._publisher = Publisher(lambda: _BrokerLine(self._mailroom.app, celery_app, deliver))

    def ticket_stored(self, reference: str) -> None:
        self._publisher.publish(reference)

    def tickets_due(self) -> None:
        self._publisher.publish(ANY)

    def stop(self, timeout: float = FLUSH_SECONDS) -> None:
        """Publish what waits, then end.

        Arguments:
            timeout: seconds after which the rest is left to the sweep.
        """
        self._publisher.stop(timeout)


def _celery_app_of(app: Flask) -> Celery:
    celery_app = app.extensions.get("celery")
    if not isinstance(celery_app, Celery):
        found = "there is none" if celery_app is None else f"a {type(celery_app).__name__} is there"
        raise ConfigurationError(
            "KAPA_HANDOFF_DELIVERY: 'celery' needs the site's Celery app as app.extensions[\"celery\"], and "
            f"{found}; put it there before KapaHandoff is set up, as Flask's documentation does in "
            '"Background Tasks with Celery"'
        )
    if celery_app in _with_tasks:
        raise ConfigurationError(
            'KAPA_HANDOFF_DELIVERY: the Celery app in app.extensions["celery"] delivers another Flask app\'s tickets '
            "already; make a Celery app for each Flask app"
        )
    _with_tasks.add(celery_app)
    return celery_app


def _register_tasks(celery_app: Celery, mailroom: Mailroom) -> Any:
    # The site's own time limits are for its own tasks: a limit that ends a task during a mail would lead to a second
    # copy.
    limit = 3 * BATCH_SECONDS + mailroom.config.smtp_timeout + 3 * LEASE_MARGIN.total_seconds()
    # Not shared: Celery would also register it on every other Celery app of the process, in place of that app's own.
    options = {"shared": False, "ignore_result": True, "time_limit": limit, "soft_time_limit": limit}

    def deliver(reference: str) -> None:
        _deliver_due(mailroom, reference)

    def sweep() -> None:
        _deliver_due(mailroom, tidy_up=True)

    celery_app.task(sweep, name=SWEEP, **options)
    return celery_app.task(deliver, name=DELIVER, **options)


def _add_to_schedule(sender: Any, **arguments: Any) -> None:
    # Only when beat starts, since a site may replace its schedule at any time. An entry with this name is the site's
    # own.
    if sender.app in _with_tasks and BEAT_ENTRY not in sender.app.conf.beat_schedule:
        entry = {"task": SWEEP, "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_EXPIRES}}
        sender.scheduler.update_from_dict({BEAT_ENTRY: entry})


beat_init.connect(_add_to_schedule, weak=False)


def _deliver_due(mailroom: Mailroom, reference: str | None = None, *, tidy_up: bool = False) -> None:
    """Deliver this ticket, then others that are due, over one connection; the next task continues."""
    courier = Courier(mailroom)
    until = time.monotonic() + BATCH_SECONDS
    try:
        if reference is not None:
            courier.deliver_next(reference)
        while time.monotonic() < until and courier.deliver_next():
            pass
        mailroom.database.checkpoint()
        if tidy_up:
            mailroom.housekeeping.do_all(BATCH_SECONDS)
    except Unavailable:
        _record_accepted(courier)  # the database has logged why; the sweep will run again
    except Exception as error:
        # Not raised: Celery would log its text, which may contain an address.
        _logger.error("Delivery continues with the next task after an unexpected %s.", type(error).__name__)
    finally:
        courier.close()


def _record_accepted(courier: Courier) -> None:
    """Wait a while for the database if it has no record of a mail that was sent: it would be sent again."""
    until = time.monotonic() + BATCH_SECONDS
    while time.monotonic() < until:
        try:
            courier.record_accepted()
        except Unavailable:
            time.sleep(1.0)
        else:
            return


class _BrokerLine:
    """A connection of its own, not one from the Celery app's pool, which would be shared after a fork."""

    def __init__(self, app: Flask, celery_app: Celery, deliver: Any) -> None:
        self._app = app
        self._celery_app = celery_app
        self._deliver = deliver
        self._connection: Any = None

    def publish(self, reference: str) -> None:
        """Publish the task of one ticket."""
        if self._connection is not None:
            try:
                return self._send(self._connection, reference)
            except Exception:  # a broker that was restarted has closed it
                self.close()
        self._connection = self._open()
        try:
            self._send(self._connection, reference)
        except Exception:
            self.close()
            raise

    def _open(self) -> Any:
        connection = self._celery_app.connection_for_write()
        if connection.get_transport_cls().driver_type == "redis":
            for option in ("socket_timeout", "socket_connect_timeout"):
                connection.transport_options.setdefault(option, BROKER_TIMEOUT)
        # Try each of a site's brokers only once; kombu would retry for longer.
        connection.ensure_connection(max_retries=len(connection.alt), interval_start=0)
        return connection

    def _send(self, connection: Any, reference: str) -> None:
        with self._app.app_context():  # for a site's own Task class or signals
            self._deliver.apply_async((reference,), connection=connection, retry=False)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()
