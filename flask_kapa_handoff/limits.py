"""How much of each quota the last hour's tickets have used: part of a submit's one query; a refusal adds another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, or_, select, true

from .config import Config
from .desk_settings import DeskSettings
from .errors import RateLimited
from .quotas import QUOTAS, UNHELD, WINDOW, Keys, Quota, Usage
from .storage.tables import ticket as ticket_table
from .storage.tickets import before_time

MANY = 500
"""From so many tickets in the hour, a process does not count all of them again for each further one."""

KNOWN_FOR = timedelta(minutes=1)
"""How long it goes on from what it has counted."""

OVERLAP = timedelta(seconds=5)
"""What is counted twice, in case the database's clock is set back meanwhile."""

_columns = ticket_table.c


def _usage_columns(quota: Quota) -> list[Any]:
    since = "since" if quota.column else "site_since"
    recent = [_columns.created_at > bindparam(since, type_=_columns.created_at.type)]
    return recent if quota.column is None else [*recent, _columns[quota.column] == bindparam(quota.column)]


# Read from an index that includes the size, see storage/tables.py.
_USED = [
    select(func.count().label("tickets"), func.coalesce(func.sum(_columns.size), 0).label("octets"))
    .where(*_usage_columns(quota))
    .subquery(quota.column or "site")
    for quota in QUOTAS
]


def with_usage(query: Select[Any]) -> Select[Any]:
    """The same query with the use of each quota added to its one row; see :func:`parameters`."""
    everything = query.add_columns(*(column for used in _USED for column in (used.c.tickets, used.c.octets)))
    joined: Any = _USED[0]
    for used in _USED[1:]:
        joined = joined.join(used, true())
    return everything.select_from(joined)


USAGE = with_usage(select())
"""That query, for the use of each quota alone."""


def parameters(keys: Keys, moment: datetime) -> dict[str, Any]:
    """The parameters of that query.

    Arguments:
        moment: the current time.
    """
    return {**vars(keys), "since": moment - WINDOW, "site_since": moment - WINDOW}


def usage_of(row: Any) -> list[Usage]:
    """The use of each of :data:`QUOTAS`, from the row of that query."""
    numbers = [int(number) for number in row[-2 * len(QUOTAS) :]]
    return [Usage(*numbers[at : at + 2]) for at in range(0, len(numbers), 2)]


class SiteCount:
    """How many tickets the whole site has received, for sites that receive many: counted again once a minute.

    A ticket that comes later has a later time, and those of the last hour leave it. So what was counted a moment ago,
    and what has come since, are at least what is there now; if that fits, the number need not be known. If not, all
    are counted. Use it in transactions that are alone.
    """

    def __init__(self) -> None:
        self._counted: tuple[datetime, Usage] | None = None

    def parameters(self, config: Config, keys: Keys, moment: datetime) -> dict[str, Any]:
        """:func:`parameters`, for a query whose row :meth:`usage_of` gets."""
        known = self._counted
        if known is not None:
            at, used = known
            is_recent = at <= moment < at + KNOWN_FOR
            if not is_recent or used.tickets < MANY or UNHELD.exceeded(config, used, 0):
                self._counted = None
        since = {} if self._counted is None else {"site_since": self._counted[0] - OVERLAP}
        return {**parameters(keys, moment), **since}

    def usage_of(
        self, connection: Connection, config: Config, row: Any, keys: Keys, moment: datetime, size: int
    ) -> list[Usage]:
        """:func:`usage_of`; the site's use is exact unless one more ticket of this size fits in any case."""
        usage = usage_of(row)
        if self._counted is not None:
            before = self._counted[1]
            most = Usage(before.tickets + usage[-1].tickets, before.octets + usage[-1].octets)
            if not is_held(config, [most], size):
                if usage[-1].tickets > MANY:
                    self._counted = None
                return [*usage[:-1], most]
            usage = usage_of(connection.execute(USAGE, parameters(keys, moment)).one())
        self._counted = moment, usage[-1]
        return usage


def is_held(config: Config, usage: list[Usage], size: int) -> bool:
    """Whether the site has received so many tickets that one more of this size is held."""
    return UNHELD.exceeded(config, usage[-1], size) is not None


def is_desk_full(connection: Connection, settings: DeskSettings, moment: datetime, usage: list[Usage]) -> bool:
    """Whether a desk has received so many tickets that one more is held."""
    most = settings.tickets_per_hour
    if most is None or usage[-1].tickets < most:  # all desks together have not received so many
        return False
    # By their ids, which begin with the time: the desks' index has these.
    of_hour = select(_columns.id).where(_columns.desk == settings.desk, _columns.id > before_time(moment - WINDOW))
    count = select(func.count()).select_from(of_hour.limit(most).subquery())
    return int(connection.execute(count).scalar_one()) >= most


def check(
    connection: Connection, config: Config, keys: Keys, moment: datetime, *, usage: list[Usage], size: int
) -> None:
    """Accept a ticket of this size if it fits into every quota.

    Raises:
        RateLimited: it does not fit; the error says after how long it will.
    """
    full = [
        (quota, exceeded, _wait(connection, config, quota, parameters(keys, moment), moment, size))
        for quota, used in zip(QUOTAS, usage, strict=True)
        if (exceeded := quota.exceeded(config, used, size))
    ]
    if full:
        quota, exceeded, seconds = max(full, key=lambda found: found[2])
        raise RateLimited(quota.refusal, retry_after=seconds, detail=exceeded)


def _wait(
    connection: Connection, config: Config, quota: Quota, given: dict[str, Any], moment: datetime, size: int
) -> int:
    """Seconds until enough tickets have left the window for one more of this size."""
    newest_first = _columns.created_at.desc()  # and no more, so that an index has that order
    counted = (
        select(
            _columns.created_at,
            func.row_number().over(order_by=newest_first).label("tickets"),
            func.sum(_columns.size).over(order_by=newest_first).label("octets"),
        )
        .where(*_usage_columns(quota))
        .subquery()
    )
    too_many = or_(counted.c.tickets >= quota.tickets(config), counted.c.octets + size > quota.octets(config))
    blocking = connection.execute(select(func.max(counted.c.created_at)).where(too_many), given)
    stored = blocking.scalar_one()
    leaves = (stored if isinstance(stored, datetime) else moment) + WINDOW  # a damaged row may have no time
    return max(1, int((leaves - moment).total_seconds()) + 1)
