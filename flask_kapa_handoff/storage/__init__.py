"""The database: tables, engine and migrations."""

PREFIX = "kapa_handoff_"
"""What the names of all our tables begin with."""

VERSION_TABLE = PREFIX + "schema_version"
