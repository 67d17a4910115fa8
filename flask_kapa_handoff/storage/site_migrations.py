"""Keeps our tables out of the site's own migrations: autogenerate would drop tables missing from its metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, appcontext_pushed

from . import PREFIX

IncludeName = Callable[[Any, str, Any], bool]

THREE_LINES = (
    "def include_name(name, type_, parent_names):\n"
    f'    return type_ != "table" or not name.startswith("{PREFIX}")\n'
    "context.configure(..., include_name=include_name)"
)
"""What to write in an ``env.py`` that Flask-Migrate does not run, or that has its own ``include_name``."""


class _LeavesOurTablesOut:
    """Alembic's ``include_name``: exclude our tables, and ask the site's own function about the others."""

    def __init__(self, of_site: IncludeName | None) -> None:
        self._of_site = of_site

    def __call__(self, name: str | None, kind: str, parents: Any) -> bool:
        if kind == "table" and (name or "").startswith(PREFIX):
            return False
        return self._of_site is None or self._of_site(name, kind, parents)


def watch_for_flask_migrate(app: Flask) -> None:
    """Tell Flask-Migrate about our tables as soon as it exists, since the site may set it up after us."""
    appcontext_pushed.connect(_register, app)


def stop_watching(app: Flask) -> None:
    """Stop waiting for Flask-Migrate: an app that serves requests does not make migrations."""
    appcontext_pushed.disconnect(_register, app)


def _register(app: Flask, **_: Any) -> None:
    migrate: Any = app.extensions.get("migrate")
    arguments = getattr(migrate, "configure_args", None)
    if not isinstance(arguments, dict):
        return
    stop_watching(app)
    # Alembic refuses the argument if given twice: an env.py with its own must keep working, and the check-up reports
    # it.
    if "include_name" not in _text_of(Path(migrate.directory) / "env.py"):
        arguments["include_name"] = _LeavesOurTablesOut(arguments.get("include_name"))


def is_registered(app: Flask) -> bool:
    """Whether Flask-Migrate ignores our tables."""
    arguments = getattr(app.extensions.get("migrate"), "configure_args", {})
    return isinstance(arguments.get("include_name"), _LeavesOurTablesOut)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
