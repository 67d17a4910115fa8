"""Everything that looks for secrets in a text."""

from __future__ import annotations

from . import assignments, cards, formats, tokens
from .keywords import Keywords

KEYWORDS = Keywords([*formats.keywords(), *assignments.keywords()])

FINDERS = (
    tokens.find_tokens,
    KEYWORDS.find,
    formats.find_passwords_of_addresses,
    assignments.find_in_other_scripts,
    cards.find_cards,
)
"""Each takes a :class:`~.spans.Subject` and yields the places of secrets, in no particular order."""
