"""``flask kapa-handoff ...``: what a site's owner does from a shell or from cron."""

from __future__ import annotations

import json
import logging
import signal
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup

from .config import parse_email
from .delivery import outbox
from .doctor import Level, examine
from .errors import RequestProblem
from .settings import current_settings
from .state import current_state
from .storage.engine import now
from .storage.records import Status, Ticket, delete_delivered, latest_tickets

group = AppGroup("kapa-handoff", help="Tickets, their delivery, and the database.")
database_group = AppGroup("db", help="The handoff's tables.")
group.add_command(database_group)


@database_group.command("upgrade")
def upgrade() -> None:
    """Create the tables, or bring them to this version."""
    before, after = _reachable(current_state().database.upgrade)
    if before == after:
        click.echo(f"The tables are of version {after} already.")
    else:
        click.echo(f"The tables are now of version {after} (before: {before or 'none'}).")


@group.command("deliver")
def deliver() -> None:
    """Send what is due, once; for cron."""
    from .delivery.courier import Courier

    courier = Courier(_app(), current_state())
    ended: Counter[Status] = Counter()
    try:
        while ticket := _reachable(courier.deliver_next):
            ended[ticket.status] += 1
    finally:
        courier.close()
    delivered, delayed, failed = (ended[status] for status in (Status.DELIVERED, Status.QUEUED, Status.FAILED))
    click.echo(f"{delivered} delivered, {delayed} to be tried again, {failed} failed.")
    if failed:
        raise SystemExit(1)


@group.command("worker")
def worker() -> None:
    """Deliver until stopped (SIGTERM or Ctrl-C); the mail in hand is finished first."""
    state = current_state()
    _reachable(lambda: outbox.seconds_until_due(state.database))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    state.threads.start(beside_visitors=False)
    click.echo(f"Delivering over {state.config.smtp_connections} connections at most. Stop with Ctrl-C.")
    stopped.wait()
    click.echo("Stopping.")
    state.threads.stop(state.config.smtp_timeout)


@group.command("retry")
@click.argument("reference")
def retry(reference: str) -> None:
    """Queue the failed ticket REFERENCE again, or make a waiting one due now."""
    state = current_state()

    def send_again() -> Ticket | None:
        with state.database.read() as connection:
            recipient = current_settings(connection, state.config).email
        return outbox.send_again(state.database, reference.upper(), recipient)

    ticket = _reachable(send_again)
    if ticket is None:
        raise click.ClickException(f"There is no ticket {reference}.")
    if ticket.status is not Status.QUEUED:
        raise click.ClickException(
            f"Ticket {ticket.reference} is {ticket.status}; only failed and queued ones are retried."
        )
    click.echo(f"Ticket {ticket.reference} is due now.")


@group.command("tickets")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (JSON Lines).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
def tickets(as_json: bool, limit: int) -> None:
    """List the latest tickets, newest first."""

    def read() -> list[Ticket]:
        with current_state().database.read() as connection:
            return latest_tickets(connection, limit=limit)

    found = _reachable(read)
    for ticket in found:
        if as_json:
            click.echo(json.dumps(_ticket_as_json(ticket), ensure_ascii=False))
        else:
            click.echo(
                f"{ticket.reference}  {ticket.created_at:%Y-%m-%d %H:%M}  {ticket.status:9}  "
                f"{ticket.visitor_email}  {ticket.subject}"
            )
    if not found and not as_json:
        click.echo("There are no tickets yet.")


@group.command("purge")
def purge() -> None:
    """Delete delivered tickets that are older than KAPA_HANDOFF_RETENTION_DAYS."""
    state = current_state()
    days = state.config.retention_days
    if days is None:
        raise click.ClickException("KAPA_HANDOFF_RETENTION_DAYS is not set, so nothing is deleted.")

    def delete() -> int:
        with state.database.write() as connection:
            return delete_delivered(connection, before=now(connection) - timedelta(days=days))

    click.echo(f"{_reachable(delete)} delivered tickets older than {days} days were deleted.")


@group.command("test-mail")
@click.argument("address")
def test_mail(address: str) -> None:
    """Send a sample ticket to ADDRESS, now, and say what the mail server said."""
    from .delivery.sample import send_sample

    try:
        recipient = parse_email(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ADDRESS") from None
    tried = send_sample(current_state(), recipient)
    if tried.outcome in ("delayed", "refused"):
        raise click.ClickException(f"Not sent: {tried.reply}")
    click.echo(
        f"The mail server said: {tried.reply}" if tried.outcome == "accepted" else f"{tried.reply}.".capitalize()
    )


@group.command("doctor")
@click.option("--quiet", is_flag=True, help="Only what is not well; for cron.")
def doctor(quiet: bool) -> None:
    """Say what is wrong with this set-up, why it matters and how to mend it."""
    findings = examine(_app(), current_state())
    for finding in findings:
        if quiet and finding.level is Level.OK:
            continue
        click.echo(f"{finding.level.value:8} {finding.what}")
        if finding.level is not Level.OK:
            click.echo(f"{'':8} {finding.why}")
            click.echo(f"{'':8} -> {finding.remedy}")
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise SystemExit(1)


def _app() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]


def _reachable(work: Any) -> Any:
    """Do it; a database that cannot be used becomes a sentence instead of a traceback."""
    try:
        return work()
    except RequestProblem as problem:
        cause = f" ({problem.__cause__})" if problem.__cause__ else ""
        raise click.ClickException(f"The database cannot be used: {problem}{cause}") from None


def _ticket_as_json(ticket: Ticket) -> dict[str, Any]:
    hidden = ("content_digest", "client_key", "email_key", "submission_id")
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
        for name, value in vars(ticket).items()
        if name not in hidden
    }
