"""``deliver``, ``worker``, ``retry``: send tickets."""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter

import click

from ..delivery import outbox, requeue
from ..delivery.engines.threads import DeliveryThreads
from ..settings import DEFAULT_DESK, current_settings
from ..state import State, current_state
from ..storage.reading import DamagedRow
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Status, find_row
from .group import group, reachable

TIDY_SECONDS = 20.0
"""The most seconds that `deliver` spends on deleting old tickets; the next run continues."""


@group.command("deliver")
def deliver() -> None:
    """Send everything that is due, once (for cron)."""
    from ..delivery.courier import Courier  # imports smtplib, which only a delivering process needs

    state = current_state()
    courier = Courier(state)
    ended: Counter[str] = Counter()
    try:
        # Stop if the server cannot be reached, since each attempt may take long.
        while not courier.pause and (ticket := reachable(courier.deliver_next)):
            ended[ticket.status] += 1
    finally:
        courier.close()
    reachable(state.database.checkpoint)
    state.housekeeping.is_due_now()
    reachable(state.housekeeping.do_all, TIDY_SECONDS)
    delivered, delayed, failed = (ended[status] for status in (Status.DELIVERED, Status.QUEUED, Status.FAILED))
    click.echo(f"{delivered} delivered, {delayed} waiting, {failed} failed.")
    if courier.pause:
        other_side = state.channel_label(DEFAULT_DESK) or "The mail server"
        click.echo(f"{other_side} could not be reached; the other tickets wait for the next run.")
    if failed:
        raise SystemExit(1)


@group.command("worker")
def worker() -> None:
    """Deliver tickets until stopped (SIGTERM or Ctrl-C), finishing the current one first."""
    state = current_state()
    reachable(outbox.seconds_until_due, state.database)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    threads = DeliveryThreads(state)
    threads.start(beside_visitors=False)
    click.echo(f"Delivering over up to {state.config.smtp_connections} connections. Press Ctrl-C to stop.")
    stopped.wait()
    click.echo("Stopping.")
    threads.stop(state.config.smtp_timeout)


@group.command("retry")
@click.argument("reference", required=False)
@click.option("--failed", "status", flag_value="failed", help="All failed tickets, oldest first.")
@click.option("--held", "status", flag_value="held", help="All held tickets, oldest first.")
def retry(reference: str | None, status: str | None) -> None:
    """Send the failed ticket REFERENCE again, release a held one, or try a waiting one now."""
    if (status is None) is (reference is None):
        raise click.UsageError("Give a REFERENCE, or use --failed or --held for all failed or held tickets.")
    state = current_state()
    recipient = reachable(_current_recipient, state)
    if reference is None:
        count = reachable(requeue.send_all_again, state.database, Status(status), recipient)
        click.echo(f"{count} {status} ticket{'s are' if count != 1 else ' is'} due now.")
        return
    ticket = reachable(requeue.send_again, state.database, reference.upper(), recipient)
    if ticket is None:
        raise click.ClickException(reachable(_not_found, state, reference.upper()))
    if ticket.status is not Status.QUEUED:
        raise click.ClickException(
            f"Ticket {ticket.reference} is {ticket.status}; only failed, held and waiting tickets can be retried."
        )
    click.echo(f"Ticket {ticket.reference} is due now.")


def _not_found(state: State, reference: str) -> str:
    with state.database.read() as connection:
        row = find_row(connection, ticket_table.c.reference == reference)
    return (
        f"Ticket {reference} is damaged. {row.what}"
        if isinstance(row, DamagedRow)
        else f"There is no ticket {reference}."
    )


def _current_recipient(state: State) -> str | None:
    with state.database.read() as connection:
        return current_settings(connection, state.config).email
