"""A desk's settings: the site's configuration gives the defaults, what an admin saves overrides them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from .config import Config
from .errors import Invalid
from .storage.desks import is_version, read_desk
from .storage.engine import now
from .storage.reading import DamagedRow, damage, read_json
from .storage.tables import desk as desk_table
from .storage.tables import settings_change
from .triggers import Trigger, read_triggers
from .unknown import Unknown, log_once

DEFAULT_DESK = "default"

DESKS = (DEFAULT_DESK,)
"""The names of all desks."""

_DESK = select(desk_table).where(desk_table.c.name == bindparam("name"))


@dataclass(frozen=True)
class DeskSettings:
    """The settings of one desk.

    Arguments:
        desk: the desk's name.
        enabled: whether it shows buttons and takes tickets at all.
        email: where its tickets go; None: no button.
        button_text: the text of the button.
        triggers: an answer that meets any of these gets a button; no answer meets an unknown one, which a later
            version saved.
        threshold: the number of pairs from which ``conversation-length`` is met.
        version: 0 until an admin saves; one more with every change.
    """

    desk: str
    enabled: bool
    email: str | None
    button_text: str
    triggers: tuple[Trigger | Unknown, ...]
    threshold: int
    version: int = 0

    @property
    def takes_tickets(self) -> bool:
        """Whether tickets can be sent: the desk is on and has an address."""
        return self.enabled and bool(self.email)

    @property
    def open_directly(self) -> bool:
        """Whether a visitor may open the form without an answer that qualifies."""
        return False

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {**values, "triggers": [trigger.value for trigger in self.triggers]}

    @classmethod
    def from_json(cls, values: Any) -> DeskSettings | None:
        """Read settings that :meth:`as_json` wrote, maybe in a later version, whose further keys are ignored.

        Returns:
            None: they cannot be read.
        """
        found = dict(values) if isinstance(values, Mapping) else {}
        if isinstance(found.get("triggers"), list):
            found["triggers"] = read_triggers(found["triggers"])
        if not all(_is_readable(name, found.get(name)) for name in _TYPES):
            return None
        return cls(**{name: found[name] for name in _TYPES})

    def differences(self, other: DeskSettings) -> tuple[str, ...]:
        """The names of the settings that differ, except the version."""
        names = ("enabled", "email", "button_text", "triggers", "threshold")
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))


_TYPES: Mapping[str, tuple[type, ...]] = {
    "desk": (str,),
    "enabled": (bool,),
    "email": (str, type(None)),
    "button_text": (str,),
    "triggers": (tuple,),
    "threshold": (int,),
    "version": (int,),
}


def _is_readable(name: str, value: Any) -> bool:
    return isinstance(value, _TYPES[name])


@dataclass(frozen=True)
class SettingsChange:
    """One entry of the history."""

    version: int
    changed_at: datetime
    changed_by: str
    before: DeskSettings
    after: DeskSettings


class SettingsConflict(Exception):
    """Somebody else saved in between; ``current`` is what they saved."""

    def __init__(self, current: DeskSettings) -> None:
        super().__init__("the settings were changed in between")
        self.current = current


def default_settings(config: Config, desk: str = DEFAULT_DESK) -> DeskSettings:
    """The settings according to the site's configuration.

    Raises:
        Invalid: there is no such desk.
    """
    if desk not in DESKS:
        raise Invalid(fields={"desk": [f"There is no desk {desk[:60]!r}; use {', '.join(DESKS)}."]})
    return DeskSettings(desk, True, config.email, config.button_text, config.triggers, config.threshold)


def current_settings(connection: Connection, config: Config, desk: str = DEFAULT_DESK) -> DeskSettings:
    """The current settings.

    Raises:
        Invalid: there is no such desk.
    """
    settings = default_settings(config, desk)
    row = connection.execute(_DESK, {"name": desk}).one_or_none()
    if row is None:
        return settings
    saved, unreadable = read_desk(row)
    for name in unreadable:
        log_once(f"setting {name}", getattr(row, name))
    overrides = {name: value for name, value in saved.items() if name not in config.pinned}
    if overrides.get("email") == "":  # an admin removed the address; an empty column means "as configured"
        overrides["email"] = None
    version = max(1, _latest_version(connection, desk)) if "version" in unreadable else row.version
    return replace(settings, enabled=bool(row.enabled), version=version, **overrides)


def _latest_version(connection: Connection, desk: str) -> int:
    """The version of the latest change; 0: there is none that can be read."""
    latest = select(settings_change.c.version).where(settings_change.c.desk == desk)
    found = connection.execute(latest.order_by(settings_change.c.id.desc())).scalars()
    return next(filter(is_version, found), 0)


def save_settings(
    connection: Connection, config: Config, wanted: DeskSettings, *, changed_by: str
) -> tuple[DeskSettings, DeskSettings]:
    """Store an admin's settings and an entry in the history.

    A value that equals the configured one is not stored, so it keeps following the configuration. A pinned value is
    always the configured one.

    Arguments:
        connection: a writing one, see ``Database.write()``.
        wanted: the settings; ``version`` is the one that the admin saw.
        changed_by: who saves.

    Returns:
        The settings before and after; they are equal if nothing changes.

    Raises:
        SettingsConflict: the version that the admin saw is not the current one.
        Invalid: there is no such desk.
    """
    before = current_settings(connection, config, wanted.desk)
    if before.version != wanted.version:
        raise SettingsConflict(before)
    defaults = default_settings(config, wanted.desk)
    # The history may know later versions than the desk's row, which may be gone or damaged.
    version = max(before.version, _latest_version(connection, wanted.desk)) + 1
    after = replace(wanted, **{name: getattr(defaults, name) for name in config.pinned}, version=version)
    if not before.differences(after):
        return before, before
    values = _overrides(after, defaults) | {"enabled": after.enabled, "version": after.version}
    if not connection.execute(update(desk_table).where(desk_table.c.name == after.desk).values(**values)).rowcount:
        connection.execute(insert(desk_table).values(name=after.desk, **values))
    connection.execute(
        insert(settings_change).values(
            desk=after.desk,
            version=after.version,
            changed_at=now(connection),
            changed_by=changed_by,
            before=json.dumps(before.as_json()),
            after=json.dumps(after.as_json()),
        )
    )
    return before, after


def _overrides(wanted: DeskSettings, defaults: DeskSettings) -> dict[str, Any]:
    changed = wanted.differences(defaults)
    return {
        "email": (wanted.email or "") if "email" in changed else None,
        "button_text": wanted.button_text if "button_text" in changed else None,
        "triggers": ",".join(wanted.triggers) if "triggers" in changed else None,
        "threshold": wanted.threshold if "threshold" in changed else None,
    }


def settings_history(connection: Connection, desk: str = DEFAULT_DESK, *, limit: int = 20) -> list[SettingsChange]:
    """The latest changes, newest first, without those that cannot be read."""
    return [row for row in history_rows(connection, desk, limit=limit) if isinstance(row, SettingsChange)]


def history_rows(
    connection: Connection, desk: str = DEFAULT_DESK, *, limit: int = 20
) -> list[SettingsChange | DamagedRow]:
    """The latest changes, newest first; and the rows in which something cannot be read."""
    query = (
        select(settings_change)
        .where(settings_change.c.desk == desk)
        .order_by(settings_change.c.version.desc())
        .limit(limit)
    )
    return [_change(row) for row in connection.execute(query)]


def _change(row: Row[Any]) -> SettingsChange | DamagedRow:
    damaged = damage(settings_change, row)
    if damaged is not None:
        return damaged
    before, after = (DeskSettings.from_json(read_json(text)) for text in (row.before, row.after))
    if before is None or after is None:
        sides = {"before": before, "after": after}
        return DamagedRow(dict(row._mapping), tuple(name for name, settings in sides.items() if settings is None))
    return SettingsChange(row.version, row.changed_at, row.changed_by, before, after)
