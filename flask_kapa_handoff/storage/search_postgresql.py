"""PostgreSQL's index of the search: trigrams where the extension pg_trgm can be had, else the beginnings of words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from . import PREFIX

_SEARCH = PREFIX + "search"
TRIGRAMS = f"ix_{_SEARCH}_trigrams"
WORDS = f"ix_{_SEARCH}_words"

VECTOR = r"to_tsvector('simple', regexp_replace(body, '\W+', ' ', 'g'))"
"""The words of a text; without the punctuation in addresses, which PostgreSQL would keep as one word."""


def create(connection: Connection) -> None:
    """Create the index: the best one that this server and this user can have."""
    found = connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").first()
    if found is None:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql("CREATE EXTENSION pg_trgm")
        except DBAPIError:  # it is not installed, or this user may not
            connection.exec_driver_sql(f"CREATE INDEX {WORDS} ON {_SEARCH} USING gin (({VECTOR}))")
            return
    # The extension may be in a schema that is not on the search path.
    schema = connection.exec_driver_sql(
        "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace "
        "WHERE extname = 'pg_trgm'"
    ).scalar_one()
    connection.exec_driver_sql(f"CREATE INDEX {TRIGRAMS} ON {_SEARCH} USING gin (body {schema}.gin_trgm_ops)")


def has_words_only(connection: Connection) -> bool:
    """Whether the index has words, not trigrams."""
    return connection.exec_driver_sql(f"SELECT to_regclass('{WORDS}')").scalar_one() is not None


def match(terms: Iterable[str]) -> str | None:
    """The query for texts with words that begin as those of the terms; None: they have no words."""
    words = dict.fromkeys(word for term in terms for word in re.findall(r"\w+", term))
    return " & ".join(f"'{word}':*" for word in words) or None
