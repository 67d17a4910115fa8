"""Checks a desk's settings, whether an admin's page, a command or the site's own code changes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from .config import Config, key_of
from .config_values import (
    MAIL,
    parse_button_text,
    parse_flag,
    parse_recipients,
    parse_threshold,
    parse_trigger_setting,
    whole_number,
)
from .desk_settings import MAIL_CONTENTS, MAX_LABEL, SETTINGS, DeskSettings
from .form_parsing import parse_form
from .form_settings import FormSettings
from .text import clean_text

MAX_TICKETS_PER_HOUR = 1_000_000
parse_tickets_per_hour = whole_number(1, MAX_TICKETS_PER_HOUR)


class SettingsErrors(ValueError):
    """Some values are not allowed; ``by_name`` has a sentence for each setting."""

    def __init__(self, by_name: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {told}" for name, told in by_name.items()))
        self.by_name = by_name


def parse_label(value: Any) -> str:
    """What people call a desk; empty: its name."""
    if not isinstance(value, str) or len(value) > MAX_LABEL:
        raise ValueError(f"use text of at most {MAX_LABEL} characters")
    return " ".join("".join(filter(str.isprintable, clean_text(value))).split())[:MAX_LABEL]


def parse_mail_content(value: Any) -> str:
    """One of :data:`.MAIL_CONTENTS`."""
    if value not in MAIL_CONTENTS:
        raise ValueError(f"use {' or '.join(MAIL_CONTENTS)}")
    return str(value)


def usable_channels(config: Config, registered: Collection[str], current: str) -> tuple[str, ...]:
    """The channels that a desk may use: mail, those of the site, the configured one, and the one that it has."""
    return tuple(dict.fromkeys((MAIL, *registered, config.channel, current)))


def read_values(
    current: DeskSettings, config: Config, values: Mapping[str, Any], channels: Collection[str]
) -> DeskSettings:
    """A desk's settings with some values changed, each as the configuration has it: text, a list, a number or a dict.

    A value that is equal to the current one, as :meth:`.DeskSettings.as_json` has it, is always allowed: a later
    version may have saved it.

    Arguments:
        channels: the names of the channels that the site has registered.

    Raises:
        SettingsErrors: a value is not allowed, KAPA_HANDOFF_PINNED fixes it, or there is no such setting.
    """
    usable = usable_channels(config, channels, current.channel)

    def channel(value: Any) -> str:
        if value not in usable:
            raise ValueError(f"use one of {', '.join(usable)}")
        return str(value)

    parsers: Mapping[str, Callable[[Any], Any]] = {
        "enabled": parse_flag,
        "email": lambda value: parse_recipients(value, config.special_domains) if value else None,
        "button_text": parse_button_text,
        "triggers": parse_trigger_setting,
        "threshold": parse_threshold,
        "form": lambda value: value if isinstance(value, FormSettings) else parse_form(value),
        "label": parse_label,
        "internal": parse_flag,
        "channel": channel,
        "mail_content": parse_mail_content,
        "tickets_per_hour": lambda value: None if value in (None, "") else parse_tickets_per_hour(value),
        "removed": parse_flag,
    }
    errors: dict[str, str] = {}
    read: dict[str, Any] = {}
    stored = current.as_json()
    for name, value in values.items():
        if name in parsers and value == stored[name]:
            continue
        if name not in parsers:
            errors[name] = f"there is no such setting; use any of {', '.join(SETTINGS)}"
            continue
        try:
            read[name] = parsers[name](value)
        except ValueError as error:
            errors[name] = str(error)
            continue
        if name in config.pinned and read[name] != getattr(current, name):
            errors[name] = f"{key_of('pinned')} keeps it as {key_of(name)} says"
    if errors:
        raise SettingsErrors(errors)
    return replace(current, **read)
