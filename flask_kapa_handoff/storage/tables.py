"""The tables. SQLAlchemy Core, not the ORM: a submit is one insert, which takes three times as long with the ORM."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from . import PREFIX
from .column_types import FieldValues, StoredUuid, TicketIds, UTCDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ticket = Table(
    PREFIX + "ticket",
    metadata,
    Column("id", StoredUuid, primary_key=True, comment="UUIDv7: ordered by time of creation"),
    Column("reference", String(16), nullable=False, unique=True, doc="its short public name"),
    Column("submission_id", StoredUuid, nullable=False, unique=True, doc="of the form: the same one opens one ticket"),
    Column("content_digest", String(64), nullable=False, comment="tells a repeated submit from another text"),
    Column("created_at", UTCDateTime, nullable=False),
    Column("desk", String(64), nullable=False, doc="its name"),
    Column("recipient", String(320), nullable=False, doc="where it goes, with commas between several"),
    Column("visitor_email", String(320), nullable=False, doc="as typed"),
    Column("email_key", String(320), nullable=False, comment="the address in lower case, to count and to find by"),
    Column("visitor_name", String(200), doc="of a signed-in visitor"),
    Column("note", Text, nullable=False),
    Column("subject", String(200), nullable=False, comment="the question under which help was asked, shortened"),
    Column("pairs", Integer, nullable=False, doc="how many its conversation has"),
    Column("transcript_source", String(16), nullable=False, doc="browser or site: whose word it is"),
    Column("triggers", String(100), nullable=False, doc="those that were met, with commas"),
    Column("answer_id", String(200), doc="of the pressed pair"),
    Column("thread_id", String(200), doc="as the chat calls it"),
    Column("page", Text, doc="its address"),
    Column("locale", String(35), doc="the visitor's language"),
    Column("client_key", String(64), nullable=False, doc="keyed hash of the client's address, IPv6 by /64"),
    Column("follows", ForeignKey(PREFIX + "ticket.id", ondelete="SET NULL"), doc="the thread's previous ticket"),
    Column("status", String(16), nullable=False, doc="queued, sending, delivered, failed, held or suppressed"),
    Column("attempts", Integer, nullable=False, doc="how many there were"),
    Column("queued_at", UTCDateTime, nullable=False, comment="when it was stored, or last sent again by hand"),
    Column("next_attempt_at", UTCDateTime, comment="when a queued ticket is due"),
    Column("leased_until", UTCDateTime, comment="until when the ticket being sent is nobody else's"),
    Column("last_error", Text, doc="the reply that ended the latest attempt"),
    Column("delivered_at", UTCDateTime),
    Column(
        "proxy_unheeded",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="the request named the visitor's address, and the app saw a proxy's",
    ),
    Column("offer_id", String(32), comment="an offer opens one ticket"),
    Column("network_key", String(64), comment="of the client's /24, or /56"),
    Column("wide_network_key", String(64), comment="of the client's /48, IPv6 alone"),
    Column("mailbox_key", String(64), comment="of the mailbox, without tag and dots"),
    Column("size", Integer, nullable=False, server_default="0", comment="octets of note and conversation"),
    Column("flag", Text, comment="what the site's own check says of it"),
    Column("fields", FieldValues, comment="JSON: what the form's further fields say, by their names"),
    Column("context", FieldValues, comment="JSON: what the site says about the visitor"),
    Column("ancestors", TicketIds, comment="ids of the thread's earlier tickets, the first one and the latest"),
    Column(
        "earlier_pairs",
        Integer,
        nullable=False,
        server_default="0",
        comment="how many of its first pairs an earlier ticket had",
    ),
    Column("left_out", Integer, nullable=False, server_default="0", comment="how many pairs the visitor left out"),
    Column("corrected_at", UTCDateTime, comment="when the visitor corrected the address"),
    Column("taken_at", UTCDateTime, comment="when somebody of the team took it"),
    Column("taken_by", String(320), comment="who did, as far as known"),
    Column(
        "remind_at",
        UTCDateTime,
        comment="when its reminder is due; while that is being sent, until when it is nobody else's",
    ),
    Column("reminder_attempts", Integer, nullable=False, server_default="0"),
    Column("reminded_at", UTCDateTime, comment="when its reminder was sent"),
    Column("reminded_to", String(320), comment="where its reminder goes, or went"),
    Column("reminder_error", Text, comment="why its reminder was not sent"),
)

transcript = Table(
    PREFIX + "transcript",
    metadata,
    Column("ticket_id", ForeignKey(PREFIX + "ticket.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation", Text, nullable=False, comment="JSON; apart from the ticket, so that lists stay fast"),
)

delivery_attempt = Table(
    PREFIX + "delivery_attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket_id", ForeignKey(PREFIX + "ticket.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, doc="of the ticket's attempts"),
    Column("recipient", String(320), nullable=False, doc="where it went"),
    Column("started_at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
    Column("outcome", String(16), comment="delivered, delayed or failed; empty while its end is not known"),
    Column("detail", Text, doc="the mail server's reply"),
    UniqueConstraint("ticket_id", "number"),
)

search = Table(
    PREFIX + "search",
    metadata,
    # On SQLite exactly this type, which makes it the row's own number.
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
        comment="in the order of the tickets, without gaps, which would make the index several times larger",
    ),
    Column(
        "ticket_id",
        ForeignKey(PREFIX + "ticket.id", ondelete="CASCADE"),
        unique=True,
        comment="empty: it was deleted, and its words are still to be removed from the index",
    ),
    Column("body", Text, nullable=False, comment="all by which the ticket is found, in small letters"),
)

desk = Table(
    PREFIX + "desk",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("enabled", Boolean, nullable=False, doc="whether it takes tickets"),
    Column("email", String(320), comment="empty, like the next three: the site's configuration holds"),
    Column("button_text", String(200)),
    Column("triggers", String(100)),
    Column("threshold", Integer),
    Column("version", Integer, nullable=False, doc="of its settings"),
    Column("form", Text, comment="JSON: what the form says and asks, as an admin wrote it; empty: the defaults"),
    Column("label", String(60), comment="what admins and agents call it; empty: its name"),
    Column("internal", Boolean, nullable=False, server_default=false(), comment="no browser may name it"),
    Column("channel", String(32), comment="empty: the site's configuration holds"),
    Column("mail_content", String(16), comment="transcript or link; empty: transcript"),
    Column("tickets_per_hour", Integer, comment="empty: the site's limit alone"),
    Column("removed", Boolean, nullable=False, server_default=false(), comment="an admin removed it"),
    Column("take_link", Boolean, nullable=False, server_default=false(), comment='mails say "I\'m on it"'),
    Column("reminder_email", String(320), comment="empty: there are no reminders"),
    Column("reminder_hours", Integer, comment="empty: the default"),
)

page_rule = Table(
    PREFIX + "page_rule",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False, comment="the first rule that fits holds"),
    Column("pattern", String(200), nullable=False, comment="a path in which * stands for anything"),
    Column("desk", String(64), nullable=False, doc="its name"),
)

attachment = Table(
    PREFIX + "attachment",
    metadata,
    Column("id", StoredUuid, primary_key=True),
    Column("offer_id", String(32), nullable=False, index=True, comment="of the form into which it was put"),
    Column(
        "ticket_id",
        ForeignKey(PREFIX + "ticket.id", ondelete="CASCADE"),
        index=True,
        comment="empty until the form is sent",
    ),
    Column("created_at", UTCDateTime, nullable=False, index=True),
    Column("name", String(255), nullable=False, doc="made safe"),
    Column("media_type", String(100), nullable=False, doc="by its content"),
    Column("size", Integer, nullable=False, comment="in octets"),
    Column("client_key", String(64), nullable=False, comment="whose it is, to count by, as a ticket has them"),
    Column("network_key", String(64), nullable=False),
    Column("wide_network_key", String(64)),
    Column("content", LargeBinary, nullable=False),
)

settings_change = Table(
    PREFIX + "settings_change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("desk", String(64), nullable=False, doc="its name"),
    Column("version", Integer, nullable=False, doc="that this change made"),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("changed_by", String(320), nullable=False, doc="the admin's name"),
    Column("before", Text, nullable=False, comment="JSON of the settings"),
    Column("after", Text, nullable=False, comment="JSON of the settings"),
    UniqueConstraint("desk", "version"),
)

refusal = Table(
    PREFIX + "refusal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reason", String(32), nullable=False, doc="the error's code, or a hook's failure"),
    Column("detail", String(500), nullable=False, doc="the cause; no address, no text"),
    Column("hour", UTCDateTime, nullable=False, comment="the hour that these are of, its start"),
    Column("count", Integer, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    UniqueConstraint("hour", "reason", "detail"),
)

answer = Table(
    PREFIX + "answer",
    metadata,
    Column("key", String(32), primary_key=True, comment="keyed hash of the ids of thread and answer"),
    Column("answered_at", UTCDateTime, nullable=False, comment="when it was first reported"),
    Column("day", String(10), nullable=False, comment="the same day (UTC), such as 2026-01-31, to count by"),
    Column("desk", String(64), nullable=False, doc="its name"),
    Column("page", String(200), comment="its path alone"),
    Column("pairs", Integer, nullable=False, comment="at most 100"),
    Column("uncertain", Boolean, nullable=False, doc="a fact, like the next ones"),
    Column("downvoted", Boolean, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("asked_for_human", Boolean, comment="empty: not known"),
    Column("triggers", String(100), nullable=False, comment="those that its latest offer met"),
    Column("offered", Boolean, nullable=False, doc="what became of it, like the next ones"),
    Column("opened", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("sent", Boolean, nullable=False),
)

arrival = Table(
    PREFIX + "arrival",
    metadata,
    Column("id", StoredUuid, primary_key=True),
    Column("desk", String(64), nullable=False),
    Column("recipient", String(320), nullable=False, comment="where the test mail went"),
    Column("sent_at", UTCDateTime, nullable=False),
    Column("confirmed_at", UTCDateTime, comment="when somebody said that it arrived"),
    Column("confirmed_by", String(320), comment="who did, as far as known"),
)

answer_without_ids = Table(
    PREFIX + "answer_without_ids",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hour", UTCDateTime, nullable=False, comment="the hour that these are of, its start"),
    Column("desk", String(64), nullable=False, doc="its name"),
    Column("count", Integer, nullable=False, doc="answers that were reported without ids"),
    UniqueConstraint("hour", "desk"),
)
