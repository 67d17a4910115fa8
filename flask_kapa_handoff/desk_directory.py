"""All desks of a site, and the rules that choose one of them by the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from .config import Config
from .desk_settings import DEFAULT_DESK, DeskSettings, is_desk_name
from .errors import Invalid
from .page_rules import MAX_RULES, PageRule, first_match
from .settings import add_to_history, current_settings, default_settings, latest_version, settings_in
from .storage.reading import plain
from .storage.tables import desk as desk_table
from .storage.tables import page_rule

PAGE_RULES = "/"
"""What the settings' history calls the page rules; no desk has this name."""


@dataclass(frozen=True)
class Desks:
    """Every desk, by its name, the default one first, then by label; also those that were removed.

    Arguments:
        all: their settings.
        rules: the page rules in their order.
    """

    all: Mapping[str, DeskSettings]
    rules: tuple[PageRule, ...] = ()

    @property
    def present(self) -> Mapping[str, DeskSettings]:
        """The desks that were not removed."""
        return {name: settings for name, settings in self.all.items() if not settings.removed}

    @property
    def recipients(self) -> Mapping[str, str | None]:
        """Where each desk's tickets go, by its name."""
        return {name: settings.email for name, settings in self.present.items()}

    def go_to(self, email: str) -> bool:
        """Whether any desk's tickets or reminders go to this address, in upper or lower case."""
        addresses = (
            address
            for settings in self.present.values()
            for address in (*settings.recipients, settings.reminder_email or "")
        )
        return email.lower() in map(str.lower, addresses)

    def serving(self, desk: str) -> DeskSettings:
        """The settings of this desk, or of the default one if there is no such desk."""
        found = self.all.get(desk)
        return self.all[DEFAULT_DESK] if found is None or found.removed else found

    def may_be_named(self, desk: str) -> bool:
        """Whether a browser may name this desk."""
        found = self.all.get(desk)
        return found is not None and not found.removed and not found.internal

    def of_path(self, path: str) -> PageRule | None:
        """The rule that decides about a page; None: there is none. A rule for a desk that browsers may not name never
        fits, since a browser says which page it shows."""
        return first_match((rule for rule in self.rules if self.may_be_named(rule.desk)), path)


def read_desks(connection: Connection, config: Config) -> Desks:
    """Everything as it is stored, without desks whose names cannot be read."""
    rows = [row for row in connection.execute(select(desk_table)).all() if is_desk_name(row.name)]
    found = [settings_in(connection, config, row) for row in rows]
    found.sort(key=lambda settings: (settings.desk != DEFAULT_DESK, settings.shown_label.casefold(), settings.desk))
    stored = {settings.desk: settings for settings in found}
    return Desks({DEFAULT_DESK: default_settings(config)} | stored, read_rules(connection))


def read_rules(connection: Connection) -> tuple[PageRule, ...]:
    """The page rules in their order."""
    rows = connection.execute(select(page_rule).order_by(page_rule.c.position))
    return tuple(PageRule(str(plain(row.pattern)), str(plain(row.desk))) for row in rows)


def rules_version(connection: Connection) -> int:
    """The version of the page rules; 0: nobody has changed them."""
    return latest_version(connection, PAGE_RULES)


class RulesConflict(Exception):
    """Somebody else changed the page rules in between."""


def save_rules(
    connection: Connection, config: Config, rules: Iterable[PageRule], *, version: int, changed_by: str
) -> bool:
    """Store the page rules, in their order, and an entry in the history.

    Arguments:
        connection: a writing one, see ``Database.write()``.
        version: the one that the admin saw.

    Returns:
        Whether anything changed.

    Raises:
        RulesConflict: the version that the admin saw is not the current one.
        Invalid: there are too many, or a new one names a desk that does not exist, or that browsers may not name. One
            that is stored already stays, since its desk may come back.
    """
    if rules_version(connection) != version:
        raise RulesConflict
    before, after = read_rules(connection), tuple(rules)
    if before == after:
        return False
    if len(after) > MAX_RULES:
        raise Invalid(fields={"rules": [f"There may be at most {MAX_RULES} rules."]})
    for name in {rule.desk for rule in after if rule not in before}:
        found = current_settings(connection, config, name)
        if found.removed or found.internal:
            raise Invalid(fields={"rules": [f"No page rule may choose the desk {name!r}: it is internal or removed."]})
    connection.execute(delete(page_rule))
    if after:
        rows = [{"position": at, **rule._asdict()} for at, rule in enumerate(after)]
        connection.execute(insert(page_rule), rows)
    as_json = ({"rules": [list(rule) for rule in some]} for some in (before, after))
    add_to_history(connection, PAGE_RULES, version + 1, *as_json, changed_by=changed_by)
    return True
