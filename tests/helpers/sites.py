"""The site of a test: its databases, its folder, its settings, its end."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from flask import Flask

from flask_kapa_handoff.state import EXTENSION, state_of
from flask_kapa_handoff.storage import PREFIX, search_sqlite

ROOT = Path(__file__).parent.parent.parent
DATABASES = ("sqlite", "postgresql")
CHOICES = ("KAPA_HANDOFF_DATABASE_URI", "SQLALCHEMY_DATABASE_URI")


def is_made_by_us(name: str) -> bool:
    """Whether a table is the package's, and not one of those that SQLite makes for the search's index."""
    return name.startswith(PREFIX) and not name.startswith(search_sqlite.NAME)


def new_site(folder: Path, *, name: str = "site", **config: Any) -> Flask:
    """A site whose tickets are delivered by commands; the package is not mounted yet."""
    app = Flask(name, instance_path=str(folder))
    app.config.update(
        SECRET_KEY="ab3f92c07d51e864",
        KAPA_HANDOFF_EMAIL="support@example.com",
        KAPA_HANDOFF_DELIVERY="external",
        MAIL_DEFAULT_SENDER="Site <site@example.com>",
    )
    app.config.update(config)
    return app


def environment_of(app: Flask) -> dict[str, str]:
    """The environment of a process that serves the same site: for ``app.config.from_prefixed_env()``."""
    uri = app.config.get("KAPA_HANDOFF_DATABASE_URI")
    return {**os.environ, **({"FLASK_KAPA_HANDOFF_DATABASE_URI": uri} if uri else {})}


def close(app: Flask) -> None:
    """Do what the end of a process does: stop the delivery, close the database."""
    if EXTENSION in app.extensions:
        state = state_of(app)
        state.delivery.stop()
        state.refusals.stop()
        state.answers.stop()
        state.database.close()


def file_of(app: Flask) -> Path:
    return Path(app.instance_path) / "kapa_handoff.sqlite3"


def pragma(path: Path, name: str) -> Any:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()
