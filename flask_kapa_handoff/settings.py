"""Reads and saves a desk's settings: the configuration gives the defaults, what an admin saves overrides them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from .config import Config
from .desk_settings import DEFAULT_DESK as DEFAULT_DESK
from .desk_settings import DESK_NAME
from .desk_settings import DeskSettings as DeskSettings
from .errors import Invalid
from .storage.desks import is_version, read_desk
from .storage.engine import now
from .storage.reading import DamagedRow, damage, read_json
from .storage.tables import desk as desk_table
from .storage.tables import settings_change
from .unknown import log_once

_DESK = select(desk_table).where(desk_table.c.name == bindparam("name"))
VERSION_OF_DESK = select(desk_table.c.version).where(desk_table.c.name == bindparam("desk"))
"""The version of the settings of the parameter ``desk``, which changes whenever an admin saves them."""


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
    """A desk's settings according to the site's configuration. Only the default desk has an address from there."""
    has_address = desk == DEFAULT_DESK or "email" in config.pinned
    return DeskSettings(
        desk,
        True,
        config.email if has_address else None,
        config.button_text,
        config.triggers,
        config.threshold,
        form=config.form,
        channel=config.channel,
    )


def current_settings(connection: Connection, config: Config, desk: str = DEFAULT_DESK) -> DeskSettings:
    """The current settings of a desk, maybe one that was removed.

    Raises:
        Invalid: there is no such desk, and never was.
    """
    row = connection.execute(_DESK, {"name": desk}).one_or_none() if is_storable(desk) else None
    if row is not None:
        return settings_in(connection, config, row)
    if desk == DEFAULT_DESK:
        return default_settings(config)
    raise Invalid(fields={"desk": [f"There is no desk {desk[:60]!r}."]})


def serving_settings(connection: Connection, config: Config, desk: str) -> DeskSettings:
    """The settings of the desk that serves where ``desk`` is named: else the default one."""
    try:
        found = current_settings(connection, config, desk)
    except Invalid:
        log_once("desk", desk)
    else:
        if not found.removed:
            return found
    return current_settings(connection, config)


def settings_in(connection: Connection, config: Config, row: Row[Any]) -> DeskSettings:
    """The settings in a desk's row; where something cannot be read, those of the site's configuration."""
    saved, unreadable = read_desk(row)
    for name in unreadable:
        log_once(f"setting {name}", getattr(row, name))
    overrides = {name: value for name, value in saved.items() if name not in config.pinned}
    if overrides.get("email") == "":  # an admin removed the address; an empty column means "as configured"
        overrides["email"] = None
    version = max(1, latest_version(connection, row.name)) if "version" in unreadable else row.version
    flags: dict[str, Any] = {
        name: bool(getattr(row, name)) for name in ("enabled", "internal", "removed", "take_link")
    }
    return replace(default_settings(config, row.name), **flags, version=version, **overrides)


def is_storable(text: str) -> bool:
    """Whether a text that a request names a desk by can be looked for: PostgreSQL accepts no NUL in a text."""
    return "\0" not in text


def latest_version(connection: Connection, desk: str) -> int:
    """The version of the latest change; 0: there is none that can be read."""
    latest = select(settings_change.c.version).where(settings_change.c.desk == desk)
    found = connection.execute(latest.order_by(settings_change.c.id.desc())).scalars()
    return next(filter(is_version, found), 0)


def absent_settings(connection: Connection, config: Config, desk: str) -> DeskSettings:
    """The settings of a desk that does not exist, from which a new one begins.

    Raises:
        Invalid: it cannot be the name of a desk, or there is such a desk.
    """
    if not DESK_NAME.fullmatch(desk):
        told = "use a lower-case letter, then up to 31 more, digits, _ or -"
        raise Invalid(fields={"desk": [f"{desk[:60]!r} is not allowed: {told}."]})
    try:
        found = current_settings(connection, config, desk)
    except Invalid:
        version = latest_version(connection, desk)
        return replace(default_settings(config, desk), enabled=False, removed=True, version=version)
    if found.removed:
        return found
    raise Invalid(fields={"desk": [f"There is a desk {desk!r} already."]})


def save_settings(
    connection: Connection, config: Config, wanted: DeskSettings, *, changed_by: str, is_new: bool = False
) -> tuple[DeskSettings, DeskSettings]:
    """Store an admin's settings and an entry in the history.

    A value that equals the configured one is not stored, so it keeps following the configuration. A pinned value is
    always the configured one.

    Arguments:
        connection: a writing one, see ``Database.write()``.
        wanted: the settings; ``version`` is the one that the admin saw.
        changed_by: who saves.
        is_new: whether this adds the desk; ``version`` does not matter then.

    Returns:
        The settings before and after; they are equal if nothing changes.

    Raises:
        SettingsConflict: the version that the admin saw is not the current one.
        Invalid: there is no such desk, or for a new one, there is; or it is the default desk that should go.
    """
    before = (absent_settings if is_new else current_settings)(connection, config, wanted.desk)
    if before.version != wanted.version and not is_new:
        raise SettingsConflict(before)
    if wanted.desk == DEFAULT_DESK and (wanted.removed or wanted.internal):
        raise Invalid(fields={"desk": ["The default desk serves wherever no other one does, so it stays."]})
    defaults = default_settings(config, wanted.desk)
    # The history may know later versions than the desk's row, which may be gone or damaged.
    version = max(before.version, latest_version(connection, wanted.desk)) + 1
    after = replace(wanted, **{name: getattr(defaults, name) for name in config.pinned}, version=version)
    if not before.differences(after):
        return before, before
    values = {**_overrides(after, defaults), "version": after.version}
    if not connection.execute(update(desk_table).where(desk_table.c.name == after.desk).values(**values)).rowcount:
        connection.execute(insert(desk_table).values(name=after.desk, **values))
    add_to_history(connection, after.desk, version, before.as_json(), after.as_json(), changed_by=changed_by)
    return before, after


def _overrides(wanted: DeskSettings, defaults: DeskSettings) -> dict[str, Any]:
    changed = wanted.differences(defaults)
    return {
        "enabled": wanted.enabled,
        "internal": wanted.internal,
        "removed": wanted.removed,
        "email": (wanted.email or "") if "email" in changed else None,
        "button_text": wanted.button_text if "button_text" in changed else None,
        "triggers": ",".join(wanted.triggers) if "triggers" in changed else None,
        "threshold": wanted.threshold if "threshold" in changed else None,
        "form": json.dumps(wanted.form.as_json()) if "form" in changed else None,
        "channel": wanted.channel if "channel" in changed else None,
        "mail_content": wanted.mail_content if "mail_content" in changed else None,
        "label": wanted.label or None,
        "tickets_per_hour": wanted.tickets_per_hour,
        "take_link": wanted.take_link,
        "reminder_email": wanted.reminder_email,
        "reminder_hours": wanted.reminder_hours if "reminder_hours" in changed else None,
    }


def add_to_history(
    connection: Connection, desk: str, version: int, before: Any, after: Any, *, changed_by: str
) -> None:
    """Add an entry to the history of a desk."""
    connection.execute(
        insert(settings_change).values(
            desk=desk,
            version=version,
            changed_at=now(connection),
            changed_by=changed_by,
            before=json.dumps(before),
            after=json.dumps(after),
        )
    )


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
    return [read_change(row) for row in connection.execute(query)]


def read_change(row: Row[Any]) -> SettingsChange | DamagedRow:
    """One entry of a desk's history, from its row."""
    damaged = damage(settings_change, row)
    if damaged is not None:
        return damaged
    before, after = (DeskSettings.from_json(read_json(text)) for text in (row.before, row.after))
    if before is None or after is None:
        sides = {"before": before, "after": after}
        return DamagedRow(dict(row._mapping), tuple(name for name, settings in sides.items() if settings is None))
    return SettingsChange(row.version, row.changed_at, row.changed_by, before, after)
