"""What is downloaded: the tickets of the list as CSV or JSON Lines, the mail of a ticket, and its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from ..attachments import safe_name
from ..config_values import MAIL
from ..delivery.outcomes import Refused, TryLater
from ..state import current_state
from ..storage.attachments import file_of_ticket
from ..storage.export import HIDDEN, TicketRow, found_records, found_tickets, record_as_json
from ..storage.tables import ticket as ticket_table
from ..storage.tickets import Ticket, find_conversation, find_ticket
from ..translation import gettext as _
from .csv_cells import BYTE_ORDER_MARK, as_csv
from .ticket_pages import REFERENCE, no_such_ticket, not_found
from .ticket_query import searchable_criteria

COLUMNS = (
    "reference",
    "created_at",
    "status",
    "desk",
    "visitor_email",
    "visitor_name",
    "subject",
    "note",
    "page",
    "locale",
    "triggers",
    "pairs",
    "recipient",
    "attempts",
    "delivered_at",
    "last_error",
    "flag",
)
"""The columns of the CSV, named as in JSON; a column for each of the site's fields follows, and their context."""


def export_csv() -> ResponseReturnValue:
    """The tickets that the list shows, all pages of them, for spreadsheets; without conversations."""
    state = current_state()
    fields = [field.name for field in state.config.fields]
    pages = found_tickets(state.database, searchable_criteria(state))
    header = [*COLUMNS, *(f"fields.{name}" for name in fields), "context"]
    # The first page comes before the response, so that an unusable database is reported as on any page.
    rows = chain([next(pages)], pages)
    return _download(
        chain(
            [BYTE_ORDER_MARK + as_csv([header])],
            (as_csv([_cells(one, fields) for one in found]) for found in rows),
        ),
        "text/csv",
        "tickets.csv",
    )


def export_jsonl() -> ResponseReturnValue:
    """The same with everything that belongs to each ticket, one JSON object a line; as ``export`` prints it."""
    state = current_state()
    pages = found_records(state.database, searchable_criteria(state))
    records = chain([next(pages)], pages)
    lines = (
        "".join(f"{json.dumps(record_as_json(one, HIDDEN), ensure_ascii=False)}\n" for one in found)
        for found in records
    )
    return _download(lines, "application/jsonl", "tickets.jsonl")


def _download(parts: Iterator[str], mimetype: str, name: str) -> Response:
    return _as_file(Response(parts, mimetype=mimetype), name)


def _cells(one: TicketRow, fields: list[str]) -> list[Any]:
    values = vars(one) if isinstance(one, Ticket) else one.values
    said, context = ({**values[name]} if isinstance(values.get(name), dict) else {} for name in ("fields", "context"))
    return [
        *(values.get(name) for name in COLUMNS),
        *(said.get(name) for name in fields),
        json.dumps(context, ensure_ascii=False) if context else None,
    ]


def mail(reference: str) -> ResponseReturnValue:
    """Download the mail of a ticket as it would be sent now."""
    state = current_state()
    if not REFERENCE.fullmatch(reference):
        return no_such_ticket(reference)
    with state.database.read() as connection:
        found = find_ticket(connection, ticket_table.c.reference == reference)
        try:
            conversation = None if found is None else find_conversation(connection, found)
        except (ValueError, NoResultFound):
            return not_found(_("The conversation of this ticket is damaged, so there is no mail."))
    if found is None or conversation is None:
        return no_such_ticket(reference)
    if state.channel_of(found.desk) != MAIL:
        return not_found(_("This ticket does not go out by mail."))
    from ..delivery.mail.channel import MailChannel  # brings smtplib and more

    try:
        composed = MailChannel(state).compose(found, conversation)
    except (TryLater, Refused) as error:
        return not_found(_("The mail could not be composed: %(reason)s", reason=str(error)))
    return _as_file(Response(composed.data, mimetype="message/rfc822"), f"{reference}.eml")


def attachment(reference: str, file_id: str) -> ResponseReturnValue:
    """Download a file that a visitor attached; no browser shows it, whatever it holds."""
    try:
        wanted = UUID(file_id) if REFERENCE.fullmatch(reference) else None
    except ValueError:
        wanted = None
    if wanted is None:
        return not_found(_("There is no such file. It may have been deleted with its ticket."))
    with current_state().database.read() as connection:
        ticket_id = connection.execute(select(ticket_table.c.id).where(ticket_table.c.reference == reference)).scalar()
        found = None if ticket_id is None else file_of_ticket(connection, ticket_id, wanted)
    if found is None:
        return not_found(_("There is no such file. It may have been deleted with its ticket."))
    return _as_file(Response(found.content, mimetype="application/octet-stream"), safe_name(found.name))


def _as_file(response: Response, name: str) -> Response:
    """A response that a browser stores and never shows, whatever is in it."""
    plain = name.encode("ascii", "replace").decode("ascii").replace("?", "_")
    # RFC 6266, appendix D: a plain name for programs that do not know RFC 8187.
    response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
