"""Checks the site's secret key: is there one, can it sign, and can it be guessed?"""

from __future__ import annotations

import re

from ..argument_checks import check_secret_key
from ..errors import ConfigurationError
from .finding import Finding, Level

SHORT_KEY = 16
"""Fewer characters than this can be tried one after the other."""

FEW_CHARACTERS = 6
"""A random key of :data:`SHORT_KEY` characters has more different ones than this."""

_WORD = r"(?:(?:[A-Z][a-z]{2,})+|[A-Z]?[a-z]+|[A-Z]+)"
_WORDS = re.compile(rf"{_WORD}(?:[\W_]+{_WORD})*[\W_]*\d{{0,4}}[\W_]*")
"""Words, maybe with a few digits behind them, such as the example values of documentation."""

RANDOM_VALUE = 'Set it to a random value, such as one from `python -c "import secrets; print(secrets.token_hex(32))"`.'
GUESSED = "Anyone who guesses it can forge sessions and handoff offers."
NO_BUTTON = "Offers are signed with it, so no button can be shown."


def examine_secret(key: object) -> Finding:
    """Check the app's secret key, whose value is not shown."""
    if not key:
        return Finding(Level.PROBLEM, "SECRET_KEY is not set.", NO_BUTTON, RANDOM_VALUE)
    try:
        check_secret_key("SECRET_KEY", key)
    except ConfigurationError as error:
        return Finding(Level.PROBLEM, f"{error}.", NO_BUTTON, RANDOM_VALUE)
    text = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    weakness = _weakness(text)
    if weakness:
        return Finding(Level.WARNING, f"SECRET_KEY {weakness}.", GUESSED, RANDOM_VALUE)
    return Finding(Level.OK, "The forms are signed with the site's secret key.")


def _weakness(key: str) -> str | None:
    if len(key) < SHORT_KEY:
        return f"is only {len(key)} characters long"
    if _WORDS.fullmatch(key):
        return "is made of words, as the example values of documentation are"
    if len(set(key)) <= FEW_CHARACTERS:
        return "repeats a few characters"
    return None
