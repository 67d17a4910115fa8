"""Opens a ticket: limits, idempotency and follow-ups in one transaction. Knows nothing about delivery."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import NoResultFound

from . import limits
from .config import Config
from .conversation import MAX_ID, Conversation, QuestionAnswer
from .errors import Conflict, Disabled, Invalid
from .offers import Offer
from .quotas import WINDOW, Keys
from .settings import VERSION_OF_DESK, DeskSettings, serving_settings
from .storage.attachments import Attachment, take_files
from .storage.engine import Database, now
from .storage.new_tickets import WITH_REFERENCE, free_reference, new_id, new_reference, store_ticket
from .storage.tables import ticket as ticket_table
from .storage.tickets import Status, Ticket, find_conversation, find_ticket, thread_ids
from .text import clean_text
from .ticket_content import TicketContent
from .translation import gettext as _
from .translation import noop as N_
from .triggers import as_stored

MAX_ANCESTORS = 20
"""How many earlier tickets of its thread a ticket names: the first one, and the latest."""

FILE_IS_GONE = N_("A file is no longer here. Add it again, or send your question without it.")

# Built once: building a statement takes SQLAlchemy several times longer than SQLite takes to run it.
_columns = ticket_table.c
_LATEST_OF_THREAD = (
    select(_columns.id)
    # Only the same visitor's: a browser can name any thread, and helpdesks put follow-ups into one case.
    .where(_columns.thread_id == bindparam("thread_id"), _columns.email_key == bindparam("email_key"))
    .order_by(_columns.created_at.desc())
    .limit(1)
)
_SAME = select(_columns.id).where(_columns.submission_id == bindparam("submission_id"))
_USED = select(_columns.id).where(_columns.offer_id == bindparam("offer_id"))
_SITUATION = limits.with_usage(
    select(
        _SAME.scalar_subquery().label("same"),
        _USED.scalar_subquery().label("used"),
        _LATEST_OF_THREAD.scalar_subquery().label("follows"),
        WITH_REFERENCE.scalar_subquery().label("taken"),
        VERSION_OF_DESK.scalar_subquery().label("settings_version"),
    )
)


@dataclass(frozen=True)
class Submission:
    """A visitor's checked input.

    Arguments:
        submission_id: created with the form; sending the form twice opens only one ticket.
        transcript_source: ``browser`` or ``site``, see :class:`Ticket`.
        locale: the visitor's language, BCP 47.
        site_keeps_thread: whether the site keeps its own record of threads, even if it had none of this one just now.
        keys: for whom it is counted.
        attachments: the stored files, without their content.
        proxy_unheeded, flag, fields, context: see :class:`Ticket`.
        left_out: the places, from 0, of the pairs that the visitor left out; ``conversation`` is without them.
    """

    submission_id: UUID
    offer: Offer
    email: str
    note: str
    conversation: Conversation
    transcript_source: str
    keys: Keys
    name: str | None = None
    locale: str | None = None
    site_keeps_thread: bool = False
    proxy_unheeded: bool = False
    flag: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[int, ...] = ()


def open_ticket(
    database: Database,
    config: Config,
    submission: Submission,
    known: DeskSettings | None = None,
    site_count: limits.SiteCount | None = None,
) -> tuple[Ticket, bool]:
    """Store a ticket: queued for delivery, or held if the site has received too many.

    Arguments:
        known: the desk's settings as they were a moment ago, which saves reading them unless they have changed.
        site_count: what this process knows about the hour's tickets; None: nothing.

    Returns:
        The ticket, and whether it is new: a repeated submission returns the ticket that it opened.

    Raises:
        Conflict: the same submission id came with other content, or the offer has already opened a ticket.
        Disabled: the desk has no address, or is switched off.
        Invalid: an attached file is no longer stored.
        RateLimited: a quota is used up.
        Unavailable: the database cannot be reached.
    """
    offer = submission.offer
    sent = TicketContent(submission.note, submission.conversation, offer.page, submission.fields).as_stored(config)
    note, conversation, page, fields = sent.note, sent.conversation, sent.page, sent.fields
    # A later version, which may have signed the offer, may allow longer ids than these columns hold.
    thread_id, answer_id = (value[:MAX_ID] if value else None for value in (offer.thread_id, offer.answer_id))
    text = json.dumps(conversation.as_json(), ensure_ascii=False, separators=(",", ":"))
    # The site's own record may grow or become unavailable between two attempts, so the thread itself counts.
    said = offer.thread_id if submission.site_keeps_thread else text
    # Without values, the digest is the same as without fields: a form may be open while a site adds its first field.
    told = [json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))] if fields else []
    size = sum(len(part.encode()) for part in (note, text, *told))
    files = sorted(str(one.id) for one in submission.attachments)
    # By their places: of what was left out, not even a hash is stored.
    choice = [json.dumps(submission.left_out)] if submission.left_out else []
    parts = [submission.email, note, said or "", *told, *files, *choice]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()

    counted = site_count or limits.SiteCount()
    with database.write() as connection:
        moment, reference = now(connection), new_reference()
        situation = connection.execute(
            _SITUATION,
            {
                **counted.parameters(config, submission.keys, moment),
                "submission_id": submission.submission_id,
                "offer_id": offer.id,
                "email_key": submission.email.lower(),
                "thread_id": thread_id,
                "reference": reference,
                "desk": known.desk if known else "",
            },
        ).one()
        if situation.same is not None:
            return _earlier(connection, situation.same, digest), False
        if situation.used is not None:
            raise Conflict
        # Without a version, no admin has saved any.
        is_current = known and known.desk == offer.desk and known.version == (situation.settings_version or 0)
        settings = known if known and is_current else serving_settings(connection, config, offer.desk)
        if not settings.takes_tickets or settings.email is None:
            raise Disabled
        usage = counted.usage_of(connection, config, situation, submission.keys, moment, size)
        limits.check(connection, config, submission.keys, moment, usage=usage, size=size)
        is_held = limits.is_held(config, usage, size) or limits.is_desk_full(connection, settings, moment, usage)
        thread = Thread.followed(connection, situation.follows, conversation)
        ticket = Ticket(
            id=new_id(moment),
            reference=free_reference(connection) if situation.taken else reference,
            submission_id=submission.submission_id,
            content_digest=digest,
            created_at=moment,
            desk=settings.desk,
            recipient=settings.email,
            visitor_email=submission.email,
            email_key=submission.email.lower(),
            visitor_name=" ".join(clean_text(submission.name).split())[:200] if submission.name else None,
            note=note,
            subject=_subject(conversation, submission.offer.answer_id, note),
            pairs=len(conversation.pairs),
            transcript_source=submission.transcript_source,
            triggers=as_stored(offer.triggers),
            answer_id=answer_id,
            thread_id=thread_id,
            page=page,
            locale=submission.locale,
            **vars(submission.keys),
            size=size,
            status=Status.HELD if is_held else Status.QUEUED,
            attempts=0,
            queued_at=moment,
            next_attempt_at=moment + WINDOW if is_held else moment,
            leased_until=None,
            last_error=None,
            delivered_at=None,
            proxy_unheeded=submission.proxy_unheeded,
            offer_id=offer.id,
            flag=submission.flag,
            fields=fields,
            context=submission.context,
            left_out=len(submission.left_out),
            **vars(thread),
        )
        store_ticket(connection, ticket, text)
        ids = [one.id for one in submission.attachments]
        if ids and take_files(connection, ids, ticket.id) != len(ids):
            raise Invalid(fields={"attachments": [_(FILE_IS_GONE)]})
    return ticket, True


@dataclass(frozen=True)
class Thread:
    """A new ticket's place in its thread; the names are the ticket's."""

    follows: UUID | None = None
    ancestors: tuple[str, ...] = ()
    earlier_pairs: int = 0

    @classmethod
    def followed(cls, connection: Connection, earlier_id: UUID | None, conversation: Conversation) -> Thread:
        """The place after the thread's latest ticket; None: there is none."""
        earlier = None if earlier_id is None else find_ticket(connection, ticket_table.c.id == earlier_id)
        if earlier is None:
            return cls(earlier_id)
        try:
            sent = {_identity(pair) for pair in find_conversation(connection, earlier).pairs}
        except (ValueError, NoResultFound):
            sent = set()  # it is damaged: all pairs count as new
        known = [number for number, pair in enumerate(conversation.pairs, 1) if _identity(pair) in sent]
        if earlier.left_out:  # the first pair that it did not have may be one of those, and new to the agent
            known = [number for place, number in enumerate(known, 1) if number == place]
        return cls.after(earlier, max(known, default=0))

    @classmethod
    def after(cls, earlier: Ticket, earlier_pairs: int) -> Thread:
        """The place after a ticket that had so many of the pairs."""
        chain = (*thread_ids(earlier), str(earlier.id))
        return cls(earlier.id, (chain[0], *chain[1:][-MAX_ANCESTORS + 1 :]), earlier_pairs)


