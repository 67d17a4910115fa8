"""A ticket as the bytes of a mail.

Header text comes from visitors. ``email.message.EmailMessage`` folds and encodes it, after the characters that
could end a header line, hide text or start a forged encoded word are gone. Bodies are base64: no line can be longer
than a server takes (RFC 5321, 4.5.3.1.6: 1000 octets).
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import encodebytes
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jinja2 import Environment

from ..conversation import Conversation, is_link
from ..markdown import to_html
from ..storage.records import Ticket
from ..triggers import Trigger

if TYPE_CHECKING:
    from flask import Flask

_POLICY = SMTP.clone(cte_type="7bit")

# C0, C1, line and paragraph separators, bidirectional and zero-width characters, surrogates. Python's own header
# code takes some of them for line ends (\x0b \x0c \x1c-\x1e \x85), mail programs let the others hide text.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")

_REASONS = {
    Trigger.ALWAYS: "the button is shown under every answer",
    Trigger.CONVERSATION_LENGTH: "the conversation had become long",
    Trigger.UNCERTAINTY: "the answer was flagged as uncertain",
    Trigger.DOWNVOTE: "the visitor voted the answer down",
}


@dataclass(frozen=True)
class ComposedMessage:
    """One mail to one recipient, ready to be sent.

    Arguments:
        sender, recipient: the envelope's addresses, ASCII.
        data: the whole message, CRLF line ends, no line over 998 octets.
        subject, text, html: the parts again, for programs that look at what was sent.
    """

    sender: str
    recipient: str
    reply_to: str
    subject: str
    text: str
    html: str
    data: bytes


@dataclass(frozen=True)
class Letterhead:
    """What a site's mails have in common.

    Arguments:
        site_name: in the subject and the text.
        sender: the ``From`` address, the site's own; ``Name <address>`` or the address alone.
        auto_submitted: adds ``Auto-Submitted: auto-generated`` (RFC 3834).
        attach_json: attaches ``conversation.json``.
    """

    site_name: str
    sender: str
    auto_submitted: bool = False
    attach_json: bool = True


def compose(
    environment: Environment, letterhead: Letterhead, ticket: Ticket, conversation: Conversation
) -> ComposedMessage:
    """Write the mail of a ticket.

    Arguments:
        environment: see :func:`mail_environment`.

    Raises:
        ValueError: an address is none that a mail can carry.
    """
    sender, recipient = _sender(letterhead.sender), _address(ticket.recipient)
    reply_to = _address(ticket.visitor_email)
    subject = header_text(f"[{letterhead.site_name}] {ticket.reference}: {ticket.subject}")
    context = _context(letterhead, ticket, conversation)
    text = environment.get_template("kapa_handoff/mail/ticket.txt").render(context)
    html = environment.get_template("kapa_handoff/mail/ticket.html").render(context)

    headers = EmailMessage(policy=_POLICY)
    headers["From"] = sender
    headers["To"] = recipient
    headers["Reply-To"] = reply_to
    headers["Subject"] = subject
    headers["Message-ID"] = _message_id(ticket.id, sender)
    headers["Date"] = format_datetime(ticket.created_at)
    if ticket.follows is not None:
        headers["In-Reply-To"] = headers["References"] = _message_id(ticket.follows, sender)
    headers["X-Kapa-Handoff-Ticket"] = ticket.reference
    headers["X-Kapa-Handoff-Desk"] = header_text(ticket.desk)
    headers["X-Kapa-Handoff-Triggers"] = ticket.triggers
    if letterhead.auto_submitted:
        headers["Auto-Submitted"] = "auto-generated"

    parts = [_multipart("alternative", [_part("text/plain", text), _part("text/html", html)])]
    if letterhead.attach_json:
        parts.append(_part("application/json", _json(ticket, conversation), filename="conversation.json"))
    body = _multipart("mixed", parts)
    data = headers.as_bytes().removesuffix(b"\r\n") + b"MIME-Version: 1.0\r\n" + body
    return ComposedMessage(sender.addr_spec, recipient.addr_spec, reply_to.addr_spec, subject, text, html, data)


def header_text(text: str) -> str:
    """Text that is safe in a header: one line, nothing invisible, nothing that reads as an encoded word."""
    # "=?" begins an encoded word (RFC 2047); decoded, it could bring back what was taken out.
    return _UNSAFE.sub(" ", text).replace("=?", "= ?").strip()


def mail_environment(app: Flask) -> Environment:
    """The site's Jinja environment, with whitespace and escaping as the mail templates expect them."""
    return app.jinja_env.overlay(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is None or not name.endswith(".txt"),
    )


def _context(letterhead: Letterhead, ticket: Ticket, conversation: Conversation) -> dict[str, Any]:
    reasons = [_REASONS[Trigger(name)] for name in ticket.triggers.split(",") if name]
    return {
        "ticket": ticket,
        "pairs": conversation.pairs,
        "asked": _asked(ticket, conversation),
        "site_name": letterhead.site_name,
        "reasons": reasons,
        "to_html": to_html,
        "is_link": is_link,
    }


def _asked(ticket: Ticket, conversation: Conversation) -> str | None:
    """The question under whose answer the button was pressed, where that is not the one in the subject."""
    under = [pair for pair in conversation.pairs if ticket.answer_id is not None and pair.id == ticket.answer_id]
    pair = under[-1] if under else conversation.pairs[-1]
    return None if pair is conversation.pairs[0] else pair.question


def _sender(text: str) -> Address:
    name, addr_spec = parseaddr(text)
    # email.utils.formataddr(), which wrote it, has encoded a name in another script than Latin.
    return _address(addr_spec, header_text(str(make_header(decode_header(name)))))


def _address(addr_spec: str, name: str = "") -> Address:
    # Without parseaddr(): from two addresses it would take one, and Python's versions differ in which.
    try:
        if not addr_spec.isascii() or _UNSAFE.search(addr_spec) or addr_spec.count("@") != 1:
            raise ValueError("not one ASCII address")
        return Address(display_name=name, addr_spec=addr_spec)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(f"{addr_spec!r} is no address that a mail can carry") from error


def _message_id(ticket_id: UUID, sender: Address) -> str:
    return f"<{ticket_id}@{sender.domain}>"


def _json(ticket: Ticket, conversation: Conversation) -> str:
    document = {
        "reference": ticket.reference,
        "created_at": ticket.created_at.isoformat(),
        "desk": ticket.desk,
        "email": ticket.visitor_email,
        "note": ticket.note,
        "page": ticket.page,
        "thread_id": ticket.thread_id,
        "answer_id": ticket.answer_id,
        "triggers": ticket.triggers.split(","),
        "transcript_source": ticket.transcript_source,
        "conversation": conversation.as_json(),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _part(content_type: str, text: str, *, filename: str | None = None) -> bytes:
    disposition = f'Content-Disposition: attachment; filename="{filename}"\r\n' if filename else ""
    encoded = encodebytes(text.replace("\n", "\r\n").encode(errors="replace")).replace(b"\n", b"\r\n")
    head = f'Content-Type: {content_type}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n'
    return head.encode("ascii") + encoded


def _multipart(kind: str, parts: list[bytes]) -> bytes:
    # "=_" cannot occur in base64, so no body can hold the boundary (RFC 2045, 6.7, note 5).
    boundary = f"=_{secrets.token_hex(16)}".encode("ascii")
    lines = [b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode("ascii"), boundary)]
    lines += [b"--%s\r\n%s" % (boundary, part) for part in parts]
    return b"".join([*lines, b"--%s--\r\n" % boundary])
