"""The database: tables, engine and migrations."""

PREFIX = "kapa_handoff_"
"""What the names of all our tables begin with."""

VERSION_TABLE = PREFIX + "schema_version"

BUSY_TIMEOUT = 15
"""Seconds that a transaction waits for its turn to write: below a web server's own limit."""
