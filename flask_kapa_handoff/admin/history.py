"""What the admin's pages show of the history: each change in words, and how its version can be restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ..desk_directory import PAGE_RULES, Desks, rules_version
from ..desk_settings import DEFAULT_DESK, DeskSettings
from ..locale_formats import format_ago
from ..page_rules import PageRule
from ..settings import SettingsChange
from ..settings_history import Entry, RulesChange, entries
from ..storage.reading import DamagedRow
from ..translation import gettext as _
from .desk_parts import label_of
from .differences import Difference, differences, of_rules

LATEST = 10
"""How many entries a page shows that has more than the history."""

PAGE = 50
"""How many entries a page of the history shows."""

LOOKED_AT = 300
"""Among how many entries the page of desks looks for what it shows."""

ASK, AT_ONCE = "ask", "at-once"


@dataclass(frozen=True)
class Shown:
    """An entry, as templates show it.

    Arguments:
        about: what it is about, such as the desk's label; empty: the page is about that alone.
        damaged: it cannot be read, and this is the row.
        restores: :data:`AT_ONCE`: it is the current version, which is undone; :data:`ASK`: it is an earlier one, and
            restoring it reverts later ones; empty: neither.
        back_to: the earlier version whose values it has again; None: it has new ones.
    """

    id: int
    desk: str
    about: str
    version: int
    changed_at: datetime | None
    changed_by: str
    rows: list[Difference]
    is_current: bool
    restores: str
    damaged: DamagedRow | None = None
    back_to: int | None = None

    @property
    def ago(self) -> str:
        """How long ago it was; empty: nobody knows."""
        return "" if self.changed_at is None else format_ago(self.changed_at)


@dataclass(frozen=True)
class History:
    """Entries, newest first.

    Arguments:
        desk: of which desk, or of the page rules; None: of all.
        older: older entries are those before the one with this id; None: there are none.
        begins: whether they end with the site's configuration, from which the default desk began.
        last_change: the latest change of the desk that can be read.
        restores_first: how the site's configuration is restored, see :class:`Shown`.
    """

    shown: list[Shown]
    desk: str | None
    older: int | None = None
    begins: bool = False
    last_change: SettingsChange | None = None
    restores_first: str = ""


def latest_history(connection: Connection, desks: Desks, desk: str) -> History:
    """The latest entries of a desk, for its settings page."""
    return history_of(connection, desks, desk, limit=LATEST)


def history_of(
    connection: Connection, desks: Desks, desk: str | None, *, before: int | None = None, limit: int = PAGE
) -> History:
    """The entries of a desk or of the page rules; of all: None."""
    found = entries(connection, desk, before=before, limit=limit + 1)
    versions = _versions(connection, desks)
    page, has_more = found[:limit], len(found) > limit
    changes = [entry.change for entry in page if isinstance(entry.change, SettingsChange)]
    return History(
        [
            shown_entry(entry, desks, versions, names_desk=desk is None, earlier=found[place + 1 :])
            for place, entry in enumerate(page)
        ],
        desk,
        older=page[-1].id if has_more else None,
        begins=desk in (None, DEFAULT_DESK) and not has_more and bool(versions.get(DEFAULT_DESK)),
        last_change=changes[0] if desk is not None and changes and before is None else None,
        restores_first=_how(versions.get(DEFAULT_DESK, 0), 0),
    )


def history_of_desks(connection: Connection, desks: Desks) -> History:
    """The latest changes of the page rules, and which desks were added, removed or renamed, for the page of desks."""
    versions = _versions(connection, desks)
    found = [entry for entry in entries(connection, limit=LOOKED_AT) if _is_about_desks(entry)]
    return History([shown_entry(entry, desks, versions, names_desk=True) for entry in found[:LATEST]], None)


def rules_changed_since(connection: Connection, desks: Desks, version: int) -> list[Shown]:
    """The latest changes of the page rules after a version."""
    found = entries(connection, PAGE_RULES, after=version, limit=LATEST)
    return [shown_entry(entry, desks, {}, names_desk=False) for entry in found]


def shown_entry(
    entry: Entry, desks: Desks, versions: Mapping[str, int], *, names_desk: bool, earlier: Sequence[Entry] = ()
) -> Shown:
    """An entry, as templates show it.

    Arguments:
        earlier: entries before it, newest first, among which the one is looked for whose values it has again.
    """
    change, about = entry.change, name_of(desks, entry.desk) if names_desk else ""
    if isinstance(change, DamagedRow):
        version = change.values.get("version")
        number = version if type(version) is int else 0
        return Shown(entry.id, entry.desk, about, number, None, "", [], False, "", change)
    current = versions.get(entry.desk, 0)
    is_current = change.version == current
    return Shown(
        entry.id,
        entry.desk,
        about,
        change.version,
        change.changed_at,
        change.changed_by,
        rows_of(change, desks),
        is_current,
        _how(current, change.version) if _can_be_used(entry.desk, change, undone=is_current) else "",
        back_to=_back_to(change, [one.change for one in earlier if one.desk == entry.desk]),
    )


def rows_of(change: SettingsChange | RulesChange, desks: Desks) -> list[Difference]:
    """What a change changed."""
    if isinstance(change, RulesChange):
        return of_rules(change.before, change.after, desk_namer(desks))
    return differences(change.before, change.after)


def desk_namer(desks: Desks) -> Callable[[str], str]:
    """A function that says what a desk is called."""
    return lambda name: name_of(desks, name)


def name_of(desks: Desks, name: str) -> str:
    """What a desk is called, or the page rules; its name if nothing is known of it."""
    return _("Page rules") if name == PAGE_RULES else label_of(desks, name)


def _versions(connection: Connection, desks: Desks) -> dict[str, int]:
    versions = {name: settings.version for name, settings in desks.all.items()}
    return {**versions, PAGE_RULES: rules_version(connection)}


def _how(current: int, version: int) -> str:
    return "" if version > current else AT_ONCE if version == current else ASK


def _can_be_used(desk: str, change: SettingsChange | RulesChange, *, undone: bool) -> bool:
    """Whether a change's version, or if it is undone, the one before it, is one that a desk can be in."""
    if isinstance(change, RulesChange):
        return True
    if undone and change.version == 1:
        return desk == DEFAULT_DESK  # no other one began from the site's configuration
    return not (change.before if undone else change.after).removed


def _back_to(
    change: SettingsChange | RulesChange, earlier: Sequence[SettingsChange | RulesChange | DamagedRow]
) -> int | None:
    if _same(change.before, change.after):
        return None
    for one in earlier:
        if isinstance(one, DamagedRow):
            continue
        if _same(one.after, change.after):
            return one.version
        if one.version == 1 and _same(one.before, change.after):
            return 0
    return None


def _same(one: DeskSettings | tuple[PageRule, ...], other: DeskSettings | tuple[PageRule, ...]) -> bool:
    if isinstance(one, DeskSettings) and isinstance(other, DeskSettings):
        return not one.differences(other)
    return one == other


def _is_about_desks(entry: Entry) -> bool:
    change = entry.change
    if isinstance(change, SettingsChange):
        return (change.before.removed, change.before.label) != (change.after.removed, change.after.label)
    return entry.desk == PAGE_RULES
