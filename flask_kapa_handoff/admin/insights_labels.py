"""Numbers, shares, days and times as people read them in their language, for the insights page."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from ..insights.funnel import Reason
from ..locale_formats import format_day, language_name
from ..storage.ticket_filters import NO_TRIGGER
from ..translation import current_language
from ..translation import gettext as _
from ..translation import noop as N_
from ..triggers import TABLE
from ..unknown import Unknown

__all__ = ["change", "figure", "filter_of", "format_day", "language_name", "rate", "reason", "share", "time_taken"]

STEPS = {
    "answers": N_("Answers"),
    "offered": N_("Offered"),
    "opened": N_("Opened"),
    "sent": N_("Sent"),
    "cancelled": N_("Cancelled"),
    "delivered": N_("Delivered"),
}
"""What an answer comes to, step by step."""

RATES = {
    "offered": N_("%(share)s of answers"),
    "opened": N_("%(share)s of offers"),
    "sent": N_("%(share)s of opened forms"),
    "cancelled": N_("%(share)s of opened forms"),
    "delivered": N_("%(share)s of sent tickets"),
}


def figure(number: int) -> str:
    """A whole number."""
    return _figure(number, str(current_language().locale))


@lru_cache(maxsize=2_000)  # since Babel takes longer for these than the database takes to count
def _figure(number: int, locale: str) -> str:
    from babel.numbers import format_decimal

    return format_decimal(number, locale=locale)


def share(value: float | None) -> str:
    """A share of 1; empty: it is not known."""
    from babel.numbers import format_percent

    if value is None:
        return ""
    pattern = "#,##0.#%" if 0 < value < 0.1 else "#,##0%"
    locale = current_language().locale
    usual = locale.percent_formats[None].pattern
    return format_percent(value, pattern.replace("%", usual.replace("#,##0", "")), locale=locale)


def rate(step: str, value: float | None) -> str:
    """How much of the step before a step is; empty: it is not known."""
    return "" if value is None else _(RATES[step], share=share(value))


def change(value: float | None) -> str:
    """How much more, or less, there is than before; empty: there is nothing to compare with."""
    if value is None:
        return ""
    told = share(abs(value))
    return f"+{told}" if value > 0 else f"−{told}" if value < 0 else f"±{told}"


def time_taken(value: timedelta) -> str:
    """How long something took, such as "3 minutes"."""
    from babel.dates import format_timedelta

    # Whole seconds: SQLite counts days in floats, and earlier versions of Babel cut 2.9999 seconds to 2.
    seconds = max(1, round(value.total_seconds()))
    return format_timedelta(timedelta(seconds=seconds), threshold=2, locale=current_language().locale)


def reason(trigger: Reason) -> str:
    """What made the button appear."""
    if trigger is None:
        return _("Without a trigger")
    return trigger.heading if isinstance(trigger, Unknown) else _(TABLE[trigger].label)


def filter_of(trigger: Reason) -> str:
    """The trigger as the addresses of lists name it."""
    return NO_TRIGGER if trigger is None else trigger.value
