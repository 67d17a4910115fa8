"""The search's texts and their index, and the indexes of the list's filters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage import search_sqlite
from flask_kapa_handoff.storage.dialects import is_sqlite
from flask_kapa_handoff.storage.search import create_index

revision = "0007"
down_revision = "0006"

TICKET, ATTEMPT, SEARCH = "kapa_handoff_ticket", "kapa_handoff_delivery_attempt", "kapa_handoff_search"
FILTERS = ("status", "desk", "triggers", "locale")


def upgrade() -> None:
    op.create_table(
        SEARCH,
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
            comment="in the order of the tickets, without gaps, which would make the index several times larger",
        ),
        sa.Column(
            "ticket_id",
            sa.Uuid(),
            nullable=True,
            comment="empty: it was deleted, and its words are still to be removed from the index",
        ),
        sa.Column("body", sa.Text(), nullable=False, comment="all by which the ticket is found, in small letters"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], [f"{TICKET}.id"], name=op.f(f"fk_{SEARCH}_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SEARCH}")),
        sa.UniqueConstraint("ticket_id", name=op.f(f"uq_{SEARCH}_ticket_id")),
    )
    create_index(op.get_bind())
    for column in FILTERS:
        op.create_index(op.f(f"ix_{TICKET}_{column}_id"), TICKET, [column, "id"])
    where = sa.text("outcome IS NULL OR outcome = 'unknown'")
    op.create_index(
        f"ix_{ATTEMPT}_uncertain", ATTEMPT, ["ticket_id", "number"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    op.drop_index(f"ix_{ATTEMPT}_uncertain", ATTEMPT)
    for column in FILTERS:
        op.drop_index(op.f(f"ix_{TICKET}_{column}_id"), TICKET)
    if is_sqlite(op.get_bind()):
        search_sqlite.drop(op.get_bind())
    op.drop_table(SEARCH)
