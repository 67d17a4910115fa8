"""Checks the database: can it be used, also by the web server's user, and will it survive the next deploy?"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from flask import has_request_context
from sqlalchemy import inspect

from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK
from ..errors import RequestProblem, SchemaError
from ..lazy_text import LazyText, lazy_join
from ..lazy_text import lazy_gettext as _
from ..settings import default_settings
from ..storage import schema
from ..storage.file_access import obstacle_of_owner, only_user, owner_can
from ..storage.site_migrations import THREE_LINES, is_registered
from .finding import Finding, Level
from .tickets import Situation, look

if TYPE_CHECKING:
    from flask import Flask

    from ..state import State

NO_TICKETS = _("No button is shown, and no tickets can be stored.")


def examine_database(app: Flask, state: State) -> tuple[list[Finding], Situation | None]:
    """Check the database, without creating or changing it.

    Returns:
        The findings, and what the tickets' tables contain; None: they do not exist yet, or cannot be read.
    """
    database = state.database
    try:
        file, version = database.file, database.present_version()
        is_newer = version is not None and database.is_of_later_version(version)
        if file is not None and version != schema.HEAD and not is_newer:
            found = database.obstacle()
            if found is not None:
                return [_not_usable(found.what, found.remedy, file)], None
            return [_in_preparation(file, version), *_lost_with_virtual_environment(state)], _empty_situation(
                state
            ) if not version else None
        situation = look(state)
    except RequestProblem as problem:
        return [_problem(state, problem)], None
    if file is not None and (found := database.obstacle()) is not None:  # it can be read but not written
        return [_not_usable(found.what, found.remedy, file)], situation
    usable = _of_newer_version(state, str(version)) if is_newer else _usable(state, file)
    return [usable, *_locked_out(file), *_lost_with_virtual_environment(state), *_dropped(app, state)], situation


def _problem(state: State, problem: RequestProblem) -> Finding:
    if isinstance(problem, SchemaError):
        return Finding(Level.PROBLEM, problem.found, NO_TICKETS, problem.remedy)
    file, found = state.database.file, state.database.obstacle()
    if file is not None and found is not None:
        return _not_usable(found.what, found.remedy, file)
    # Only the driver's message: SQLAlchemy's repeats the statement.
    cause = getattr(problem.__cause__, "orig", None) or problem.__cause__ or problem
    return Finding(
        Level.PROBLEM,
        _("The database cannot be used."),
        NO_TICKETS,
        _("Fix what the details say: the server may be down, the disk full, or the file damaged."),
        " ".join(str(cause).split()),
    )


def _not_usable(what: LazyText, remedy: LazyText, file: Path) -> Finding:
    owner = None if has_request_context() else owner_can(file)
    if owner is None:
        return Finding(Level.PROBLEM, what, NO_TICKETS, remedy)
    return Finding(
        Level.WARNING,
        what,
        _("So the tickets cannot be checked. The user %(user)s, who owns the folder, can use it.", user=owner),
        _(
            "If the web server runs as %(user)s, run the commands as that user, such as with %(command)s.",
            user=owner,
            command="`sudo -u " + owner + "`",
        ),
    )


def _in_preparation(file: Path, version: str | None) -> Finding:
    if version is None:
        return Finding(Level.OK, _("The database is created when it is first used."), details=str(file))
    what = _("The tables are upgraded from version %(version)s when they are next used.", version=version)
    return Finding(Level.OK, what, details=str(file))


def _empty_situation(state: State) -> Situation:
    return Situation(
        Desks({DEFAULT_DESK: default_settings(state.config)}),
        datetime.now(timezone.utc),
        None,
        None,
        0,
        0,
        Counter(),
        None,
    )


def _of_newer_version(state: State, version: str) -> Finding:
    where = state.database.engine.url.set(query={}).render_as_string()
    return Finding(
        Level.WARNING,
        _(
            "The database can be used, but its tables are at version %(version)s, from a newer version of this "
            "package; the installed one knows up to %(known)s.",
            version=version,
            known=schema.HEAD,
        ),
        _("What the newer version added to the tables is kept, but not shown or used."),
        _("Install the newer version again when you can."),
        where,
    )


def _usable(state: State, file: Path | None) -> Finding:
    # Without the query, where a driver accepts a password, too.
    where = state.database.engine.url.set(query={}).render_as_string()
    # The page that shows this is served by the web server's user.
    user = only_user(file) if file is not None and not has_request_context() else None
    what = (
        _(
            "The database works (only the user %(user)s can write to it: the web server must run as %(user)s).",
            user=user,
        )
        if user
        else _("The database works.")
    )
    details = _("%(database)s (its tables are at version %(version)s)", database=where, version=schema.HEAD)
    return Finding(Level.OK, what, details=details)


def _locked_out(file: Path | None) -> list[Finding]:
    found = obstacle_of_owner(file) if file is not None else None
    return [Finding(Level.PROBLEM, found.what, NO_TICKETS, found.remedy)] if found else []


def _lost_with_virtual_environment(state: State) -> list[Finding]:
    if state.location.warning is None:
        return []
    return [
        Finding(
            Level.WARNING,
            state.location.warning,
            _("All tickets, the waiting ones too, would be gone after a deploy that makes a new one."),
            _(
                "Set KAPA_HANDOFF_DATABASE_URI to a place that stays, such as %(uri)s, and move the file there.",
                uri="sqlite:////var/lib/site/kapa_handoff.sqlite3",
            ),
        )
    ]


def _dropped(app: Flask, state: State) -> list[Finding]:
    if state.database.file is not None or is_registered(app):
        return []
    with state.database.read() as connection:
        if not inspect(connection).has_table("alembic_version") and "migrate" not in app.extensions:
            return []
    return [
        Finding(
            Level.WARNING,
            _("The site's next automatic migration would delete the handoff's tables."),
            _("Alembic deletes tables that the site's models do not describe, and all tickets with them."),
            lazy_join("\n", (_("Let the site's env.py leave them out:"), THREE_LINES)),
        )
    ]
