"""``deliver``, ``worker``, ``retry``: send tickets."""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter

import click

from ..config_values import parse_recipients
from ..delivery import outbox, requeue
from ..delivery.engines.threads import DeliveryThreads
from ..desk_directory import Desks, read_desks
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
    paused: set[str] = set()
    try:
        # Without the tickets of a channel that cannot be reached, since each attempt may take long.
        while ticket := reachable(courier.deliver_next):
            ended[ticket.status] += 1
            paused |= courier.paused_channels
    finally:
        courier.close()
    reachable(state.database.checkpoint)
    state.housekeeping.is_due_now()
    reachable(state.housekeeping.do_all, TIDY_SECONDS)
    delivered, delayed, failed = (ended[status] for status in (Status.DELIVERED, Status.QUEUED, Status.FAILED))
    click.echo(f"{delivered} delivered, {delayed} waiting, {failed} failed.")
    if suppressed := ended[Status.SUPPRESSED]:
        click.echo(f"{suppressed} not sent: sending is turned off on this site (MAIL_SUPPRESS_SEND).")
    for name in sorted(paused):
        other_side = state.label_of_channel(name) or "The mail server"
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
@click.option(
    "--suppressed", "status", flag_value="suppressed", help="All tickets that MAIL_SUPPRESS_SEND kept, oldest first."
)
@click.option("--to", metavar="ADDRESS", help="Send to this address instead of the desk's own.")
def retry(reference: str | None, status: str | None, to: str | None) -> None:
    """Send the ticket REFERENCE again, whether it failed, is held, was not sent, or is waiting.

    It goes to the address that its desk has now.
    """
    if (status is None) is (reference is None):
        raise click.UsageError("Give a REFERENCE, or one of --failed, --held and --suppressed for all of them.")
    state = current_state()
    address = None if to is None else _addresses(state, to)
    desks = reachable(_desks, state)
    if reference is None:
        count = reachable(requeue.send_all_again, state.database, Status(status), address, of_desks=desks.recipients)
        click.echo(f"{count} {status} ticket{'s are' if count != 1 else ' is'} due now.")
        return
    ticket = reachable(requeue.send_again, state.database, reference.upper(), address, of_desks=desks.recipients)
    if ticket is None:
        raise click.ClickException(reachable(_not_found, state, reference.upper()))
    if ticket.status is not Status.QUEUED:
        raise click.ClickException(
            f"Ticket {ticket.reference} is {ticket.status}; only tickets that are failed, held, suppressed or waiting "
            "can be retried."
        )
    click.echo(f"Ticket {ticket.reference} is due now.")
    if to is None and ticket.desk not in desks.present:
        click.echo(f"There is no desk {ticket.desk!r} any more, so it goes to {ticket.recipient}; --to changes that.")


def _not_found(state: State, reference: str) -> str:
    with state.database.read() as connection:
        row = find_row(connection, ticket_table.c.reference == reference)
    return (
        f"Ticket {reference} is damaged. {row.what}"
        if isinstance(row, DamagedRow)
        else f"There is no ticket {reference}."
    )


def _desks(state: State) -> Desks:
    with state.database.read() as connection:
        return read_desks(connection, state.config)


def _addresses(state: State, text: str) -> str:
    if "email" in state.config.pinned:
        raise click.BadParameter("KAPA_HANDOFF_PINNED says where all tickets go.", param_hint="--to")
    try:
        return parse_recipients(text, state.config.special_domains)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from None
