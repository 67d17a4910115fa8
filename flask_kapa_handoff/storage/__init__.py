"""The database: tables, engine and migrations."""

PREFIX = "kapa_handoff_"
"""The prefix of all our tables' names."""

VERSION_TABLE = PREFIX + "schema_version"

BUSY_TIMEOUT = 15
"""Seconds for which a transaction waits to write: less than a web server's own limit."""
