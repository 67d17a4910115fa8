"""Reads a desk's row: what an admin has saved, maybe in a later version, or what is left of it."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Row

from ..form_parsing import read_form
from ..triggers import read_triggers
from .reading import read_json

MAX_VERSION = 999_999_999
"""The highest version of a desk's settings; beyond that, it is damaged."""

# Only its shape: what an admin saved was checked then, by the rules of its version and configuration.
_ADDRESS = re.compile(r'[^\s@,;:<>"]+@[^\s@,;:<>"]+')

_TYPES = {
    "email": str,
    "button_text": str,
    "triggers": str,
    "threshold": int,
    "form": str,
    "label": str,
    "channel": str,
    "mail_content": str,
    "tickets_per_hour": int,
    "reminder_email": str,
    "reminder_hours": int,
}


def read_desk(row: Row[Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings in a row with all columns, and the columns in which something cannot be read.

    An empty address stays empty.
    """
    stored = {name: value for name in _TYPES if (value := getattr(row, name)) is not None}
    # Exactly these types: a damaged text is a str, too.
    saved: dict[str, Any] = {name: value for name, value in stored.items() if type(value) is _TYPES[name]}
    unreadable = [name for name in stored if name not in saved]
    if "triggers" in saved:
        saved["triggers"] = read_triggers(saved["triggers"])
    if "form" in saved:
        written = read_json(saved["form"])
        saved["form"] = read_form(written)
        if not isinstance(written, dict):
            del saved["form"]
            unreadable.append("form")
    if saved.get("email") and (addresses := addresses_in(saved["email"])) != saved["email"]:
        unreadable.append("email")
        saved["email"] = addresses
    if not is_version(row.version):
        unreadable.append("version")
    return {name: value for name, value in saved.items() if value is not None}, tuple(unreadable)


def addresses_in(text: str) -> str | None:
    """The email addresses in a stored text, with ``, `` between them; None: none."""
    return ", ".join(_ADDRESS.findall(text)) or None


def is_version(value: Any) -> bool:
    """Whether it is the version of a desk's settings."""
    return type(value) is int and 0 < value <= MAX_VERSION
