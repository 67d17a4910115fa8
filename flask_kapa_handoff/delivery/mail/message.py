"""Composes a ticket as the bytes of a mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import format_datetime

from ...conversation import Conversation
from ...storage.tickets import Ticket, thread_ids
from ...template_environment import TemplateEnvironment
from ...translation import ENGLISH, speak
from .bodies import NO_FILES, Files, Letterhead, write_bodies
from .headers import address, header, header_text
from .labels import named_for_visitor, site_sender, subject_line
from .link_only import link_only
from .mime import body

_NEXT_LINE = "\r\n "


@dataclass(frozen=True)
class ComposedMessage:
    """One mail to one recipient, ready to be sent.

    Arguments:
        sender, recipients: the envelope's addresses, ASCII.
        data: the whole message, with CRLF line ends and no line over 998 octets.
        subject, text, html: the parts again, for programs that check what was sent; no HTML if it failed.
    """

    sender: str
    recipients: tuple[str, ...]
    reply_to: str
    subject: str
    text: str
    html: str | None
    data: bytes


def compose(
    environment: TemplateEnvironment,
    letterhead: Letterhead,
    ticket: Ticket,
    conversation: Conversation,
    files: Files = NO_FILES,
) -> ComposedMessage:
    """Compose the mail of a ticket, in the language of the environment, not of the request.

    If the site's text template fails, the package's own is used; if the HTML template fails, the mail has no HTML.

    Arguments:
        environment: the environment of the package's templates.
        files: what the visitor attached, with content.

    Raises:
        ValueError: an address is not valid in a mail.
    """
    sender = site_sender(letterhead.sender)
    recipients = [address(one) for one in ticket.recipient.split(", ")]
    reply_to = address(ticket.visitor_email)
    subject = subject_line(letterhead.subject, ticket, letterhead.site_name)
    with speak(environment.language or ENGLISH):
        author = named_for_visitor(sender, ticket, letterhead.site_name) if letterhead.names_visitor else sender
        if letterhead.only_link:
            bodies = link_only(letterhead, ticket)
        else:
            bodies = write_bodies(environment, letterhead, ticket, conversation, files)

    head = [
        header("From", author),
        header("To", ", ".join(map(str, recipients)) if len(recipients) != 1 else recipients[0]),
        header("Reply-To", reply_to),
        header("Subject", subject),
        _references("Message-ID", [str(ticket.id)], sender),
        header("Date", format_datetime(ticket.created_at)),
        header("X-Kapa-Handoff-Ticket", ticket.reference),
        header("X-Kapa-Handoff-Desk", header_text(ticket.desk)),
        header("X-Kapa-Handoff-Triggers", header_text(ticket.triggers)),
    ]
    if chain := thread_ids(ticket):
        head.append(_references("In-Reply-To", chain[-1:], sender))
    if chain or ticket.thread_id:
        # All of them: a provider may have changed an earlier mail's id, or never have sent that mail. The first one is
        # the thread's own, in its first mail, too: what a provider makes of that mail's id is in no other mail.
        thread = f"thread-{chain[0] if chain else ticket.id}"
        head.append(_references("References", [thread, *chain], sender))
    if letterhead.auto_submitted:
        head.append(header("Auto-Submitted", "auto-generated"))

    sent = () if files.left_out else files.attached
    data = b"".join([*head, body(*bodies.octets, bodies.attachments, sent)])
    return ComposedMessage(
        sender.addr_spec,
        tuple(recipient.addr_spec for recipient in recipients),
        reply_to.addr_spec,
        subject,
        bodies.text,
        bodies.html,
        data,
    )


def _references(name: str, ids: Sequence[str], sender: Address) -> bytes:
    # One a line, never folded or encoded, even with a long domain.
    return f"{name}: {_NEXT_LINE.join(f'<{one}@{sender.domain}>' for one in ids)}\r\n".encode("ascii")
