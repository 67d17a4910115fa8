"""Finds what is stored but cannot be used: names that another version wrote, and damaged rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import NoResultFound

from ..desk_settings import is_desk_name
from ..lazy_text import LazyText, lazy_join
from ..lazy_text import lazy_gettext as _
from ..lazy_text import lazy_ngettext as ngettext
from ..settings import history_rows
from ..storage.column_types import UNREADABLE
from ..storage.desks import read_desk
from ..storage.reading import Damaged, DamagedRow, read_conversation, read_json
from ..storage.tables import delivery_attempt, desk, ticket
from ..storage.tickets import Attempt, Outcome, Status, Ticket, conversation_as_stored
from ..translation import noop as N_
from ..triggers import read_triggers
from ..unknown import Unknown, read_name
from .finding import Finding, Level

LATEST = 1_000
"""How many of the latest tickets are looked at, and of those that wait or have failed."""

TRANSCRIPT_SECONDS = 2.0
"""Seconds for which their conversations are checked: each may have a megabyte."""

SHOWN = 10
"""How many things of one kind a finding names."""

REMEDY = _(
    "If a newer version of this package was installed before, install it again. Otherwise the database was changed or "
    "damaged: `flask kapa-handoff export` prints the rows as they are stored, and a backup may have them intact."
)


@dataclass
class Stored:
    """What was found.

    Arguments:
        unknown: what this version does not know, such as ``status "%(name)s"`` with its name, and how often it is
            stored.
        damaged: the rows that cannot be read, such as ``ticket T-7F3K2Q (created_at)``.
    """

    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    damaged: list[LazyText] = field(default_factory=list)


def look_at_stored(connection: Connection) -> Stored:
    """Check the settings and their history, the latest tickets, and those that are not delivered."""
    found = Stored()
    for row in connection.execute(select(desk)):
        if not is_desk_name(row.name):
            found.unknown[N_('desk "%(name)s"'), f"{Unknown(row.name):.60}"] += 1
        if unreadable := read_desk(row)[1]:
            what = _("settings of the desk %(name)s", name=format(Unknown(row.name), ".60"))
            found.damaged.append(_damaged(what, *unreadable))
        _count_triggers(found, row.triggers, N_('trigger "%(name)s" of the settings'))
    for change in history_rows(connection, limit=LATEST):
        if isinstance(change, DamagedRow):
            what = _("version %(version)s of the settings", version=str(change.values["version"]))
            found.damaged.append(_damaged(what, *change.damaged))
    for kind, message, column, names in (
        ("status", N_('status "%(name)s"'), ticket.c.status, Status),
        ("outcome", N_('outcome "%(name)s"'), delivery_attempt.c.outcome, Outcome),
    ):
        for name, number in connection.execute(select(column, func.count()).group_by(column)):
            if name is not None and isinstance(known := read_name(names, name, kind), Unknown):
                found.unknown[message, f"{known:.60}"] += number
    _look_at_tickets(found, connection)
    return found


def _look_at_tickets(found: Stored, connection: Connection) -> None:
    columns, until = ticket.c, time.monotonic() + TRANSCRIPT_SECONDS
    newest = select(ticket).order_by(columns.id.desc()).limit(LATEST)
    ended = columns.status == Status.DELIVERED
    waiting = select(ticket).where(~ended).order_by(columns.id.desc()).limit(LATEST)
    seen: set[Any] = set()
    for one in _tickets(connection, newest, waiting):
        if one.id in seen:
            continue
        seen.add(one.id)
        what = _("ticket %(reference)s", reference=one.reference or repr(one.id))
        if isinstance(one, DamagedRow):
            found.damaged.append(_damaged(what, *one.damaged))
            continue
        _count_triggers(found, one.triggers, N_('trigger "%(name)s" of tickets'))
        if one.missing_time is not None:
            found.damaged.append(_damaged(what, one.missing_time))
        if UNREADABLE in one.fields or UNREADABLE in one.context:
            found.damaged.append(_damaged(what, "fields"))
        if time.monotonic() < until and not _is_conversation_whole(connection, one):
            found.damaged.append(_damaged(what, "conversation"))
    attempts = select(delivery_attempt).order_by(delivery_attempt.c.id.desc()).limit(LATEST)
    for attempt in map(Attempt.from_row, connection.execute(attempts)):
        if isinstance(attempt, DamagedRow):
            found.damaged.append(_damaged(_("delivery attempt %(id)s", id=str(attempt.id)), *attempt.damaged))


def _damaged(what: LazyText, *columns: str) -> LazyText:
    return lazy_join(" ", (what, f"({', '.join(columns)})"))


def _tickets(connection: Connection, *queries: Select[Any]) -> Iterable[Ticket | DamagedRow]:
    for query in queries:
        yield from map(Ticket.from_row, connection.execute(query).all())


def _is_conversation_whole(connection: Connection, one: Ticket) -> bool:
    try:
        text = conversation_as_stored(connection, one)
        read_conversation(read_json(text))
    except (ValueError, NoResultFound):
        return False
    return not isinstance(text, Damaged)


def _count_triggers(found: Stored, names: Any, message: str) -> None:
    for name in read_triggers(names) if isinstance(names, str) and not isinstance(names, Damaged) else ():
        if isinstance(name, Unknown):
            found.unknown[message, f"{name:.60}"] += 1


def examine_stored(stored: Stored) -> list[Finding]:
    """One finding for everything that another version wrote or that is damaged; empty: all is well."""
    if not stored.unknown and not stored.damaged:
        return []
    unknown = _shortened(
        [
            ngettext("%(what)s, %(number)s time", "%(what)s, %(number)s times", number, what=_(message, name=name))
            for (message, name), number in stored.unknown.most_common()
        ]
    )
    damaged = _shortened(stored.damaged)
    if not stored.damaged:
        what = _("Some stored data cannot be used. Unknown to this version: %(unknown)s.", unknown=unknown)
    elif not stored.unknown:
        what = _("Some stored data cannot be used. Damaged: %(damaged)s.", damaged=damaged)
    else:
        what = _(
            "Some stored data cannot be used. Unknown to this version: %(unknown)s. Damaged: %(damaged)s.",
            unknown=unknown,
            damaged=damaged,
        )
    return [
        Finding(
            Level.WARNING,
            what,
            _(
                "It is kept and shown as unknown or damaged. Damaged tickets, and those with an unknown status, are "
                "not sent; unknown triggers show no button. For damaged settings, the site's configuration applies."
            ),
            REMEDY,
        )
    ]


def _shortened(items: list[LazyText]) -> LazyText:
    shown, more = lazy_join("; ", items[:SHOWN]), len(items) - SHOWN
    return _("%(items)s; and %(number)s more", items=shown, number=more) if more > 0 else shown
