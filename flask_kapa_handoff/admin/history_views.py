"""The page of the history, and restoring a version of a desk's settings or of the page rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ..desk_directory import PAGE_RULES, Desks, RulesConflict, read_desks, read_rules, rules_version
from ..desk_settings import DEFAULT_DESK, DeskSettings
from ..errors import Invalid
from ..page_rules import PageRule
from ..settings import SettingsConflict, current_settings
from ..settings_api import store, store_rules
from ..settings_history import RulesChange, change_to, entries, restored, restored_rules, settings_at
from ..state import State, current_state
from ..translation import gettext as _
from ..translation import noop as N_
from ..web.origin import require_known_origin
from .desk_parts import LABEL_TAKEN, desk_shown, named
from .differences import Difference, differences, label_of, of_rules
from .forms import EXPIRED_ACTION, AdminForm
from .history import Shown, desk_namer, history_of, name_of, shown_entry
from .identity import changed_by
from .responses import page_response

MOST_REVERTED = 100
"""How many of the later changes the page lists that asks before a restore."""

CHANGED = N_("Someone else saved while you were looking at this. Check again what would change.")


@dataclass(frozen=True)
class Restore:
    """What restoring a version would do.

    Arguments:
        name: what the desk is called; empty: it is the only one.
        seen: the version that it replaces.
        wanted: what would be saved.
        rows: what changes.
        kept: what cannot be restored: the settings that stay, or the rules that are left out.
        reverted: the changes that were made after the version, newest first.
    """

    desk: str
    name: str
    version: int
    seen: int
    wanted: DeskSettings | tuple[PageRule, ...]
    rows: list[Difference]
    kept: list[str]
    reverted: list[Shown]


def history() -> ResponseReturnValue:
    """Show a page of the history: of a desk, of the page rules, or of all."""
    state, desk = current_state(), request.args.get("desk")
    before = _number("before", None)
    with state.database.read() as connection:
        desks = read_desks(connection, state.config)
        if desk is not None and desk != PAGE_RULES:
            current_settings(connection, state.config, desk)  # raises Invalid if there is none
        found = history_of(connection, desks, desk, before=before)
    scopes = [(None, _("Everything")), (PAGE_RULES, name_of(desks, PAGE_RULES))]
    scopes += [(name, name_of(desks, name)) for name in desks.all]
    return page_response(
        "history",
        history=found,
        is_first=before is None,
        scopes=scopes if len(desks.all) > 1 or desks.rules else [],
        form=AdminForm(formdata=None),
    )


def ask() -> ResponseReturnValue:
    """Ask before a version is restored: say what changes, and which later changes are reverted."""
    state = current_state()
    with state.database.read() as connection:
        planned = _planned(state, connection)
    return _ask_page(planned)


def restore() -> ResponseReturnValue:
    """Restore a version, as a change of its own. If somebody has saved meanwhile, ask again."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    has_token = AdminForm(request.form).validate()
    with state.database.read() as connection:
        planned = _planned(state, connection)
    if not has_token:
        return _ask_page(planned, 400, problem=EXPIRED_ACTION)
    if _number("seen", -1) != planned.seen:
        return _ask_page(planned, 409, problem=CHANGED)
    try:
        if isinstance(planned.wanted, DeskSettings):
            after = store(state, planned.wanted, changed_by=changed_by())[1]
            saved: dict[str, Any] = {"saved" if planned.rows else "unchanged": after.version}
            return redirect(url_for("kapa_handoff_admin.settings", desk=named(after), **saved), 303)
        store_rules(state, planned.wanted, version=planned.seen, changed_by=changed_by())
    except Invalid as error:
        if "label" not in error.fields:
            raise
        return _ask_page(planned, 422, problem=LABEL_TAKEN)
    except (SettingsConflict, RulesConflict):
        with state.database.read() as connection:
            planned = _planned(state, connection)
        return _ask_page(planned, 409, problem=CHANGED)
    return redirect(url_for("kapa_handoff_admin.desks", rules="saved"), 303)


def _planned(state: State, connection: Connection) -> Restore:
    desk, version = request.values.get("desk") or DEFAULT_DESK, _number("version", None)
    if version is None:
        raise Invalid(fields={"version": ["It must be the number of a version."]})
    desks = read_desks(connection, state.config)
    if desk == PAGE_RULES:
        return _planned_rules(connection, desks, version)
    current = current_settings(connection, state.config, desk)
    wanted = settings_at(connection, state.config, desk, version)
    if wanted is None:
        raise _no_such(version)
    found, kept = restored(current, wanted, state.config, state.registered.channels)
    reverted = _reverted(connection, desks, desk, version)
    rows = differences(current, found)
    name, labels = desk_shown(desks, desk) or "", [label_of(name) for name in kept]
    return Restore(desk, name, version, current.version, found, rows, labels, reverted)


def _planned_rules(connection: Connection, desks: Desks, version: int) -> Restore:
    found = change_to(connection, PAGE_RULES, version)
    if version == 0:
        wanted: tuple[PageRule, ...] = ()
    elif isinstance(found, RulesChange):
        wanted = found.after
    else:
        raise _no_such(version)
    usable, left_out = restored_rules(desks, wanted)
    namer, seen = desk_namer(desks), rules_version(connection)
    reverted = _reverted(connection, desks, PAGE_RULES, version)
    rows = of_rules(read_rules(connection), usable, namer)
    kept = [f"{rule.pattern} → {namer(rule.desk)}" for rule in left_out]
    return Restore(PAGE_RULES, namer(PAGE_RULES), version, seen, usable, rows, kept, reverted)


def _reverted(connection: Connection, desks: Desks, desk: str, version: int) -> list[Shown]:
    found = entries(connection, desk, after=version, limit=MOST_REVERTED)
    # Without the current versions, none of them can be restored from here.
    return [shown_entry(entry, desks, {}, names_desk=False) for entry in found]


def _no_such(version: int) -> Invalid:
    return Invalid(fields={"version": [f"There is no version {version} that can be read."]})


def _number(name: str, default: Any) -> Any:
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _ask_page(planned: Restore, status: int = 200, **context: Any) -> Response:
    return page_response("restore", status, restore=planned, form=AdminForm(formdata=None), **context)
