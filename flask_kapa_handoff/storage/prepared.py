"""Inserts that are prepared once: SQLAlchemy's own way to the driver takes longer than SQLite with its indexes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Table, insert


class PreparedInsert:
    """Adds rows to a table, one at a time, as ``insert(table)`` does.

    Arguments:
        columns: those that each row has a value for; the others get their default.
    """

    def __init__(self, table: Table, columns: list[str]) -> None:
        self._table = table
        self._columns = columns
        self._prepared: WeakKeyDictionary[Dialect, _Prepared] = WeakKeyDictionary()

    def execute(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Add a row."""
        prepared = self._prepared.get(connection.dialect)
        if prepared is None:
            prepared = self._prepared[connection.dialect] = _Prepared(self._table, self._columns, connection.dialect)
        connection.exec_driver_sql(prepared.text, prepared.parameters(row))


class _Prepared:
    """The statement as one kind of driver takes it, and what turns each value into the driver's."""

    def __init__(self, table: Table, columns: list[str], dialect: Dialect) -> None:
        compiled: Any = insert(table).inline().compile(dialect=dialect, column_keys=columns)
        self.text = str(compiled)
        self._is_positional: bool = compiled.positional
        self._steps: list[tuple[str, Callable[[Any], Any] | None]] = [
            (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in (compiled.positiontup if compiled.positional else columns)
        ]

    def parameters(self, row: Mapping[str, Any]) -> Any:
        values = [row[name] if step is None else step(row[name]) for name, step in self._steps]
        if self._is_positional:
            return tuple(values)
        return dict(zip([name for name, _ in self._steps], values, strict=True))
