"""Further desks, and the rules that choose one by the page."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

DESK, PAGE_RULE = "kapa_handoff_desk", "kapa_handoff_page_rule"


def upgrade() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("label", sa.String(60), nullable=True, comment="what admins and agents call it; empty: its name"),
        sa.Column(
            "internal", sa.Boolean(), nullable=False, server_default=sa.false(), comment="no browser may name it"
        ),
        sa.Column("channel", sa.String(32), nullable=True, comment="empty: the site's configuration holds"),
        sa.Column("mail_content", sa.String(16), nullable=True, comment="transcript or link; empty: transcript"),
        sa.Column("tickets_per_hour", sa.Integer(), nullable=True, comment="empty: the site's limit alone"),
        sa.Column("removed", sa.Boolean(), nullable=False, server_default=sa.false(), comment="an admin removed it"),
    )
    for column in columns:
        op.add_column(DESK, column)
    op.create_table(
        PAGE_RULE,
        sa.Column(
            "position", sa.Integer(), autoincrement=False, nullable=False, comment="the first rule that fits holds"
        ),
        sa.Column("pattern", sa.String(200), nullable=False, comment="a path in which * stands for anything"),
        sa.Column("desk", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f(f"pk_{PAGE_RULE}")),
    )


def downgrade() -> None:
    op.drop_table(PAGE_RULE)
    for name in ("removed", "tickets_per_hour", "mail_content", "channel", "internal", "label"):
        op.drop_column(DESK, name)
