"""The text and the HTML of a ticket's mail, small enough to be shown whole, and the files with the rest.

Gmail shows 102 kB of HTML and hides the rest; comments at helpdesks end at 64 KiB. What does not fit is attached.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ...attachments import size_in_words
from ...config_values import AS_TEXT, DEFAULT_SUBJECT
from ...conversation import Conversation
from ...fields import Field, labelled
from ...locale_formats import format_moment
from ...storage.attachments import Attachment as AttachedFile
from ...storage.tickets import Ticket
from ...template_environment import TemplateEnvironment
from ...text import visible, with_visible
from ...translation import gettext as _
from ...triggers import read_triggers, reasons
from .mime import Attachment, html_octets, octets
from .rendering import render_bodies, template_functions
from .sentences import left_out, not_shown, reminder, visitor_language, where_whole, whose_word
from .transcript import Transcript, cut

MAX_HTML, MAX_TEXT = 95_000, 60_000
"""The largest bodies, in octets."""

MAX_ATTACHMENT = 1_500_000
"""The largest file, in octets: with base64, which adds 37 %, two of them and the bodies stay below 5 MB."""

_PARTS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
"""Parts of the pairs that should fit, tried in order: some become larger than others as HTML."""

_LENGTHS = (20_000, 8_000, 3_000, 1_000, 300, 100)
"""Characters after which long texts are cut, tried in order, if the pressed pair alone is too large."""

_BESIDE_SHORTENED = 6_000
"""Octets of the latest pairs that are shown after a pressed pair that is cut."""


@dataclass(frozen=True)
class Action:
    """A link in a mail by which its reader confirms something.

    Arguments:
        request: a sentence that asks for it.
        label: the words of the link.
    """

    request: str
    label: str
    url: str


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
        ticket_url: the address of the ticket's admin page; None: the mail has no link to it.
        only_link: the mail holds that link and no content.
        is_reminder: it is sent once more, since nobody has taken the ticket.
        action: what its reader is asked to confirm; None: nothing.
    """

    site_name: str
    sender: str
    auto_submitted: bool = False
    attach_json: bool | str = True
    site_fields: tuple[Field, ...] = ()
    subject: str = DEFAULT_SUBJECT
    names_visitor: bool = True
    ticket_url: str | None = None
    only_link: bool = False
    is_reminder: bool = False
    action: Action | None = None


@dataclass(frozen=True)
class Files:
    """What the visitor attached.

    Arguments:
        left_out: the mail server finds the mail too large with them, so the mail only names them.
    """

    attached: tuple[AttachedFile, ...] = ()
    left_out: bool = False


NO_FILES = Files()


@dataclass(frozen=True)
class Bodies:
    """Everything that a mail says.

    Arguments:
        html: None: its template failed.
        octets: both as they are sent, before encoding.
    """

    text: str
    html: str | None
    attachments: list[Attachment]
    octets: tuple[bytes, bytes | None]


