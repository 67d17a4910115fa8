"""PostgreSQL's index of the search: trigrams where the extension pg_trgm can be had, else the beginnings of words.

A Chinese, Japanese or Korean word of one or two characters has no trigram, so these characters have their own index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from . import PREFIX

_SEARCH = PREFIX + "search"
TRIGRAMS = f"ix_{_SEARCH}_trigrams"
WORDS = f"ix_{_SEARCH}_words"
CHARACTERS = f"ix_{_SEARCH}_characters"
GRAM = 3
"""Characters; nothing shorter has a trigram."""

_CJK = r"\u3041-\u9fff\uac00-\ud7a3"

VECTOR = r"to_tsvector('simple', regexp_replace(body, '\W+', ' ', 'g'))"
"""The words of a text; without the punctuation in addresses, which PostgreSQL would keep as one word."""


CHARACTERS_OF = f"string_to_array(regexp_replace(body, '[^{_CJK}]+', '', 'g'), NULL)"
"""The Chinese, Japanese and Korean characters of a text."""


def create(connection: Connection) -> None:
    """Create the indexes: the best ones that this server and this user can have."""
    if connection.exec_driver_sql("SHOW server_encoding").scalar_one() == "UTF8":
        made = f"CREATE INDEX IF NOT EXISTS {CHARACTERS} ON {_SEARCH} USING gin (({CHARACTERS_OF}))"
        connection.exec_driver_sql(made)
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


def short_characters(connection: Connection, terms: Iterable[str]) -> list[str]:
    """The characters by which the index of characters finds the terms that are too short for a trigram."""
    found = dict.fromkeys(one for term in terms if len(term) < GRAM for one in re.findall(f"[{_CJK}]", term))
    if not found or connection.exec_driver_sql(f"SELECT to_regclass('{CHARACTERS}')").scalar_one() is None:
        return []
    return list(found)


def match(terms: Iterable[str]) -> str | None:
    """The query for texts with words that begin as those of the terms; None: they have no words."""
    words = dict.fromkeys(word for term in terms for word in re.findall(r"\w+", term))
    return " & ".join(f"'{word}':*" for word in words) or None
