"""Desks: adds one as a site's own code does."""

from __future__ import annotations

from typing import Any

from flask import Flask

from flask_kapa_handoff.desk_settings import DeskSettings
from flask_kapa_handoff.settings_api import Settings


def save_desk(app: Flask, desk: str = "sales", **values: Any) -> DeskSettings:
    """Add a desk, or change one; a new one has an address."""
    with app.app_context():
        settings = Settings()
        if desk not in settings.all():
            values = {"email": f"{desk}@example.com", "label": desk.capitalize(), **values}
        return settings.save(desk, changed_by="ada", **values)


def remove_desk(app: Flask, desk: str = "sales") -> None:
    with app.app_context():
        Settings().remove(desk, changed_by="ada")


def save_rules(app: Flask, *rules: tuple[str, str]) -> None:
    """Replace the page rules."""
    with app.app_context():
        Settings().save_page_rules(rules, changed_by="ada")
