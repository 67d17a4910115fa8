"""``tickets``, ``export``, ``purge``, ``erase``: what is kept, and for how long."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime, timezone
from typing import Any

import click

from ..desk_directory import Desks, read_desks
from ..email_address import parse_email
from ..fields import labelled
from ..state import State, current_state
from ..storage.answers import delete_outdated_answers
from ..storage.attachments import Attachment, delete_outdated_files, file_of_ticket
from ..storage.export import HIDDEN, as_json, export_page, record_as_json, row_as_json, settings_changes_of
from ..storage.reading import DamagedRow
from ..storage.removal import delete_outdated, erase_from_history, erase_visitor, references_of_visitor
from ..storage.search import Forgetting
from ..storage.tickets import Ticket, before_time, latest_rows
from ..text import one_line, visible
from .group import group, reachable

MOST_SHOWN = 60
"""How many characters of a field the list of tickets shows."""

LOG_PATIENCE = 10.0
"""Seconds for which a command keeps trying to empty the database's log."""


class _Since(click.DateTime):
    """A date, maybe with a time, and messages that people can read."""

    name = "date"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])

    def get_metavar(self, *parameter: Any, **context: Any) -> str:  # each click has its own arguments
        return "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not allowed; use a date such as 2026-01-31 or 2026-01-31T14:30:00.", param, ctx)


@group.command("tickets")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (JSON Lines).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Show this many at most.")
def tickets(as_json: bool, limit: int) -> None:
    """List the latest tickets, newest first."""
    from ..admin.labels import status  # brings the admin's pages, which no other command needs

    def read() -> list[Ticket | DamagedRow]:
        with current_state().database.read() as connection:
            return latest_rows(connection, limit=limit)

    found = reachable(read)
    site_fields = current_state().config.fields
    for ticket in found:
        if as_json:
            _echo_json(row_as_json(ticket))
        elif isinstance(ticket, DamagedRow):
            click.echo(f"{ticket.reference or '(unreadable)'}  damaged: {ticket.what}")
        else:
            said = "; ".join(f"{label}: {_shortened(text)}" for label, text in labelled(site_fields, ticket.fields))
            click.echo(
                f"{ticket.reference}  {ticket.created_at:%Y-%m-%d %H:%M}  {status(ticket.status).lower():9}  "
                f"{ticket.visitor_email}  {visible(ticket.subject)}"
                + (f"  ({said})" if said else "")
                + (f"  [{ticket.flag}]" if ticket.flag else "")
            )
    if not found and not as_json:
        click.echo("There are no tickets yet.")


@group.command("export")
@click.option("--since", type=_Since(), help="Only tickets from this time on (UTC), such as 2026-01-31.")
@click.option("--email", metavar="ADDRESS", help="Only what is kept about this person.")
def export(since: datetime | None, email: str | None) -> None:
    """Print all tickets with their conversations, oldest first, one JSON object a line (JSON Lines).

    With --email, attached files are included in base64; without it, only their names.
    """
    database = current_state().database
    address = None if email is None else _address(email, "--email")
    hidden = HIDDEN if address is None else ()
    after = None if since is None else before_time(since.replace(tzinfo=timezone.utc))
    # One page at a time, printed while no connection is in use, since the reading program may be slow.
    while page := reachable(export_page, database, after, address):
        for record in page:
            told = record_as_json(record, hidden)
            if address is not None:
                told["attachments"] = [_file_as_json(record.ticket.id, one) for one in record.attachments]
            _echo_json(told)
        after = page[-1].ticket.id
    if address is not None:
        for change in reachable(settings_changes_of, database, address):
            _echo_json({"settings_change": as_json(change)})


