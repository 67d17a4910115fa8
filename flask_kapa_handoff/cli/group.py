"""The groups of the commands, and what a command does if the database cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import click
from flask import current_app
from flask.cli import AppGroup

from ..errors import RequestProblem, SchemaError
from ..state import current_state

if TYPE_CHECKING:
    from flask import Flask

group = AppGroup("kapa-handoff", help="Tickets, their delivery, and the database.")
database_group = AppGroup("db", help="The handoff's tables.")
group.add_command(database_group)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def this_app() -> Flask:
    """The app itself, for objects that outlive the command's context."""
    return cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]


def reachable(
    work: Callable[_Arguments, _Result], *arguments: _Arguments.args, **options: _Arguments.kwargs
) -> _Result:
    """Call a function; if the database cannot be used, show a sentence instead of a traceback."""
    try:
        return work(*arguments, **options)
    except RequestProblem as problem:
        obstacle = None if isinstance(problem, SchemaError) else current_state().database.obstacle()
        cause = f" ({problem.__cause__})" if problem.__cause__ else ""
        raise click.ClickException(f"The database cannot be used: {obstacle or f'{problem}{cause}'}") from None
