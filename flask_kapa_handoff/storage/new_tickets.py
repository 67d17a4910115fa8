"""Names a new ticket and stores it."""

from __future__ import annotations

import os
import secrets
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from .prepared import PreparedInsert
from .tables import ticket as ticket_table
from .tables import transcript
from .tickets import Ticket

REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without digits and letters that are confused when read aloud or written by hand."""

# Built once: building a statement takes SQLAlchemy several times longer than SQLite takes to run it.
WITH_REFERENCE = select(ticket_table.c.id).where(ticket_table.c.reference == bindparam("reference"))
"""The ticket that already has the parameter ``reference``."""

_INSERT_TICKET = PreparedInsert(ticket_table, [field.name for field in fields(Ticket)])
_INSERT_TRANSCRIPT = PreparedInsert(transcript, ["ticket_id", "conversation"])


def new_reference() -> str:
    """A reference, which some other ticket may have."""
    return "T-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(6))


def free_reference(connection: Connection) -> str:
    """A reference that no other ticket has."""
    reference = new_reference()
    while connection.execute(WITH_REFERENCE, {"reference": reference}).first() is not None:
        reference = new_reference()
    return reference


def new_id(moment: datetime) -> UUID:
    """The id of a ticket that is stored at this moment."""
    # RFC 9562, 5.7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits.
    milliseconds = int(moment.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def store_ticket(connection: Connection, ticket: Ticket, conversation: str) -> None:
    """Add a ticket and its conversation, which is JSON."""
    _INSERT_TICKET.execute(connection, vars(ticket))
    _INSERT_TRANSCRIPT.execute(connection, {"ticket_id": ticket.id, "conversation": conversation})