@group.command("purge")
def purge() -> None:
    """Delete tickets that were delivered, failed or not sent more than KAPA_HANDOFF_RETENTION_DAYS ago.

    Answer records older than KAPA_HANDOFF_STATISTICS_DAYS are deleted, too.
    """
    state = current_state()
    while reachable(delete_outdated_answers, state.database, state.config.statistics_days):
        pass
    days = state.config.retention_days
    if days is None:
        raise click.ClickException("KAPA_HANDOFF_RETENTION_DAYS is not set, so nothing is deleted.")
    count, _files = 0, reachable(delete_outdated_files, state.database)
    while deleted := reachable(delete_outdated, state.database, days):
        count += deleted
    click.echo(f"{_counted(count, 'ticket')} older than {days} days {_was_or_were(count)} deleted.")
    _empty_log(state)


@group.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def erase(email: str, yes: bool) -> None:
    """Delete everything about the person with the address EMAIL.

    That is every ticket, whatever its state, with its conversation and delivery attempts, and the address in the
    history of the settings.
    """
    state = current_state()
    database, address = state.database, _address(email, "EMAIL")
    found = reachable(references_of_visitor, database, address)
    changes = reachable(settings_changes_of, database, address)
    if not found:
        click.echo(f"There are no tickets from {address}.")
    if (found or changes) and not yes:
        what = [f"{_counted(len(found), 'ticket')} from {address} ({', '.join(found)})"] if found else []
        what += [f"the address in {_counted(len(changes), 'change')} of the settings"] if changes else []
        click.confirm(f"Delete {' and '.join(what)}?", abort=True)
    erased = reachable(erase_visitor, database, address)
    if erased.references:
        click.echo(
            f"{_counted(len(erased.references), 'ticket')} ({', '.join(erased.references)}) with "
            f"{_counted(erased.attempts, 'delivery attempt')} {_was_or_were(len(erased.references))} deleted."
        )
    if erased.being_sent:
        click.echo(f"These were being sent, so their mail may still arrive: {', '.join(erased.being_sent)}")
    if changes:
        _erase_from_history(state, address)
    _empty_log(state)


def _erase_from_history(state: State, address: str) -> None:
    def desks() -> Desks:
        with state.database.read() as connection:
            return read_desks(connection, state.config)

    is_destination = reachable(desks).go_to(address)
    count = reachable(erase_from_history, state.database, address, keep_as_destination=is_destination).changes
    if count:
        click.echo(f"The address was removed from {_counted(count, 'change')} of the settings.")
    if is_destination:
        click.echo(f"Tickets go to {address}, so it stays in the settings and their history as the destination.")


def _empty_log(state: State) -> None:
    """SQLite's log contains what was deleted until it is emptied, which takes until current readers have finished."""
    forgetting = Forgetting()
    while reachable(forgetting.do_some, state.database):
        pass
    if reachable(state.database.empty_log, LOG_PATIENCE):
        return
    sooner = (
        "Run this command again"
        if not state.delivery.empties_log
        else ("The processes that deliver empty it within an hour after that. To do it sooner, run this command again")
    )
    raise click.ClickException(
        "What was deleted is no longer in the database, but still in the log beside it (its name ends in -wal), which "
        f"another process, such as a backup, is reading. {sooner} when that process has ended."
    )


def _address(text: str, parameter: str) -> str:
    try:
        return parse_email(text, current_state().config.special_domains)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=parameter) from None


def _shortened(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= MOST_SHOWN else line[: MOST_SHOWN - 1].rstrip() + "…"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _was_or_were(count: int) -> str:
    return "was" if count == 1 else "were"


def _file_as_json(ticket_id: Any, file: Attachment) -> dict[str, Any]:
    """A file as JSON with its content in base64, for the person who sent it; one file at a time."""

    def read() -> Attachment | None:
        with current_state().database.read() as connection:
            return file_of_ticket(connection, ticket_id, file.id)

    found = reachable(read)
    content = {} if found is None else {"content": b64encode(found.content).decode("ascii")}
    return {**file.as_json(), **content}


def _echo_json(document: dict[str, Any]) -> None:
    # As bytes: JSON is UTF-8, whatever the terminal's encoding.
    click.echo(json.dumps(document, ensure_ascii=False).encode())
