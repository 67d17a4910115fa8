"""Writes moments, and the names of languages, as the current language does."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from .translation import MAX_TAG, SOURCE, current_language
from .translation import gettext as _

if TYPE_CHECKING:
    from babel import Locale
    from babel.dates import DateTimePattern


def format_moment(moment: datetime) -> str:
    """A moment, to the minute, such as ``30.11.2026, 15:20 UTC``. English sites may be anywhere, so it is ISO's there.

    Arguments:
        moment: in UTC.
    """
    language = current_language()
    if language.name == SOURCE:
        return moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"{_pattern(language.locale).apply(moment, language.locale)} UTC"


def format_day(day: date) -> str:
    """A day, such as ``30.11.2026`` or ``Nov 30, 2026``."""
    from babel.dates import format_date

    return format_date(day, "medium", locale=current_language().locale)


def format_ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago a moment was, such as ``3 hours ago``; less than a minute is ``just now``.

    Arguments:
        moment: in UTC; one that is still to come, by another computer's clock, counts as now.
        now: the database's clock; None: this computer's.
    """
    from babel.dates import format_timedelta

    passed = ((now or datetime.now(timezone.utc)) - moment).total_seconds()
    if passed < 60:
        return _("just now")
    locale = current_language().locale
    return format_timedelta(-int(passed), granularity="minute", threshold=1, add_direction=True, locale=locale)


def format_length(time: timedelta) -> str:
    """A length of time in whole minutes, hours (from 2) or days (from 2), such as ``90 minutes``."""
    from babel.units import format_unit

    minutes = int(time.total_seconds() // 60)
    if minutes < 120:
        number, unit = minutes, "minute"
    else:
        number, unit = (minutes // 60, "hour") if minutes < 48 * 60 else (minutes // (24 * 60), "day")
    return format_unit(number, f"duration-{unit}", locale=current_language().locale)


def language_name(tag: str) -> str:
    """A language's name, such as ``Japanese`` or ``German (Austria)``; its tag, if it has no name.

    The country is named if it is not the one where most of its speakers are.

    Arguments:
        tag: BCP 47; a visitor's browser may send any text.
    """
    return _language_name(tag[:MAX_TAG], current_language().locale)


@lru_cache(maxsize=32)
def _pattern(locale: Locale) -> DateTimePattern:
    """The date in medium length and the time in short length: numbers alone can mean another day elsewhere."""
    from babel.dates import get_date_format, get_datetime_format, get_time_format, parse_pattern

    date, time = get_date_format("medium", locale).pattern, get_time_format("short", locale).pattern
    both = str(get_datetime_format("medium", locale=locale))
    return parse_pattern(both.replace("{0}", time).replace("{1}", date))


@lru_cache(maxsize=256)
def _language_name(tag: str, locale: Locale) -> str:
    from babel import Locale, UnknownLocaleError
    from babel.core import get_global

    try:
        found = Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return tag
    usual = get_global("likely_subtags").get(found.language, "")
    if found.territory and usual.endswith(f"_{found.territory}"):
        found = Locale(found.language, script=found.script)
    name = found.get_display_name(locale)
    return f"{name[:1].upper()}{name[1:]}" if name else tag
