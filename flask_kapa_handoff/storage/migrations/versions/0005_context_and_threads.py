"""What the site says about the visitor, and which tickets of its thread came before a ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TICKET = "kapa_handoff_ticket"


def upgrade() -> None:
    comment = "JSON: what the site says about the visitor"
    op.add_column(TICKET, sa.Column("context", sa.Text(), nullable=True, comment=comment))
    comment = "ids of the thread's earlier tickets, the first one and the latest"
    op.add_column(TICKET, sa.Column("ancestors", sa.Text(), nullable=True, comment=comment))
    comment = "how many of its first pairs an earlier ticket had"
    op.add_column(
        TICKET, sa.Column("earlier_pairs", sa.Integer(), nullable=False, server_default="0", comment=comment)
    )
    _describe_subject("the question under which help was asked, shortened")


def downgrade() -> None:
    _describe_subject("the first question, shortened")
    for name in ("earlier_pairs", "ancestors", "context"):
        op.drop_column(TICKET, name)


def _describe_subject(comment: str) -> None:
    if op.get_bind().dialect.supports_comments:  # SQLite has none
        op.alter_column(TICKET, "subject", existing_type=sa.String(200), existing_nullable=False, comment=comment)
