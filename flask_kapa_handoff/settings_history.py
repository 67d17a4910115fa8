"""What was changed when and by whom, of every desk and of the page rules; and what restoring a version saves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from .config import Config
from .desk_directory import PAGE_RULES, Desks
from .desk_settings import DeskSettings
from .page_rules import PageRule
from .settings import SettingsChange, default_settings, read_change
from .settings_values import SettingsErrors, read_values
from .storage.reading import DamagedRow, damage, plain, read_json
from .storage.tables import settings_change


@dataclass(frozen=True)
class RulesChange:
    """A change of the page rules."""

    version: int
    changed_at: datetime
    changed_by: str
    before: tuple[PageRule, ...]
    after: tuple[PageRule, ...]


@dataclass(frozen=True)
class Entry:
    """One entry of the history.

    Arguments:
        id: the later one has the higher id.
        desk: the name of the desk, or :data:`.PAGE_RULES`.
    """

    id: int
    desk: str
    change: SettingsChange | RulesChange | DamagedRow


def entries(
    connection: Connection, desk: str | None = None, *, before: int | None = None, after: int = 0, limit: int
) -> list[Entry]:
    """The latest entries, newest first.

    Arguments:
        desk: only of this desk, or of the page rules; None: of all.
        before: only older ones than the entry with this id.
        after: only of later versions than this one.
    """
    columns = settings_change.c
    wanted: list[ColumnElement[bool]] = []
    if desk is not None:
        wanted.append(columns.desk == desk)
    if before is not None:
        wanted.append(columns.id < before)
    if after:
        wanted.append(columns.version > after)
    query = select(settings_change).where(*wanted).order_by(columns.id.desc()).limit(limit)
    return [_entry(row) for row in connection.execute(query)]


def change_to(connection: Connection, desk: str, version: int) -> SettingsChange | RulesChange | None:
    """The change that made a version; None: there is none, or it cannot be read."""
    columns = settings_change.c
    row = connection.execute(
        select(settings_change).where(columns.desk == desk, columns.version == version)
    ).one_or_none()
    found = None if row is None else _entry(row).change
    return None if isinstance(found, DamagedRow) else found


def settings_at(connection: Connection, config: Config, desk: str, version: int) -> DeskSettings | None:
    """The settings of a desk at a version, 0 are those of the configuration; None: they cannot be read."""
    if version == 0:
        return default_settings(config, desk)
    found = change_to(connection, desk, version)
    return found.after if isinstance(found, SettingsChange) else None


def restored(
    current: DeskSettings, wanted: DeskSettings, config: Config, channels: Collection[str]
) -> tuple[DeskSettings, tuple[str, ...]]:
    """What restoring earlier settings saves.

    Arguments:
        current: the settings that they replace.
        channels: the names of the channels that the site has registered.

    Returns:
        The settings, and the names of those that stay: KAPA_HANDOFF_PINNED fixes them, or the value is no longer
        allowed, such as a channel that the site has no more.
    """
    found, kept = current, list[str]()
    for name in wanted.differences(current):
        if name == "triggers" and name not in config.pinned:
            # As they were saved, maybe by a later version, whose triggers this one keeps.
            found = replace(found, triggers=wanted.triggers)
            continue
        try:
            found = read_values(found, config, {name: getattr(wanted, name)}, channels)
        except SettingsErrors:
            kept.append(name)
    return found, tuple(kept)


def restored_rules(desks: Desks, wanted: tuple[PageRule, ...]) -> tuple[tuple[PageRule, ...], tuple[PageRule, ...]]:
    """What restoring earlier page rules saves, and the rules that are left out: their desks are gone or internal."""
    usable = tuple(rule for rule in wanted if desks.may_be_named(rule.desk))
    return usable, tuple(rule for rule in wanted if rule not in usable)


def _entry(row: Row[Any]) -> Entry:
    desk = str(plain(row.desk))
    return Entry(row.id, desk, _rules_change(row) if desk == PAGE_RULES else read_change(row))


def _rules_change(row: Row[Any]) -> RulesChange | DamagedRow:
    damaged = damage(settings_change, row)
    if damaged is not None:
        return damaged
    before, after = (_rules(read_json(text)) for text in (row.before, row.after))
    if before is None or after is None:
        sides = {"before": before, "after": after}
        return DamagedRow(dict(row._mapping), tuple(name for name, rules in sides.items() if rules is None))
    return RulesChange(row.version, row.changed_at, row.changed_by, before, after)


def _rules(value: Any) -> tuple[PageRule, ...] | None:
    found = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, list) and len(one) == 2 for one in found):
        return None
    if not all(isinstance(text, str) for one in found for text in one):
        return None
    return tuple(PageRule(*one) for one in found)
