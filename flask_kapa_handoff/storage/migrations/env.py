"""Alembic's environment: runs the migrations on the connection that ``schema.upgrade()`` hands over."""

from __future__ import annotations

from alembic import context

from flask_kapa_handoff.storage import PREFIX, VERSION_TABLE
from flask_kapa_handoff.storage.indexes import metadata


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Excludes the site's own tables from comparisons."""
    return kind != "table" or (name or "").startswith(PREFIX)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=is_ours,
    render_as_batch=True,
    # The caller's transaction holds the write lock; a second one, Alembic's, would release it.
    transactional_ddl=False,
)
context.run_migrations()
