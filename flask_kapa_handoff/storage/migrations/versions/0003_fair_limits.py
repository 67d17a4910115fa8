"""One ticket per offer, quotas for nested networks and bytes, the site's own flag, and counted refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage.column_types import UTCDateTime

revision = "0003"
down_revision = "0002"

TICKET = "kapa_handoff_ticket"
NEW_KEYS = ("network_key", "wide_network_key", "mailbox_key")
COUNTED_BY = (("client_key", "created_at"), ("created_at",), *((key, "created_at") for key in NEW_KEYS))


def _index(*columns: str) -> str:
    return str(op.f(f"ix_{TICKET}_{'_'.join(columns)}"))


def upgrade() -> None:
    for column in (
        sa.Column("offer_id", sa.String(length=32), nullable=True, comment="an offer opens one ticket"),
        sa.Column("network_key", sa.String(length=64), nullable=True, comment="of the client's /24, or /56"),
        sa.Column("wide_network_key", sa.String(length=64), nullable=True, comment="of the client's /48, IPv6 alone"),
        sa.Column("mailbox_key", sa.String(length=64), nullable=True, comment="of the mailbox, without tag and dots"),
        sa.Column("size", sa.Integer(), nullable=False, server_default="0", comment="octets of note and conversation"),
        sa.Column("flag", sa.Text(), nullable=True, comment="what the site's own check says of it"),
    ):
        op.add_column(TICKET, column)
    op.create_index(_index("offer_id"), TICKET, ["offer_id"], unique=True)
    # With the size, so that the use of the quotas can be read from these indexes alone.
    for columns in COUNTED_BY[:2]:
        op.drop_index(_index(*columns), TICKET)
    for columns in COUNTED_BY:
        op.create_index(_index(*columns, "size"), TICKET, [*columns, "size"])
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
    for columns in COUNTED_BY:
        op.drop_index(_index(*columns, "size"), TICKET)
    for columns in COUNTED_BY[:2]:
        op.create_index(_index(*columns), TICKET, list(columns))
    op.drop_index(_index("offer_id"), TICKET)
    for name in ("offer_id", *NEW_KEYS, "size", "flag"):
        op.drop_column(TICKET, name)
