"""When a desk is there: on some days of the week, from one time to another, in one time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone, tzinfo
from itertools import count, islice
from zoneinfo import ZoneInfo

from .translation import current_language
from .translation import gettext as _

HORIZON = timedelta(days=366)
"""How far ahead office hours are looked for."""


@dataclass(frozen=True)
class OfficeHours:
    """The same hours on each of some days.

    Arguments:
        days: 0 is Monday; at least one.
        opens, closes: in the time zone; a day that closes at 0:00 ends at midnight.
        zone: the desk's time zone.
    """

    days: tuple[int, ...]
    opens: time
    closes: time
    zone: ZoneInfo

    def next_opening(self, moment: datetime) -> datetime | None:
        """When the desk is there again, in its time zone; None: it is there now.

        Arguments:
            moment: now, with a time zone.
        """
        for opens, closes in islice(self._spans(moment), 8):
            # Compared in UTC: in one zone, Python compares wall clocks, which summer time sets back.
            if moment < opens.astimezone(timezone.utc):
                return opens
            if moment < closes.astimezone(timezone.utc):
                return None
        raise ValueError("office hours without a day")

    def after(self, moment: datetime, hours: float) -> datetime:
        """When the desk will have been there for that many hours, in UTC; at the latest :data:`HORIZON` from now.

        An hour is an hour, whatever summer time does to the clock meanwhile.

        Arguments:
            moment: now, with a time zone.
        """
        now, left = moment.astimezone(timezone.utc), timedelta(hours=hours)
        for opens, closes in self._spans(moment):
            begins, ends = max(now, opens.astimezone(timezone.utc)), closes.astimezone(timezone.utc)
            if begins - now > HORIZON:
                break
            if ends - begins >= left:
                return begins + left
            left -= max(ends - begins, timedelta())
        return now + HORIZON

    def _spans(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From when to when the desk is there, in its time zone, from the day of this moment on."""
        today = moment.astimezone(self.zone).date()
        for day in (today + timedelta(days=number) for number in count()):
            if day.weekday() in self.days:
                last = day if self.closes > self.opens else day + timedelta(days=1)
                yield (
                    datetime.combine(day, self.opens, self.zone),
                    datetime.combine(last, self.closes, self.zone),
                )

    def when_back(self, moment: datetime) -> str | None:
        """A sentence in the current language; None: the desk is there now."""
        back = self.next_opening(moment)
        if back is None:
            return None
        place = _place(self.zone)
        if back.date() == moment.astimezone(self.zone).date():
            return _("We're back today at %(time)s (%(place)s time).", time=_written(back, "short"), place=place)
        day = f"{_written(back, 'EEEE')} {_written(back, 'short')}"
        return _("We're back %(time)s (%(place)s time).", time=day, place=place)


def find_zone(name: str) -> ZoneInfo | None:
    """A time zone by its name, such as ``Europe/Berlin``; None: it could not be found."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a path, a folder, a name that no zone has
        return None


def _written(moment: datetime, form: str) -> str:
    from babel.dates import format_datetime, format_time

    locale = current_language().locale
    if form == "short":
        return format_time(moment, form, tzinfo=moment.tzinfo, locale=locale)
    return format_datetime(moment, form, tzinfo=moment.tzinfo, locale=locale)


def _place(zone: tzinfo) -> str:
    from babel.dates import get_timezone_location

    name = str(zone)
    if "/" not in name:
        return name
    try:
        return get_timezone_location(name, locale=current_language().locale, return_city=True)
    except LookupError:  # the system has zones that Babel does not know
        return name.rpartition("/")[2].replace("_", " ")
