"""What the form of a desk says, which pairs a visitor left out, a corrected address, and attached files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage.column_types import UTCDateTime

revision = "0006"
down_revision = "0005"

TICKET, DESK, ATTACHMENT = "kapa_handoff_ticket", "kapa_handoff_desk", "kapa_handoff_attachment"


def upgrade() -> None:
    comment = "how many pairs the visitor left out"
    op.add_column(TICKET, sa.Column("left_out", sa.Integer(), nullable=False, server_default="0", comment=comment))
    comment = "when the visitor corrected the address"
    op.add_column(TICKET, sa.Column("corrected_at", UTCDateTime(), nullable=True, comment=comment))
    comment = "JSON: what the form says and asks, as an admin wrote it; empty: the defaults"
    op.add_column(DESK, sa.Column("form", sa.Text(), nullable=True, comment=comment))
    op.create_table(
        ATTACHMENT,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.String(32), nullable=False, comment="of the form into which it was put"),
        sa.Column("ticket_id", sa.Uuid(), nullable=True, comment="empty until the form is sent"),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="in octets"),
        sa.Column(
            "client_key", sa.String(64), nullable=False, comment="whose it is, to count by, as a ticket has them"
        ),
        sa.Column("network_key", sa.String(64), nullable=False),
        sa.Column("wide_network_key", sa.String(64), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], [f"{TICKET}.id"], name=op.f(f"fk_{ATTACHMENT}_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ATTACHMENT}")),
    )
    for column in ("offer_id", "ticket_id", "created_at"):
        op.create_index(op.f(f"ix_{ATTACHMENT}_{column}"), ATTACHMENT, [column])


def downgrade() -> None:
    op.drop_table(ATTACHMENT)
    op.drop_column(DESK, "form")
    for name in ("corrected_at", "left_out"):
        op.drop_column(TICKET, name)
