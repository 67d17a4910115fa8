"""Composes a ticket as the bytes of a mail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from jinja2 import Environment

from ...config_values import AS_TEXT, DEFAULT_SUBJECT
from ...conversation import Conversation
from ...fields import Field, labelled
from ...storage.tickets import Ticket
from ...text import one_line, visible, with_visible
from ...triggers import read_triggers, reasons
from ...unknown import Unknown
from .headers import address, header, header_text
from .labels import named_for_visitor, site_sender, subject_line
from .mime import Attachment, body, octets
from .rendering import render_bodies, template_functions

MAX_MESSAGE = 5_000_000
"""The largest mail, in octets. Its parts must be smaller, since encoding them adds up to 37 %."""

_MAX_BODIES = 2_000_000  # text and HTML together
_MAX_ATTACHMENT = 1_500_000
_MAX_ASKED = 200  # characters of the question under whose answer the button was pressed


@dataclass(frozen=True)
class ComposedMessage:
    """One mail to one recipient, ready to be sent.

    Arguments:
        sender, recipient: the envelope's addresses, ASCII.
        data: the whole message, with CRLF line ends and no line over 998 octets.
        subject, text, html: the parts again, for programs that check what was sent; no HTML if it failed.
    """

    sender: str
    recipient: str
    reply_to: str
    subject: str
    text: str
    html: str | None
    data: bytes


@dataclass(frozen=True)
class Letterhead:
    """What a site's mails have in common.

    Arguments:
        site_name: in the subject and the text.
        sender: the ``From`` address, the site's own; ``Name <address>`` or the address alone.
        auto_submitted: adds ``Auto-Submitted: auto-generated`` (RFC 3834).
        attach_json: attaches ``conversation.json``; ``"txt"``: as ``conversation.txt``.
        site_fields: see KAPA_HANDOFF_FIELDS.
        subject: see KAPA_HANDOFF_SUBJECT.
        names_visitor: ``From`` has the visitor's name, and says via which site.
    """

    site_name: str
    sender: str
    auto_submitted: bool = False
    attach_json: bool | str = True
    site_fields: tuple[Field, ...] = ()
    subject: str = DEFAULT_SUBJECT
    names_visitor: bool = True


def compose(
    environment: Environment, letterhead: Letterhead, ticket: Ticket, conversation: Conversation
) -> ComposedMessage:
    """Compose the mail of a ticket.

    If the site's text template fails, the package's own is used; if the HTML template fails, the mail has no HTML. A
    mail over :data:`MAX_MESSAGE` is sent without its HTML, then without its attachment and the end of its text, and
    says so.

    Arguments:
        environment: the environment of the package's templates.

    Raises:
        ValueError: an address is not valid in a mail.
    """
    sender, recipient = site_sender(letterhead.sender), address(ticket.recipient)
    reply_to = address(ticket.visitor_email)
    subject = subject_line(letterhead.subject, ticket, letterhead.site_name)
    author = named_for_visitor(sender, ticket, letterhead.site_name) if letterhead.names_visitor else sender
    context = _context(letterhead, ticket, conversation)
    text, html = render_bodies(environment, context)
    attachment = _json(ticket, conversation) if letterhead.attach_json else None
    text, html, attachment = _within_limits(ticket, text, html, attachment, _file(letterhead)[0])

    head = [
        header("From", author),
        header("To", recipient),
        header("Reply-To", reply_to),
        header("Subject", subject),
        _reference("Message-ID", ticket.id, sender),
        header("Date", format_datetime(ticket.created_at)),
        header("X-Kapa-Handoff-Ticket", ticket.reference),
        header("X-Kapa-Handoff-Desk", header_text(ticket.desk)),
        header("X-Kapa-Handoff-Triggers", header_text(ticket.triggers)),
    ]
    if ticket.follows is not None:
        head += [_reference(name, ticket.follows, sender) for name in ("In-Reply-To", "References")]
    if letterhead.auto_submitted:
        head.append(header("Auto-Submitted", "auto-generated"))

    attachments = []
    if attachment is not None:
        attachments.append(Attachment(*_file(letterhead), attachment))
    data = b"".join([*head, body(text, html, attachments)])
    return ComposedMessage(sender.addr_spec, recipient.addr_spec, reply_to.addr_spec, subject, text, html, data)


def whose_word(ticket: Ticket, site_name: str) -> str:
    """A sentence for agents on the source of the conversation."""
    if ticket.transcript_source == "site":
        return f"This transcript is {site_name}'s own record of the conversation."
    if ticket.transcript_source != "browser":
        return f"The source of this transcript is {Unknown(ticket.transcript_source).label}."
    return "The visitor's browser sent this transcript, so it could have been altered."


def _within_limits(
    ticket: Ticket, text: str, html: str | None, attachment: str | None, filename: str
) -> tuple[str, str | None, str | None]:
    """The parts of a mail within the limits; the end of its text names what had to be left out."""
    if 8 * (len(text) + len(html or "") + len(attachment or "")) <= _MAX_ATTACHMENT:
        return text, html, attachment  # small in any encoding, as most mails are: nothing is encoded twice
    left_out = []
    if attachment is not None and len(octets(attachment)) > _MAX_ATTACHMENT:
        attachment = html = None  # without the HTML, since the text names what is left out
        left_out.append(filename)
    data = octets(text)
    if html is not None and len(data) + len(octets(html)) > _MAX_BODIES:
        html = None
    if len(data) > _MAX_BODIES:
        text = data[:_MAX_BODIES].decode(errors="ignore").replace("\r\n", "\n") + "…"
        left_out.append("the rest of the conversation")
    if left_out:
        text += f"\n\n========\nToo large for this mail: {' and '.join(left_out)}. "
        text += f"The whole conversation is stored with ticket {ticket.reference}.\n"
    return text, html, attachment


def _context(letterhead: Letterhead, ticket: Ticket, conversation: Conversation) -> dict[str, Any]:
    site_name = visible(letterhead.site_name)
    return {
        "ticket": with_visible(ticket, "subject", "note", "visitor_name", "page"),
        "fields": [(label, visible(value)) for label, value in labelled(letterhead.site_fields, ticket.fields)],
        "pairs": conversation.visible().pairs,
        "asked": _question_of_button(ticket, conversation),
        "site_name": site_name,
        "reasons": reasons(read_triggers(ticket.triggers)),
        "whose_word": whose_word(ticket, site_name),
        **template_functions(ticket.page),
    }


def _question_of_button(ticket: Ticket, conversation: Conversation) -> str | None:
    """The question whose answer had the button; None: it is the one in the subject."""
    under = [pair for pair in conversation.pairs if ticket.answer_id is not None and pair.id == ticket.answer_id]
    pair = under[-1] if under else conversation.pairs[-1]
    if pair is conversation.pairs[0]:
        return None
    question = one_line(pair.question)
    return question if len(question) <= _MAX_ASKED else question[: _MAX_ASKED - 1].rstrip() + "…"


def _reference(name: str, ticket_id: UUID, sender: Address) -> bytes:
    # Never folded or encoded, even with a long domain.
    return f"{name}: <{ticket_id}@{sender.domain}>\r\n".encode("ascii")


def _file(letterhead: Letterhead) -> tuple[str, str]:
    """The name and the type of the attached conversation."""
    if letterhead.attach_json == AS_TEXT:
        return "conversation.txt", "text/plain"
    return "conversation.json", "application/json"


def _json(ticket: Ticket, conversation: Conversation) -> str:
    document = {
        "reference": ticket.reference,
        "created_at": ticket.created_at.isoformat(),
        "desk": ticket.desk,
        "email": ticket.visitor_email,
        "note": ticket.note,
        "fields": dict(ticket.fields),
        "page": ticket.page,
        "thread_id": ticket.thread_id,
        "answer_id": ticket.answer_id,
        "triggers": [name for name in ticket.triggers.split(",") if name],
        "transcript_source": ticket.transcript_source,
        "flag": ticket.flag,
        "conversation": conversation.as_json(),
    }
    return json.dumps(document, ensure_ascii=False) + "\n"  # for programs; indenting it takes three times as long
