"""One ticket per offer, quotas of nested networks and of bytes, the site's own mark, and counted refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage.models import UTCDateTime

revision = "0003"
down_revision = "0002"

TICKET = "kapa_handoff_ticket"
COUNTED_BY = ("network_key", "wide_network_key", "mailbox_key")


def upgrade() -> None:
    for column in (
        sa.Column("offer_id", sa.String(length=32), nullable=True, comment="an offer opens one ticket"),
        sa.Column("network_key", sa.String(length=64), nullable=True, comment="of the client's /24, or /56"),
        sa.Column("wide_network_key", sa.String(length=64), nullable=True, comment="of the client's /48, IPv6 alone"),
        sa.Column("mailbox_key", sa.String(length=64), nullable=True, comment="of the address without tag and dots"),
        sa.Column("size", sa.Integer(), nullable=False, server_default="0", comment="octets of note and conversation"),
        sa.Column("flag", sa.Text(), nullable=True, comment="what the site's own check says of it"),
    ):
        op.add_column(TICKET, column)
    op.create_index(op.f("ix_kapa_handoff_ticket_offer_id"), TICKET, ["offer_id"], unique=True)
    for name in COUNTED_BY:
        op.create_index(op.f(f"ix_kapa_handoff_ticket_{name}_created_at"), TICKET, [name, "created_at"])
    op.create_table(
        "kapa_handoff_refusal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("hour", UTCDateTime(), nullable=False, comment="the hour that these are of, its start"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kapa_handoff_refusal")),
        sa.UniqueConstraint("hour", "reason", "detail", name=op.f("uq_kapa_handoff_refusal_hour")),
    )


def downgrade() -> None:
    op.drop_table("kapa_handoff_refusal")
    for name in COUNTED_BY:
        op.drop_index(op.f(f"ix_kapa_handoff_ticket_{name}_created_at"), TICKET)
    op.drop_index(op.f("ix_kapa_handoff_ticket_offer_id"), TICKET)
    for name in ("offer_id", *COUNTED_BY, "size", "flag"):
        op.drop_column(TICKET, name)
