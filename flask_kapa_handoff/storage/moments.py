"""What is counted by time: the day of a moment, and the seconds between two, in the words of each database."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Float, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class day_of(FunctionElement[Any]):
    """The day (UTC) of a column's moment; see :func:`read_day`."""

    inherit_cache = True
    type = String()


@compiles(day_of)
def _day(element: day_of, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite's columns have the text of the moment, in UTC, and begin with its day.
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


@compiles(day_of, "postgresql")
def _day_of_postgresql(element: day_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC')::date"


class seconds_between(FunctionElement[Any]):
    """The seconds from one column's moment to another's."""

    inherit_cache = True
    type = Float()


@compiles(seconds_between)
def _seconds(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = (compiler.process(each, **options) for each in element.clauses)
    return f"((julianday({later}) - julianday({earlier})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _seconds_of_postgresql(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    earlier, later = (compiler.process(each, **options) for each in element.clauses)
    return f"EXTRACT(epoch FROM {later} - {earlier})"


def read_day(found: Any) -> date | None:
    """A day as the database returns it; None: the moment is damaged."""
    if isinstance(found, date):
        return found
    try:
        return date.fromisoformat(str(found))
    except ValueError:
        return None
