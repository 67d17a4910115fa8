"""The latest answers of a desk, for the simulation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ..storage.answers import hour_of
from ..storage.tables import answer, answer_without_ids
from ..triggers import Facts, Rules
from .simulation import Group, Simulation, simulate

LATEST = 1_000
"""How many answers a simulation looks at."""

_columns, _hours = answer.c, answer_without_ids.c
_KNOWN = (_columns.pairs, _columns.uncertain, _columns.downvoted, _columns.stopped, _columns.asked_for_human)
_LATEST = (
    select(_columns.answered_at, *_KNOWN, _columns.sent)
    .where(_columns.desk == bindparam("desk"))
    .order_by(_columns.answered_at.desc())
    .limit(bindparam("limit"))
    .subquery()
)
_FACTS = [_LATEST.c[column.name] for column in (*_KNOWN, _columns.sent)]
_GROUPS = select(*_FACTS, func.count(), func.min(_LATEST.c.answered_at)).group_by(*_FACTS)
_WITHOUT_IDS = select(func.sum(_hours.count)).where(_hours.desk == bindparam("desk"))


def simulate_latest(connection: Connection, desk: str, rules: Rules, *, limit: int = LATEST) -> Simulation:
    """What settings would have done with the latest answers of a desk.

    Arguments:
        rules: the settings, which need not be saved.
        limit: how many answers to look at, at most.
    """
    groups, times = [], []
    rows: Any = connection.execute(_GROUPS, {"desk": desk, "limit": limit})
    for pairs, uncertain, downvoted, stopped, human, sent, count, earliest in rows:
        known = Facts(pairs if isinstance(pairs, int) else 1, uncertain, downvoted, stopped, bool(human))
        groups.append(Group(known, human is not None, sent, count))
        times.append(earliest)
    query = _WITHOUT_IDS.where(_hours.hour >= hour_of(min(times))) if times else _WITHOUT_IDS
    without_ids = connection.execute(query, {"desk": desk}).scalar()
    return simulate(groups, rules, without_ids=int(without_ids or 0))
