"""Whether a proxy hid the visitor; and indexes that keep maintenance fast when the tables are big."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TABLE = "kapa_handoff_ticket"
DUE = ["status", "next_attempt_at"]
DUE_AND_ORDERED = ["status", "next_attempt_at", "id", "queued_at"]


def upgrade() -> None:
    op.add_column(
        TABLE,
        sa.Column(
            "proxy_unheeded",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="the request named the visitor's address, and the app saw a proxy's",
        ),
    )
    op.drop_index(_name(DUE), TABLE)
    op.create_index(_name(DUE_AND_ORDERED), TABLE, DUE_AND_ORDERED)
    for column in ("delivered_at", "follows"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(_name([column]), TABLE, [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for columns in (["delivered_at"], ["follows"], DUE_AND_ORDERED):
        op.drop_index(_name(columns), TABLE)
    op.create_index(_name(DUE), TABLE, DUE)
    op.drop_column(TABLE, "proxy_unheeded")


def _name(columns: list[str]) -> str:
    return op.f("_".join(["ix", TABLE, *columns]))
