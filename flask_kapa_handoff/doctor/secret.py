"""Checks the site's secret key: is there one, can it sign, and can it be guessed?"""

from __future__ import annotations

import re

from ..argument_checks import secret_key_trouble
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _
from ..lazy_text import lazy_ngettext as ngettext
from .finding import Finding, Level

SHORT_KEY = 16
"""Fewer characters than this can be tried one after the other."""

FEW_CHARACTERS = 6
"""A random key of :data:`SHORT_KEY` characters has more different ones than this."""

_WORD = r"(?:(?:[A-Z][a-z]{2,})+|[A-Z]?[a-z]+|[A-Z]+)"
_WORDS = re.compile(rf"{_WORD}(?:[\W_]+{_WORD})*[\W_]*\d{{0,4}}[\W_]*")
"""Words, maybe with a few digits behind them, such as the example values of documentation."""

RANDOM_VALUE = _(
    "Set it to a random value, such as one from %(command)s.",
    command='`python -c "import secrets; print(secrets.token_hex(32))"`',
)
GUESSED = _("Anyone who guesses it can forge sessions and handoff offers.")
NO_BUTTON = _("Offers are signed with it, so no button can be shown.")


def examine_secret(key: object) -> Finding:
    """Check the app's secret key, whose value is not shown."""
    if not key:
        return Finding(Level.PROBLEM, _("SECRET_KEY is not set."), NO_BUTTON, RANDOM_VALUE)
    if trouble := secret_key_trouble("SECRET_KEY", key):
        return Finding(Level.PROBLEM, LazyText(lambda: f"{trouble}."), NO_BUTTON, RANDOM_VALUE)
    text = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    if weakness := _weakness(text):
        return Finding(Level.WARNING, weakness, GUESSED, RANDOM_VALUE)
    return Finding(Level.OK, _("The forms are signed with the site's secret key."))


def _weakness(key: str) -> LazyText | None:
    if len(key) < SHORT_KEY:
        return ngettext(
            "SECRET_KEY is only %(number)s character long.", "SECRET_KEY is only %(number)s characters long.", len(key)
        )
    if _WORDS.fullmatch(key):
        return _("SECRET_KEY is made of words, as the example values of documentation are.")
    if len(set(key)) <= FEW_CHARACTERS:
        return _("SECRET_KEY repeats a few characters.")
    return None
