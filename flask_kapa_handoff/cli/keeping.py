"""``tickets``, ``export``, ``purge``, ``erase``: what is kept, and for how long."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import click

from ..config import parse_email
from ..state import current_state
from ..storage.engine import now
from ..storage.export import ENTIRE_HISTORY, before_time, export_page
from ..storage.records import Ticket, latest_tickets
from ..storage.removal import delete_delivered, erase_visitor, references_of_visitor
from .group import group, reachable

_HIDDEN = (
    "content_digest",
    "client_key",
    "email_key",
    "mailbox_key",
    "network_key",
    "offer_id",
    "submission_id",
    "wide_network_key",
)


@group.command("tickets")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (JSON Lines).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
def tickets(as_json: bool, limit: int) -> None:
    """List the latest tickets, newest first."""

    def read() -> list[Ticket]:
        with current_state().database.read() as connection:
            return latest_tickets(connection, limit=limit)

    found = reachable(read)
    for ticket in found:
        if as_json:
            _echo_json(_as_json(ticket))
        else:
            click.echo(
                f"{ticket.reference}  {ticket.created_at:%Y-%m-%d %H:%M}  {ticket.status:9}  "
                f"{ticket.visitor_email}  {ticket.subject}" + (f"  [{ticket.flag}]" if ticket.flag else "")
            )
    if not found and not as_json:
        click.echo("There are no tickets yet.")


@group.command("export")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="From this time on, UTC.")
def export(since: datetime | None) -> None:
    """Print all tickets with their conversations, oldest first, one JSON object a line (JSON Lines)."""
    database = current_state().database
    after = ENTIRE_HISTORY if since is None else before_time(since.replace(tzinfo=timezone.utc))
    # A page at a time, and printed while no connection is in use: whoever reads this may take their time.
    while page := reachable(export_page, database, after):
        for record in page:
            attempts = [_as_json(attempt) for attempt in record.attempts]
            _echo_json(_as_json(record.ticket) | {"conversation": record.conversation, "delivery_attempts": attempts})
        after = page[-1].ticket.id


@group.command("purge")
def purge() -> None:
    """Delete delivered tickets that are older than KAPA_HANDOFF_RETENTION_DAYS."""
    state = current_state()
    days = state.config.retention_days
    if days is None:
        raise click.ClickException("KAPA_HANDOFF_RETENTION_DAYS is not set, so nothing is deleted.")

    def delete() -> int:
        with state.database.read() as connection:
            before = now(connection) - timedelta(days=days)
        return delete_delivered(state.database, before=before)

    count = reachable(delete)
    click.echo(f"{_counted(count, 'delivered ticket')} older than {days} days {_were(count)} deleted.")


@group.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, yes: bool) -> None:
    """Delete every ticket of the visitor EMAIL, whatever its state, with conversation and delivery attempts."""
    database = current_state().database
    try:
        address = parse_email(email)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="EMAIL") from None
    found = reachable(references_of_visitor, database, address)
    if not found:
        click.echo(f"There are no tickets of {address}.")
        return
    if not yes:
        click.confirm(f"Delete {_counted(len(found), 'ticket')} of {address} ({', '.join(found)})?", abort=True)
    erased = reachable(erase_visitor, database, address)
    click.echo(
        f"{_counted(len(erased.references), 'ticket')} ({', '.join(erased.references)}) with "
        f"{_counted(erased.attempts, 'delivery attempt')} {_were(len(erased.references))} deleted."
    )
    if erased.being_sent:
        click.echo(f"Being sent at that moment, the mail may still arrive: {', '.join(erased.being_sent)}")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _as_json(record: Any) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
        for name, value in vars(record).items()
        if name not in _HIDDEN
    }


def _echo_json(document: dict[str, Any]) -> None:
    # As bytes: JSON is UTF-8, whatever the terminal's own encoding.
    click.echo(json.dumps(document, ensure_ascii=False).encode())