def write_bodies(
    environment: TemplateEnvironment,
    letterhead: Letterhead,
    ticket: Ticket,
    conversation: Conversation,
    files: Files = NO_FILES,
) -> Bodies:
    """Write a ticket's bodies, of at most :data:`MAX_HTML` and :data:`MAX_TEXT`.

    The note, the pressed pair and the latest pairs stay. If there is more, the whole mail is attached as
    ``conversation.html``, and the bodies say so. Only a template of the site's own may make them larger.
    """
    attachments, missing = [], []
    if letterhead.attach_json:
        document = _json(ticket, conversation, files)
        if _size(document) <= MAX_ATTACHMENT:
            attachments.append(Attachment(*_file(letterhead), document))
        else:
            missing = [_("%(file)s is too large for this mail.", file=_file(letterhead)[0])]
    transcript = Transcript(ticket, conversation.visible())
    remark = {"remark": " ".join([*missing, where_whole(ticket, None)]) if missing else ""}
    shown = context_of(letterhead, ticket, files) | transcript.context(len(transcript)) | remark
    whole = render_bodies(environment, shown)
    data = _octets(*whole)
    if _fits(*data):
        return Bodies(*whole, attachments, data)

    text, html = whole
    if letterhead.attach_json == AS_TEXT:  # for a helpdesk that takes no other files
        documents = [Attachment("whole-conversation.txt", "text/plain", text)]
    else:
        documents = [
            Attachment("conversation.html", "text/html", html or ""),
            Attachment("conversation.txt", "text/plain", text),
        ]
    file = next((one for one in documents if 0 < _size(one.text) <= MAX_ATTACHMENT), None)
    context = context_of(
        letterhead, ticket, files
    )  # with a renderer of its own: the whole may have used up what one may cost
    where = where_whole(ticket, None if file is None else file.filename)

    def render(latest: int, length: int | None = None) -> tuple[str, str | None]:
        shown = transcript.context(latest, length)
        said = missing if length is None else [*missing, _("Long texts are shortened here.")]
        if hidden := len(transcript) - len(shown["pairs"]):
            pressed = transcript.pressed
            are_earlier = latest > 0 or pressed is None or pressed.number == len(transcript)
            said = [*said, not_shown(hidden, are_earlier=are_earlier)]
        short = context if length is None else _shortened(context, length)
        return render_bodies(environment, short | shown | {"remark": " ".join([*said, where])})

    share = min(MAX_TEXT / len(data[0]), MAX_HTML / len(data[1] or b" "))
    counts = [transcript.within_with_pressed(int(share * part * transcript.octets)) for part in _PARTS]
    few = transcript.within(_BESIDE_SHORTENED)
    tries = [
        *((latest, None) for latest in dict.fromkeys(counts)),
        *((latest, length) for latest in dict.fromkeys((few, 0)) for length in _LENGTHS),
    ]
    for latest, length in tries:
        bodies = render(latest, length)
        data = _octets(*bodies)
        if _fits(*data):
            return Bodies(*bodies, [file, *attachments] if file is not None else attachments, data)
    # A template of the site's own is larger than that itself, and shortening the texts does not help.
    if html is not None and _size(html) > MAX_ATTACHMENT:
        html = None
    text = octets(text)[:MAX_ATTACHMENT].decode(errors="ignore").replace("\r\n", "\n")
    return Bodies(text, html, attachments, _octets(text, html))


def _size(text: str) -> int:
    # Counting the octets of most texts is not needed: none has more than four, and a line end has two.
    return len(octets(text)) if 8 * len(text) > MAX_ATTACHMENT else len(text)


def _octets(text: str, html: str | None) -> tuple[bytes, bytes | None]:
    return octets(text), None if html is None else html_octets(html)


def _fits(text: bytes, html: bytes | None) -> bool:
    return len(text) <= MAX_TEXT and len(html or b"") <= MAX_HTML


def _shortened(context: dict[str, Any], length: int) -> dict[str, Any]:
    return context | {
        name: [(label, cut(value, length)) for label, value in context[name]] for name in ("fields", "context")
    }


def context_of(letterhead: Letterhead, ticket: Ticket, files: Files) -> dict[str, Any]:
    """What the mail's templates show, beside the conversation."""
    site_name = visible(letterhead.site_name)
    return {
        "ticket": with_visible(ticket, "subject", "note", "visitor_name", "page"),
        "received": format_moment(ticket.created_at),
        "visitor_language": visitor_language(ticket),
        "fields": [(label, visible(value)) for label, value in labelled(letterhead.site_fields, ticket.fields)],
        "context": [(visible(label), visible(value)) for label, value in ticket.context.items()],
        "files": [(visible(one.name), size_in_words(one.size)) for one in files.attached],
        "files_left_out": files.left_out,
        "site_name": site_name,
        "ticket_url": letterhead.ticket_url,
        "reminder": reminder(ticket) if letterhead.is_reminder else "",
        "action": letterhead.action,
        "reasons": reasons(read_triggers(ticket.triggers)),
        "whose_word": whose_word(ticket, site_name),
        "left_out": left_out(ticket),
        **template_functions(ticket.page),
    }


def _file(letterhead: Letterhead) -> tuple[str, str]:
    """The name and the type of the attached JSON."""
    if letterhead.attach_json == AS_TEXT:
        return "conversation.txt", "text/plain"
    return "conversation.json", "application/json"


def _json(ticket: Ticket, conversation: Conversation, files: Files) -> str:
    document = {
        "reference": ticket.reference,
        "created_at": ticket.created_at.isoformat(),
        "desk": ticket.desk,
        "email": ticket.visitor_email,
        "note": ticket.note,
        "fields": dict(ticket.fields),
        "context": dict(ticket.context),
        "page": ticket.page,
        "thread_id": ticket.thread_id,
        "answer_id": ticket.answer_id,
        "triggers": [name for name in ticket.triggers.split(",") if name],
        "transcript_source": ticket.transcript_source,
        "flag": ticket.flag,
        "left_out": ticket.left_out,
        "attachments": [one.as_json() | {"in_mail": not files.left_out} for one in files.attached],
        "conversation": conversation.as_json(),
    }
    return json.dumps(document, ensure_ascii=False) + "\n"  # for programs; indenting it takes three times as long
