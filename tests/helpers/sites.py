"""The site of a test: its databases, its folder, its settings, its end."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from flask_kapa_handoff.settings import current_settings, save_settings

ROOT = Path(__file__).parent.parent.parent
DATABASES = ("sqlite", "postgresql")
CHOICES = ("KAPA_HANDOFF_DATABASE_URI", "SQLALCHEMY_DATABASE_URI")


def environment_of(app: Flask) -> dict[str, str]:
    """The environment of a process that serves the same site: for ``app.config.from_prefixed_env()``."""
    uri = app.config.get("KAPA_HANDOFF_DATABASE_URI")
    return {**os.environ, **({"FLASK_KAPA_HANDOFF_DATABASE_URI": uri} if uri else {})}


def close(app: Flask) -> None:
    """What the end of a process does: stop the delivery, close the database."""
    state = app.extensions.get("kapa_handoff")
    if state is not None:
        state.delivery.stop()
        state.refusals.stop()
        state.database.close()


def file_of(app: Flask) -> Path:
    return Path(app.instance_path) / "kapa_handoff.sqlite3"


def pragma(path: Path, name: str) -> Any:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


def switch_off(app: Flask) -> None:
    state = app.extensions["kapa_handoff"]
    with state.database.write() as connection:
        settings = current_settings(connection, state.config)
        save_settings(connection, state.config, replace(settings, enabled=False), changed_by="a test")
