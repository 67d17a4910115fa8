"""The tables, from their metadata."""

from __future__ import annotations

import re

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from flask_kapa_handoff.storage.tables import metadata
from flask_kapa_handoff.storage.tickets import Outcome, Status

_VALUES = {state.value for state in (*Status, *Outcome)} - {Outcome.UNKNOWN.value}
_VALUE = re.compile(rf"\b({'|'.join(_VALUES)})\b")
"""What a column of states holds; "unknown" is a word of sentences, too."""


def tables() -> str:
    """Each table with its columns: type, whether it may be empty, and what the column's comment says."""
    lines: list[str] = []
    for table in metadata.tables.values():
        lines += [f"## `{table.name}`", "", "| column | type | |", "|---|---|---|"]
        lines += [_row(column) for column in table.columns]
        lines.append("")
    return "\n".join(lines)


def _row(column: Column[object]) -> str:
    said = [_VALUE.sub(r"`\1`", words) for words in (column.comment or column.doc,) if words]
    said += [f"refers to `{key.target_fullname}`" for key in column.foreign_keys]
    if column.primary_key:
        said.insert(0, "primary key")
    elif column.unique:
        said.insert(0, "unique")
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has not typed it
    kind = column.type.compile(dialect).lower() + (", may be empty" if column.nullable else "")
    return f"| `{column.name}` | {kind} | {'; '.join(said)} |"
