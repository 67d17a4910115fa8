"""The values of the form's further fields."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TICKET = "kapa_handoff_ticket"


def upgrade() -> None:
    comment = "JSON: what the form's further fields say, by their names"
    op.add_column(TICKET, sa.Column("fields", sa.Text(), nullable=True, comment=comment))


def downgrade() -> None:
    op.drop_column(TICKET, "fields")
