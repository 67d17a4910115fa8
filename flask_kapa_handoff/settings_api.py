"""``handoff.settings``: the desks' settings for the site's own code, with the checks and the history of the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .desk_directory import RulesConflict, read_desks, read_rules, rules_version, save_rules
from .desk_document import exported, read_document
from .desk_labels import check_label, is_new_label
from .desk_settings import DEFAULT_DESK, DeskSettings
from .errors import Invalid, named_errors
from .page_rules import PageRule, parse_pattern
from .settings import SettingsConflict, absent_settings, current_settings, save_settings
from .settings_values import SettingsErrors, read_values
from .signals import notify, settings_changed
from .state import State, current_state


def store(
    state: State, wanted: DeskSettings, *, changed_by: str, is_new: bool = False
) -> tuple[DeskSettings, DeskSettings]:
    """Save settings; this process uses them at once, and ``settings_changed`` is sent.

    Returns:
        The settings before and after.

    Raises:
        SettingsConflict: see :func:`.save_settings`.
        Invalid: the same; or with the field ``label``: another desk has this label.
    """
    with state.database.write() as connection:
        before, after = save_settings(connection, state.config, wanted, changed_by=changed_by, is_new=is_new)
        if is_new_label(before, after):
            check_label(read_desks(connection, state.config).present, after)
    if before != after:
        state.settings_cache.clear()
        notify(settings_changed, state.app, desk=after.desk, before=before, after=after, changed_by=changed_by)
    return before, after


def store_rules(state: State, rules: Iterable[PageRule], *, version: int | None, changed_by: str) -> bool:
    """Save the page rules; this process uses them at once.

    Arguments:
        version: the one that the admin saw; None: whichever it is.

    Raises:
        RulesConflict, Invalid: see :func:`.save_rules`.
    """
    with state.database.write() as connection:
        seen = rules_version(connection) if version is None else version
        changed = save_rules(connection, state.config, rules, version=seen, changed_by=changed_by)
    state.settings_cache.clear()
    return changed


class Settings:
    """Reads and saves the settings of desks. Call its methods in the app's context.

    Every method raises ``Unavailable`` if the database cannot be reached.
    """

    def __init__(self, state: Callable[[], State] = current_state) -> None:
        self._state = state

    def get(self, desk: str = DEFAULT_DESK) -> DeskSettings:
        """The current settings of a desk.

        Raises:
            LookupError: there is no such desk.
        """
        state = self._state()
        try:
            with state.database.read() as connection:
                found = current_settings(connection, state.config, desk)
        except Invalid:
            found = None
        if found is None or found.removed:
            raise LookupError(f"there is no desk {desk!r}")
        return found

    def all(self) -> dict[str, DeskSettings]:
        """The current settings of each desk, by its name."""
        state = self._state()
        with state.database.read() as connection:
            return dict(read_desks(connection, state.config).present)

    def add(self, desk: str, *, changed_by: str, **values: Any) -> DeskSettings:
        """Add a desk, or one again that was removed.

        Arguments:
            desk: its name, as pages have it in their markup.
            changed_by: the name in the history.
            values: as in :meth:`save`.

        Returns:
            Its settings.

        Raises:
            ValueError: there is such a desk, or a value is not allowed; the message names each.
        """
        try:
            return store(self._state(), self._absent(desk, values), changed_by=changed_by, is_new=True)[1]
        except Invalid as error:
            raise ValueError(named_errors(error.fields)) from None

    def save(self, desk: str = DEFAULT_DESK, *, changed_by: str, **values: Any) -> DeskSettings:
        """Change settings of a desk. A new name adds a desk.

        Arguments:
            changed_by: the name in the history.
            values: any of the attributes of :class:`DeskSettings` but ``desk`` and ``version``, as the configuration
                has them: ``email`` and ``triggers`` as comma-separated text or lists, ``form`` as a dict.

        Returns:
            The settings after that.

        Raises:
            ValueError: a value is not allowed; the message names each.
        """
        wanted, is_new = self._wanted(desk, values)
        try:
            return store(self._state(), wanted, changed_by=changed_by, is_new=is_new)[1]
        except SettingsConflict:
            # Somebody saved between the two transactions: what is not named here stays as they saved it.
            return self.save(desk, changed_by=changed_by, **values)
        except Invalid as error:
            raise ValueError(named_errors(error.fields)) from None

    def _wanted(self, desk: str, values: Mapping[str, Any]) -> tuple[DeskSettings, bool]:
        """The settings with these values, and whether the desk is new."""
        try:
            current = self.get(desk)
        except LookupError:
            return self._absent(desk, values), True
        return self._with_values(current, values), False

    def _absent(self, desk: str, values: Mapping[str, Any]) -> DeskSettings:
        """The settings of a new desk with these values."""
        state = self._state()
        try:
            with state.database.read() as connection:
                absent = absent_settings(connection, state.config, desk)
        except Invalid as error:
            raise ValueError(named_errors(error.fields)) from None
        return self._with_values(replace(absent, removed=False, enabled=True), values)

    def _with_values(self, current: DeskSettings, values: Mapping[str, Any]) -> DeskSettings:
        state = self._state()
        return read_values(current, state.config, values, state.registered.channels)

    def remove(self, desk: str, *, changed_by: str) -> None:
        """Remove a desk. Its tickets stay, and the page rules that choose it have no effect.

        Raises:
            LookupError: there is no such desk.
            ValueError: it is the default desk, which stays.
        """
        self.get(desk)
        self.save(desk, changed_by=changed_by, removed=True, enabled=False)

    def export(self) -> dict[str, Any]:
        """Every desk and the page rules that have an effect, as JSON can have them, for :meth:`load`."""
        state = self._state()
        with state.database.read() as connection:
            desks = read_desks(connection, state.config)
        return {
            "desks": [exported(settings) for settings in desks.present.values()],
            "page_rules": [list(rule) for rule in desks.rules if desks.may_be_named(rule.desk)],
        }

    def load(self, document: Any, *, changed_by: str) -> tuple[str, ...]:
        """Save what :meth:`export` has returned, here or on another site: each desk, then the page rules.

        Desks that are not in it stay, and so do the page rules if it has none. Each value is checked before the first
        one is saved.

        Arguments:
            changed_by: the name in the history.

        Returns:
            The names of the desks that changed.

        Raises:
            ValueError: something is not allowed; the message names the desk and each such value.
        """
        desks, rules = read_document(document)
        wanted, new, errors = dict[str, DeskSettings](), dict[str, bool](), list[str]()
        for desk, values in desks.items():
            try:
                wanted[desk], new[desk] = self._wanted(desk, values)
            except ValueError as error:
                errors.append(f"{desk}: {error}")
        present, stored = self.all(), self.page_rules
        together = {**present, **wanted}  # two desks may exchange their labels
        for desk, settings in wanted.items():
            if desk not in present or is_new_label(present[desk], settings):
                try:
                    check_label(together, settings)
                except Invalid as error:
                    errors.append(f"{desk}: {named_errors(error.fields)}")
        usable = {name for name, settings in together.items() if not settings.internal}
        errors += [
            f"page_rules: {rule.desk!r} is no desk that pages may have"
            for rule in rules or ()
            if rule.desk not in usable and rule not in stored
        ]
        if errors:
            raise ValueError("; ".join(errors))
        state, saved = self._state(), list[tuple[DeskSettings, DeskSettings]]()
        try:
            with state.database.write() as connection:  # all of it or nothing
                for desk, settings in wanted.items():
                    config, is_new = state.config, new[desk]
                    saved.append(save_settings(connection, config, settings, changed_by=changed_by, is_new=is_new))
                if rules is not None:
                    version = rules_version(connection)
                    save_rules(connection, state.config, rules, version=version, changed_by=changed_by)
        except SettingsConflict:
            # Somebody saved meanwhile: what the document does not name stays as they saved it.
            return self.load(document, changed_by=changed_by)
        except Invalid as error:
            raise ValueError(named_errors(error.fields)) from None
        state.settings_cache.clear()
        changed = [(before, after) for before, after in saved if before != after]
        for before, after in changed:
            notify(settings_changed, state.app, desk=after.desk, before=before, after=after, changed_by=changed_by)
        return tuple(after.desk for _before, after in changed)

    @property
    def page_rules(self) -> tuple[PageRule, ...]:
        """The page rules in their order."""
        with self._state().database.read() as connection:
            return read_rules(connection)

    def save_page_rules(self, rules: Iterable[tuple[str, str]], *, changed_by: str) -> None:
        """Replace the page rules.

        Arguments:
            rules: pairs of a path, in which ``*`` stands for anything, and the name of a desk. The first that fits a
                page decides.

        Raises:
            ValueError: a path is empty or too long, or the desk of a new rule does not exist or is internal.
        """
        parsed = [PageRule(parse_pattern(pattern), desk) for pattern, desk in rules]
        try:
            store_rules(self._state(), parsed, version=None, changed_by=changed_by)
        except Invalid as error:
            raise ValueError(named_errors(error.fields)) from None


__all__ = ["RulesConflict", "Settings", "SettingsErrors", "store", "store_rules"]
