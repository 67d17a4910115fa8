"""The page of desks: add, rename and remove them, and the rules that choose one by the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..desk_directory import Desks, RulesConflict, read_desks, rules_version
from ..desk_labels import same_label
from ..desk_settings import DEFAULT_DESK, DESK_NAME, MAX_LABEL, DeskSettings
from ..errors import Invalid
from ..page_rules import PageRule
from ..settings import SettingsChange, current_settings, history_rows
from ..settings_api import Settings, store_rules
from ..state import State, current_state
from ..translation import gettext as _
from ..translation import noop as N_
from ..web.origin import require_known_origin
from ..web.requests import wants_fragment
from . import labels
from .desk_parts import LABEL_TAKEN, checked_recipients, is_unreached, label, label_of, named, too_long
from .forms import EXPIRED_ACTION, AdminForm
from .history import history_of_desks, rules_changed_since
from .identity import changed_by
from .page_rule_rows import Row, try_page, typed_rows, with_hints
from .responses import fragment_response, page_response

EMPTY_ROWS = 1
"""How many empty rows follow the rules, to type further ones."""

CHANGED = N_("Someone else saved while you were editing")
WRONG = N_("Nothing was saved. Check the fields marked below.")


def desks() -> ResponseReturnValue:
    """Show the page."""
    state = current_state()
    known = state.desks.all
    notice = None
    for done, told in (
        ("renamed", N_("Renamed to %(desk)s.")),
        ("removed", N_("%(desk)s was removed. Its tickets are kept.")),
    ):
        if (name := request.args.get(done, "")) in known:
            notice = _(told, desk=label(known[name]))
    if request.args.get("rules") == "saved":
        notice = _("Saved. Live now.")
    return _desks_page(state, notice=notice)


def add() -> ResponseReturnValue:
    """Add a desk, and go on to its settings."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    typed = {name: request.form.get(name, "").strip() for name in ("label", "email", "name")}
    if not AdminForm(request.form).validate():
        return _desks_page(state, 400, typed=typed, problem=EXPIRED_ACTION)
    errors = {}
    if error := _wrong_label(typed["label"]):
        errors["label"] = error
    values: dict[str, Any] = {"label": typed["label"]}
    if "email" not in state.config.pinned:
        try:
            values["email"] = checked_recipients(typed["email"], state.config) if typed["email"] else None
        except ValueError as wrong:
            errors["email"] = str(wrong)
    with state.database.read() as connection:
        present = read_desks(connection, state.config).present
    name = typed["name"] or _name_for(typed["label"], present)
    if not DESK_NAME.fullmatch(name):
        errors["name"] = _("Use a lower-case letter, then letters, digits, _ or -, up to 32 in all.")
    elif name in present:
        errors["name"] = _("There is such a desk already.")
    if not errors and (error := _taken_label(present, name, typed["label"])):
        errors["label"] = error
    if errors:
        return _desks_page(state, 422, typed=typed, typed_errors=errors, problem=WRONG)
    try:
        added = Settings().add(name, changed_by=changed_by(), **values)
    except ValueError:  # a second press, or somebody else, was faster
        taken = {"name": _("There is such a desk already.")}
        return _desks_page(state, 422, typed=typed, typed_errors=taken, problem=WRONG)
    return redirect(url_for("kapa_handoff_admin.settings", desk=name, saved=added.version), 303)


def rename() -> ResponseReturnValue:
    """Give a desk another name; pages name it as before."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return _desks_page(state, 400, problem=EXPIRED_ACTION)
    desk, typed = _posted_desk(), request.form.get("label", "").strip()
    with state.database.read() as connection:
        present = read_desks(connection, state.config).present
    if error := _wrong_label(typed) or _taken_label(present, desk.desk, typed):
        return _desks_page(state, 422, problem=error)
    Settings().save(desk.desk, changed_by=changed_by(), label=typed)
    return redirect(url_for("kapa_handoff_admin.desks", renamed=desk.desk), 303)


def remove() -> ResponseReturnValue:
    """Remove a desk; its tickets stay."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return _desks_page(state, 400, problem=EXPIRED_ACTION)
    desk = _posted_desk()
    try:
        Settings().remove(desk.desk, changed_by=changed_by())
    except ValueError as error:
        return _desks_page(state, 422, problem=str(error))
    return redirect(url_for("kapa_handoff_admin.desks", removed=desk.desk), 303)


