"""The tables with their indexes, which only migrations read.

Apart from the tables, since a partial index makes SQLAlchemy load each dialect that it names: on a site with SQLite,
loading PostgreSQL's would take a tenth of the start.
"""

from __future__ import annotations

from sqlalchemy import Index, or_

from .tables import answer, arrival, delivery_attempt, metadata, ticket

__all__ = ["metadata"]

# With the id, since a whole queue may be due at the same moment; with queued_at, so that the age of a queue can be
# read from the index alone.
Index(None, ticket.c.status, ticket.c.next_attempt_at, ticket.c.id, ticket.c.queued_at)
Index(None, ticket.c.email_key, ticket.c.created_at)
Index(None, ticket.c.thread_id, ticket.c.created_at)
# With the size, so that a submit reads the use of its quotas from the index alone.
Index(None, ticket.c.created_at, ticket.c.size)
for column in (ticket.c.client_key, ticket.c.network_key, ticket.c.wide_network_key, ticket.c.mailbox_key):
    Index(None, column, ticket.c.created_at, ticket.c.size)
Index(None, ticket.c.offer_id, unique=True)
# Partial indexes cost a submit nothing. The first finds old tickets; without the second, each deletion of a ticket
# would scan the whole table. The third finds due reminders.
for column in (ticket.c.delivered_at, ticket.c.follows, ticket.c.remind_at):
    where = column.is_not(None)
    Index(None, column, sqlite_where=where, postgresql_where=where)
# With the id, by which the list is ordered: a page of any filter is read from one of these alone.
for column in (ticket.c.status, ticket.c.desk, ticket.c.triggers, ticket.c.locale):
    Index(None, column, ticket.c.id)
# The attempts of which nobody knows whether they delivered the ticket.
uncertain = or_(delivery_attempt.c.outcome.is_(None), delivery_attempt.c.outcome == "unknown")
Index(
    f"ix_{delivery_attempt.name}_uncertain",
    delivery_attempt.c.ticket_id,
    delivery_attempt.c.number,
    sqlite_where=uncertain,
    postgresql_where=uncertain,
)
# With all that the insights count, so that they are read from the index alone, in its order.
answers = answer.c
Index(None, answers.day, answers.desk, answers.triggers, answers.offered, answers.opened, answers.cancelled)
Index(None, answers.answered_at, answers.desk)
Index(None, answers.page, answers.day)
Index(None, arrival.c.desk, arrival.c.confirmed_at)
