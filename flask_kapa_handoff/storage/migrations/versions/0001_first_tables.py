"""The first tables: tickets with their transcripts and delivery attempts, desks with the history of their settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flask_kapa_handoff.storage.column_types import UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "kapa_handoff_desk",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "email",
            sa.String(length=320),
            nullable=True,
            comment="empty, like the next three: the site's configuration holds",
        ),
        sa.Column("button_text", sa.String(length=200), nullable=True),
        sa.Column("triggers", sa.String(length=100), nullable=True),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_kapa_handoff_desk")),
    )
    op.create_table(
        "kapa_handoff_settings_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=320), nullable=False),
        sa.Column("before", sa.Text(), nullable=False, comment="JSON of the settings"),
        sa.Column("after", sa.Text(), nullable=False, comment="JSON of the settings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kapa_handoff_settings_change")),
        sa.UniqueConstraint("desk", "version", name=op.f("uq_kapa_handoff_settings_change_desk")),
    )
    op.create_table(
        "kapa_handoff_ticket",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7: ordered by time of creation"),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column(
            "content_digest",
            sa.String(length=64),
            nullable=False,
            comment="tells a repeated submit from another text",
        ),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("visitor_email", sa.String(length=320), nullable=False),
        sa.Column(
            "email_key",
            sa.String(length=320),
            nullable=False,
            comment="the address in lower case, to count and to find by",
        ),
        sa.Column("visitor_name", sa.String(length=200), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False, comment="the first question, shortened"),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("transcript_source", sa.String(length=16), nullable=False),
        sa.Column("triggers", sa.String(length=100), nullable=False),
        sa.Column("answer_id", sa.String(length=200), nullable=True),
        sa.Column("thread_id", sa.String(length=200), nullable=True),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("client_key", sa.String(length=64), nullable=False),
        sa.Column("follows", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "queued_at",
            UTCDateTime(),
            nullable=False,
            comment="when it was stored, or last sent again by hand",
        ),
        sa.Column("next_attempt_at", UTCDateTime(), nullable=True, comment="when a queued ticket is due"),
        sa.Column(
            "leased_until",
            UTCDateTime(),
            nullable=True,
            comment="until when the ticket being sent is nobody else's",
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["follows"],
            ["kapa_handoff_ticket.id"],
            name=op.f("fk_kapa_handoff_ticket_follows"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kapa_handoff_ticket")),
        sa.UniqueConstraint("reference", name=op.f("uq_kapa_handoff_ticket_reference")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_kapa_handoff_ticket_submission_id")),
    )
    op.create_index(
        op.f("ix_kapa_handoff_ticket_client_key_created_at"),
        "kapa_handoff_ticket",
        ["client_key", "created_at"],
    )
    op.create_index(op.f("ix_kapa_handoff_ticket_created_at"), "kapa_handoff_ticket", ["created_at"])
    op.create_index(
        op.f("ix_kapa_handoff_ticket_status_next_attempt_at"),
        "kapa_handoff_ticket",
        ["status", "next_attempt_at"],
    )
    op.create_index(
        op.f("ix_kapa_handoff_ticket_thread_id_created_at"),
        "kapa_handoff_ticket",
        ["thread_id", "created_at"],
    )
    op.create_index(
        op.f("ix_kapa_handoff_ticket_email_key_created_at"),
        "kapa_handoff_ticket",
        ["email_key", "created_at"],
    )
    op.create_table(
        "kapa_handoff_delivery_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column(
            "outcome",
            sa.String(length=16),
            nullable=True,
            comment="delivered, delayed or failed; empty while its end is not known",
        ),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["kapa_handoff_ticket.id"],
            name=op.f("fk_kapa_handoff_delivery_attempt_ticket_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kapa_handoff_delivery_attempt")),
        sa.UniqueConstraint("ticket_id", "number", name=op.f("uq_kapa_handoff_delivery_attempt_ticket_id")),
    )
    op.create_table(
        "kapa_handoff_transcript",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column(
            "conversation",
            sa.Text(),
            nullable=False,
            comment="JSON; apart from the ticket, so that lists stay fast",
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["kapa_handoff_ticket.id"],
            name=op.f("fk_kapa_handoff_transcript_ticket_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_kapa_handoff_transcript")),
    )


def downgrade() -> None:
    for name in ("transcript", "delivery_attempt", "ticket", "settings_change", "desk"):
        op.drop_table(f"kapa_handoff_{name}")