def save_page_rules() -> ResponseReturnValue:
    """Save the rules as they were typed; a row may ask to be moved up or removed."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return _desks_page(state, 400, problem=EXPIRED_ACTION, rows=typed_rows())
    rows = typed_rows()
    version = request.form.get("version", "")
    if any(row.error for row in rows) or not (version.isascii() and version.isdigit() and len(version) < 10):
        return _desks_page(state, 422, problem=WRONG, rows=rows)
    try:
        rules = [PageRule(row.pattern, row.desk) for row in rows]
        store_rules(state, rules, version=int(version), changed_by=changed_by())
    except RulesConflict:
        return _desks_page(state, 409, problem=CHANGED, rows=rows, seen=int(version))
    except Invalid:
        wrong, known = _("Choose one of the options."), state.desks
        new = [not known.may_be_named(rule.desk) and rule not in known.rules for rule in rules]
        rows = [row._replace(desk_error=wrong if is_new else "") for row, is_new in zip(rows, new, strict=True)]
        return _desks_page(state, 422, problem=WRONG, rows=rows)
    if wants_fragment():
        return _desks_page(state, notice=_("Saved. Live now."))
    return redirect(url_for("kapa_handoff_admin.desks", rules="saved"), 303)


def try_page_rules() -> ResponseReturnValue:
    """Say which desk would serve a page by the typed rules. Stores nothing."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    rows = typed_rows(moving=False)
    tryout = try_page(state.desks, rows, request.form.get("try_path", ""))
    if wants_fragment():
        return fragment_response("tryout", tryout=tryout, has_chooser=_has_chooser(state))
    return _desks_page(state, rows=rows, tryout=tryout)


def _posted_desk() -> DeskSettings:
    state = current_state()
    with state.database.read() as connection:
        found = current_settings(connection, state.config, request.form.get("desk", ""))
    if found.removed:
        raise Invalid(fields={"desk": [f"The desk {found.desk!r} was removed."]})
    return found


def _wrong_label(text: str) -> str | None:
    if not text:
        return _("Please fill this in.")
    return too_long(text, MAX_LABEL) if len(text) > MAX_LABEL else None


def _taken_label(present: Mapping[str, DeskSettings], desk: str, text: str) -> str | None:
    wanted = replace(present.get(desk, present[DEFAULT_DESK]), desk=desk, label=text)
    return _(LABEL_TAKEN) if same_label(present, wanted) else None


def _name_for(text: str, taken: Any) -> str:
    """A name for pages, made of the name for people."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:28]
    name = plain if DESK_NAME.fullmatch(plain) else f"desk-{plain}".rstrip("-")
    return next(found for found in (name, *(f"{name}-{number}" for number in range(2, 999))) if found not in taken)


def _has_chooser(state: State) -> bool:
    return state.registered.desk_chooser is not None


def _desks_page(
    state: State, status: int = 200, *, rows: list[Row] | None = None, seen: int | None = None, **context: Any
) -> Response:
    with state.database.read() as connection:
        known = read_desks(connection, state.config)
        version = rules_version(connection)
        is_typed = rows is not None
        if rows is None:
            rows = [Row(*rule) for rule in known.rules]
        undone = _undone(state, known)
        latest = history_rows(connection, undone.desk, limit=1) if undone is not None else []
        history = history_of_desks(connection, known)
        since = [] if seen is None else rules_changed_since(connection, known, seen)
    change = latest[0] if latest and isinstance(latest[0], SettingsChange) else None
    counts = {name: sum(rule.desk == name for rule in known.rules) for name in known.present}
    context = {
        "desks": [
            (settings, label(settings), named(settings), labels.hidden_because(settings), counts[settings.desk])
            for settings in known.present.values()
        ],
        "unreached": [name for name, found in known.present.items() if is_unreached(state, known, found)],
        "choices": [(name, label(found)) for name, found in known.present.items() if known.may_be_named(name)],
        "label_of": partial(label_of, known),
        "since": since,
        "rules": [*with_hints(known, rows), *[Row("", "")] * EMPTY_ROWS],
        "rules_typed": is_typed,
        "version": version,
        "form": AdminForm(formdata=None),
        "history": history,
        "pinned": state.config.pinned,
        "has_chooser": _has_chooser(state),
        "typed": {},
        "typed_errors": {},
        "current": undone,
        "undone_by": change.before if change is not None and not context.get("problem") else None,
        "tryout": None,
        "try_path": request.form.get("try_path", ""),
        **context,
    }
    return (fragment_response if wants_fragment() else page_response)("desks", status, **context)


def _undone(state: State, known: Desks) -> DeskSettings | None:
    """The desk that was just removed."""
    found = known.all.get(request.args.get("removed", ""))
    return found if found is not None and found.removed else None
