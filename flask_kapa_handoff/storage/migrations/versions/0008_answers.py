"""Answer records: one row for each answer, and how many answers had no ids and so have no row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage.column_types import UTCDateTime

revision = "0008"
down_revision = "0007"

ANSWER, WITHOUT_IDS = "kapa_handoff_answer", "kapa_handoff_answer_without_ids"
COUNTED = ("day", "desk", "triggers", "offered", "opened", "cancelled")


def upgrade() -> None:
    op.create_table(
        ANSWER,
        sa.Column("key", sa.String(32), nullable=False, comment="keyed hash of the ids of thread and answer"),
        sa.Column("answered_at", UTCDateTime(), nullable=False, comment="when it was first reported"),
        sa.Column("day", sa.String(10), nullable=False, comment="the same day (UTC), such as 2026-01-31, to count by"),
        sa.Column("desk", sa.String(64), nullable=False),
        sa.Column("page", sa.String(200), nullable=True, comment="its path alone"),
        sa.Column("pairs", sa.Integer(), nullable=False, comment="at most 100"),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("downvoted", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("asked_for_human", sa.Boolean(), nullable=True, comment="empty: not known"),
        sa.Column("triggers", sa.String(100), nullable=False, comment="those that its latest offer met"),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f(f"pk_{ANSWER}")),
    )
    for columns in (COUNTED, ("answered_at", "desk"), ("page", "day")):
        op.create_index(op.f(f"ix_{ANSWER}_{'_'.join(columns)}"), ANSWER, list(columns))
    op.create_table(
        WITHOUT_IDS,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hour", UTCDateTime(), nullable=False, comment="the hour that these are of, its start"),
        sa.Column("desk", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{WITHOUT_IDS}")),
        sa.UniqueConstraint("hour", "desk", name=op.f(f"uq_{WITHOUT_IDS}_hour")),
    )


def downgrade() -> None:
    op.drop_table(WITHOUT_IDS)
    op.drop_table(ANSWER)
