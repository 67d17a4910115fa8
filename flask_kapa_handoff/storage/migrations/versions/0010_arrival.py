"""Test mails whose arrival is confirmed, tickets that somebody took, and reminders of those that nobody took."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage.column_types import StoredUuid, UTCDateTime

revision = "0010"
down_revision = "0009"

ARRIVAL, DESK, TICKET = "kapa_handoff_arrival", "kapa_handoff_desk", "kapa_handoff_ticket"
REMIND_AT = f"ix_{TICKET}_remind_at"


def upgrade() -> None:
    op.create_table(
        ARRIVAL,
        sa.Column("id", StoredUuid(), nullable=False),
        sa.Column("desk", sa.String(64), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False, comment="where the test mail went"),
        sa.Column("sent_at", UTCDateTime(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True, comment="when somebody said that it arrived"),
        sa.Column("confirmed_by", sa.String(320), nullable=True, comment="who did, as far as known"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ARRIVAL}")),
    )
    op.create_index(op.f(f"ix_{ARRIVAL}_desk_confirmed_at"), ARRIVAL, ["desk", "confirmed_at"])
    of_desks: tuple[sa.Column[Any], ...] = (
        sa.Column(
            "take_link", sa.Boolean(), nullable=False, server_default=sa.false(), comment='mails say "I\'m on it"'
        ),
        sa.Column("reminder_email", sa.String(320), nullable=True, comment="empty: there are no reminders"),
        sa.Column("reminder_hours", sa.Integer(), nullable=True, comment="empty: the default"),
    )
    of_tickets: tuple[sa.Column[Any], ...] = (
        sa.Column("taken_at", UTCDateTime(), nullable=True, comment="when somebody of the team took it"),
        sa.Column("taken_by", sa.String(320), nullable=True, comment="who did, as far as known"),
        sa.Column(
            "remind_at",
            UTCDateTime(),
            nullable=True,
            comment="when its reminder is due; while that is being sent, until when it is nobody else's",
        ),
        sa.Column("reminder_attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reminded_at", UTCDateTime(), nullable=True, comment="when its reminder was sent"),
        sa.Column("reminded_to", sa.String(320), nullable=True, comment="where its reminder goes, or went"),
        sa.Column("reminder_error", sa.Text(), nullable=True, comment="why its reminder was not sent"),
    )
    for table, columns in ((DESK, of_desks), (TICKET, of_tickets)):
        for column in columns:
            op.add_column(table, column)
    where = sa.text("remind_at IS NOT NULL")
    op.create_index(op.f(REMIND_AT), TICKET, ["remind_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(op.f(REMIND_AT), table_name=TICKET)
    for name in (
        "reminder_error",
        "reminded_to",
        "reminded_at",
        "reminder_attempts",
        "remind_at",
        "taken_by",
        "taken_at",
    ):
        op.drop_column(TICKET, name)
    for name in ("reminder_hours", "reminder_email", "take_link"):
        op.drop_column(DESK, name)
    op.drop_table(ARRIVAL)