def _identity(pair: QuestionAnswer) -> tuple[str, ...]:
    return (pair.id,) if pair.id else (pair.question, pair.answer)


def is_stored(database: Database, submission_id: UUID) -> bool:
    """Whether this submission has already opened a ticket."""
    with database.read() as connection:
        return connection.execute(_SAME, {"submission_id": submission_id}).first() is not None


def has_opened_ticket(connection: Connection, offer: Offer) -> bool:
    """Whether the form of this offer has been sent."""
    return connection.execute(_USED, {"offer_id": offer.id}).first() is not None


def _earlier(connection: Connection, ticket_id: UUID, digest: str) -> Ticket:
    """The ticket that the same submission with the same content has opened."""
    earlier = find_ticket(connection, ticket_table.c.id == ticket_id)
    if earlier is None or earlier.content_digest != digest:
        raise Conflict
    return earlier


def _subject(conversation: Conversation, answer_id: str | None, note: str) -> str:
    """The question under which the visitor asked for help; if it has no text, the one before it that has.

    Without a conversation, the first line of the note.
    """
    if not conversation.pairs:
        return _shortened(next((line for line in note.splitlines() if line.strip()), ""))
    pressed = conversation.pressed(answer_id)
    before, after = conversation.pairs[: pressed + 1], conversation.pairs[pressed + 1 :]
    question = next((pair.question for pair in (*reversed(before), *after) if pair.question.strip()), "")
    return _shortened(question)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 100 else text[:99].rstrip() + "…"
