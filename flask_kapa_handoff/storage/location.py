"""Locates an app's database: the one in the configuration, the site's own, or a file."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import AssertionPool, SingletonThreadPool, StaticPool

from ..errors import SchemaError
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _

FILE = "kapa_handoff.sqlite3"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Location:
    """Finds an app's database at first use, so that the site can set up its extensions in any order.

    Arguments:
        uri: KAPA_HANDOFF_DATABASE_URI, if it is set.
        engine: the engine that the site passed to ``KapaHandoff``, if any.
    """

    app: Flask
    uri: str | None
    engine: Engine | None

    def __call__(self) -> str | Engine:
        """The URL of the database to open, or the site's own engine.

        Raises:
            SchemaError: the site's engine cannot give us a connection of our own.
        """
        shared = self.engine
        if shared is None and self.uri is None:
            shared = self._engine_of_flask_sqlalchemy()
        if shared is not None and _gives_connections_of_our_own(shared):
            return shared
        if self.uri is not None:
            return self._configured(self.uri)
        if shared is None:
            return f"sqlite:///{self.default_file}"
        if self.app.testing:
            return f"sqlite:///{self._temporary_file}"
        raise SchemaError(
            _(
                "The site's database is in memory, or has one connection for everybody (%(pool)s); the handoff would "
                "end the site's own transactions in it.",
                pool=type(shared.pool).__name__,
            ),
            _(
                "Give the handoff a file of its own: set KAPA_HANDOFF_DATABASE_URI. In tests, set TESTING: tickets "
                "are then kept in a temporary file."
            ),
        )

    @property
    def default_file(self) -> Path:
        """The file to use if neither the configuration nor the site names a database."""
        return Path(self.app.instance_path) / FILE

    @property
    def is_default(self) -> bool:
        """Whether that file is used."""
        is_named = self.engine is not None or self.uri is not None
        return not is_named and self._engine_of_flask_sqlalchemy() is None

    @property
    def warning(self) -> LazyText | None:
        """What is wrong with the file's location; None: as far as can be seen, it survives the next deploy."""
        # Flask's choice for a site that is installed as a package without a virtual environment, as in a container.
        in_venv = sys.prefix != sys.base_prefix
        place = sys.prefix if in_venv else f"{sys.prefix}/var"
        if not self.default_file.is_relative_to(place) or not self.is_default:
            return None
        if in_venv:
            return _(
                "The tickets are kept in %(file)s, inside the virtual environment: a new virtual environment would "
                "start empty.",
                file=self.default_file,
            )
        return _(
            "The tickets are kept in %(file)s, inside the Python installation: a new Python installation would start "
            "empty.",
            file=self.default_file,
        )

    def _configured(self, uri: str) -> str:
        url = make_url(uri)
        if url.get_backend_name() != "sqlite" or str(url.database).startswith("file:"):
            return uri
        # As in Flask-SQLAlchemy: the web process and the worker may have different working directories.
        file = Path(self.app.instance_path) / str(url.database)
        return url.set(database=str(file)).render_as_string(hide_password=False)

    def _engine_of_flask_sqlalchemy(self) -> Engine | None:
        extension = self.app.extensions.get("sqlalchemy")
        if extension is None:
            return None
        with self.app.app_context():
            found: Engine | None = extension.engines.get(None)
        return found

    @cached_property
    def _temporary_file(self) -> Path:
        folder = tempfile.mkdtemp(prefix="kapa-handoff-tests-")
        weakref.finalize(
            self.app, shutil.rmtree, folder, ignore_errors=True
        )  # at the end of the process at the latest
        _logger.info("The site's database is in memory, so the tickets of its tests are kept in a temporary file.")
        return Path(folder) / FILE


def _gives_connections_of_our_own(engine: Engine) -> bool:
    # All threads, or everything in one thread, share one connection: committing or returning it would commit or roll
    # back what the site has begun in it.
    if isinstance(engine.pool, (StaticPool, SingletonThreadPool, AssertionPool)):
        return False
    url = engine.url
    in_memory = not url.database or ":memory:" in url.database or "mode=memory" in str(url)
    return engine.dialect.name != "sqlite" or not in_memory
