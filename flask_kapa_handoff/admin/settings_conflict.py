"""Two admins saved the same desk's settings: only what differs is shown, and each difference is picked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from flask import Response

from ..locale_formats import format_ago
from ..settings import DeskSettings, SettingsChange
from ..settings_history import Entry, entries, settings_at
from ..state import State
from ..web.requests import wants_fragment
from .desk_parts import desk_shown, named
from .differences import Difference, compared, names_of_both, value_of, with_value
from .forms import SettingsForm
from .responses import fragment_response, page_response

PICK = "pick_"
"""Before a setting's name, in the conflict page's form."""

MINE, THEIRS = "mine", "theirs"

MOST_CHANGES = 100
"""Among how many of the latest changes is looked for who changed what."""


class Row(NamedTuple):
    """A setting that both changed: the two values as text, and who has saved theirs, and when.

    Arguments:
        difference: ``before`` is theirs, ``after`` is mine.
    """

    difference: Difference
    changed_by: str
    changed_at: datetime | None

    @property
    def ago(self) -> str:
        """How long ago it was saved; empty: nobody knows."""
        return "" if self.changed_at is None else format_ago(self.changed_at)


class Merged(NamedTuple):
    """Two admins' settings side by side.

    Arguments:
        rows: what both changed, to be picked.
        theirs: what the other one changed, and this admin did not, or in the same way; ``before`` is how it was.
        mine: what only this admin changed; ``before`` is how it was.
    """

    rows: list[Row]
    theirs: list[Row]
    mine: list[Difference]


def resolved(state: State, form: SettingsForm, fields: Mapping[str, str]) -> DeskSettings:
    """What a form asks for, with each picked setting as it was saved when the admin picked."""
    picks = [name.removeprefix(PICK) for name, value in fields.items() if name.startswith(PICK) and value == THEIRS]
    wanted = form.wanted
    if not picks:
        return wanted
    with state.database.read() as connection:
        seen = settings_at(connection, state.config, wanted.desk, wanted.version)
    if form.current.version == wanted.version or seen is None:
        seen = form.current
    for name in set(picks) & {*names_of_both(wanted, seen)}:
        wanted = with_value(wanted, name, seen)
    return wanted


def conflict_page(state: State, form: SettingsForm, wanted: DeskSettings, theirs: DeskSettings) -> Response:
    """The page on which an admin picks, with everything that they typed.

    Arguments:
        wanted: what the admin wanted to save; ``version`` is the one that they saw.
        theirs: what was saved meanwhile.
    """
    with state.database.read() as connection:
        later = entries(connection, wanted.desk, after=wanted.version, limit=MOST_CHANGES)
        base = settings_at(connection, state.config, wanted.desk, wanted.version)
    merged = _merge(base, wanted, theirs, later)
    form.version.data = str(theirs.version)
    return (fragment_response if wants_fragment() else page_response)(
        "conflict",
        409,
        form=form,
        merged=merged,
        current=theirs,
        settings=wanted,
        pinned=state.config.pinned,
        this_desk=named(theirs),
        desk=desk_shown(state.desks, theirs.desk),
    )


def _merge(base: DeskSettings | None, mine: DeskSettings, theirs: DeskSettings, later: list[Entry]) -> Merged:
    merged = Merged([], [], [])
    for name in names_of_both(mine, theirs):
        own, other = value_of(mine, name), value_of(theirs, name)
        before = None if base is None else value_of(base, name)
        if own == other and (base is None or before == other):
            continue
        who, when = _last_to_change(name, later)
        # Where both are equal, this admin's form may have had no such input, as for a language that is new.
        if base is not None and (own in (before, other)):
            merged.theirs.append(Row(compared(name, base, theirs), who, when))
        elif base is not None and before == other:
            merged.mine.append(compared(name, base, mine))
        else:
            merged.rows.append(Row(compared(name, theirs, mine), who, when))
    return merged


def _last_to_change(name: str, later: list[Entry]) -> tuple[str, datetime | None]:
    """The name of the last admin to change a setting, and the time."""
    for entry in later:
        change = entry.change
        if isinstance(change, SettingsChange) and value_of(change.before, name) != value_of(change.after, name):
            return change.changed_by, change.changed_at
    return "", None
