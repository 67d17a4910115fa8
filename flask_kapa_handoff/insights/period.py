"""A number of days (UTC), and as many before them to compare with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

MOST_DAYS = 366
USUAL_DAYS = 30

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, days: int) -> Period:
        """So many days, of which this is the last."""
        return cls(last - timedelta(days=days - 1), last)

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def days(self) -> list[date]:
        """Each of its days."""
        return [self.first + timedelta(days=number) for number in range(self.length)]

    @property
    def before(self) -> Period:
        """As many days before it."""
        return Period.until(self.first - ONE_DAY, self.length)

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), timezone.utc)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + ONE_DAY, time(), timezone.utc)


def parse_period(first: str, last: str, today: date) -> Period:
    """The days that somebody typed; a date that is left out follows from the other, or is today's.

    Raises:
        ValueError: a date cannot be read, or there are more than :data:`MOST_DAYS`.
    """
    try:
        begins = date.fromisoformat(first.strip()) if first.strip() else None
        ends = date.fromisoformat(last.strip()) if last.strip() else None
        if begins is None:
            period = Period.until(ends or today, USUAL_DAYS)
        else:
            ends = ends or max(today, begins)
            period = Period(min(begins, ends), max(begins, ends))
        _ = period.before.begin, period.end  # so that they can be compared
    except OverflowError:
        raise ValueError("the dates are too far away") from None
    if period.length > MOST_DAYS:
        raise ValueError("the dates are too far apart")
    return period
