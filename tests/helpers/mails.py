"""Mails as bytes and as what a mail program reads, and the texts that could break them."""

from __future__ import annotations

import json
import re
from dataclasses import fields as dataclass_fields
from datetime import datetime, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import Any
from uuid import uuid4

from flask import Flask

from flask_kapa_handoff import Conversation, QuestionAnswer
from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.storage.tickets import Status, Ticket
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket

LETTERHEAD = Letterhead("Docs", "Docs <docs@example.com>")

# What Python's header code or a mail program takes for the end of a line (mail.md, first line of the table).
LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]

INVISIBLE = [
    "\u202e",
    "\u202d",
    "\u2066",
    "\u2069",
    "\u061c",
    "\u200e",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\x00",
]

HEADERS = {
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Message-ID",
    "Date",
    "X-Kapa-Handoff-Ticket",
    "X-Kapa-Handoff-Desk",
    "X-Kapa-Handoff-Triggers",
    "MIME-Version",
    "Content-Type",
}

CONVERSATION: list[dict[str, Any]] = [
    {
        "id": "a1",
        "question": "How do I rotate a key?",
        "answer": "Run `keys rotate`. See **the guide**.",
        "sources": [
            {"title": "Key guide", "url": "https://docs.example.com/keys?a=1&b=2"},
            {"title": "A PDF", "url": "urn:isbn:123"},
        ],
        "uncertain": False,
        "reaction": "upvote",
    },
    {
        "id": "a2",
        "question": "And on Tuesdays?",
        "answer": "I am not sure.",
        "sources": [],
        "uncertain": True,
        "reaction": "downvote",
    },
    {
        "id": "a3",
        "question": "Wirklich? 本当に? حقا؟ 🔑👩‍💻",
        "answer": "Ja.\n\n| Tag | geht |\n|---|---|\n| Dienstag | nein |\n\n```sh\nkeys rotate --force\n```",
        "sources": [],
        "uncertain": False,
        "reaction": None,
    },
]


def a_ticket(**fields: Any) -> tuple[Ticket, Conversation]:
    moment = datetime.now(timezone.utc)
    values: dict[str, Any] = {
        **dict.fromkeys(field.name for field in dataclass_fields(Ticket)),
        "id": uuid4(),
        "reference": "T-7F3K2Q",
        "created_at": moment,
        "desk": "default",
        "recipient": "support@example.com",
        "visitor_email": "visitor@example.net",
        "email_key": "visitor@example.net",
        "note": "It does not work on Tuesdays.",
        "subject": "How do I rotate a key?",
        "pairs": 1,
        "transcript_source": "browser",
        "triggers": "uncertainty",
        "fields": {},
        "context": {},
        "ancestors": (),
        "earlier_pairs": 0,
        "left_out": 0,
        "corrected_at": None,
        "status": Status.QUEUED,
        "queued_at": moment,
    }
    return Ticket(**{**values, **fields}), Conversation((QuestionAnswer("How do I rotate a key?", "Run it."),))


def read(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def body(data: bytes, kind: str) -> str:
    part = read(data).get_body((kind,))
    assert part is not None
    return content(part)


def content(part: MIMEPart) -> str:
    """The text of a part; HTML with its non-ASCII characters instead of references to them."""
    text = str(part.get_content())
    if part.get_content_subtype() != "html":
        return text
    return re.sub(r"&#(\d{3,7});", lambda match: chr(int(match[1])), text)


def header_names(data: bytes) -> list[str]:
    """The names in the bytes themselves: what a server sees, whatever a parser reads."""
    head = data.split(b"\r\n\r\n", 1)[0].decode("ascii")
    return [line.split(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]


def assert_unbroken(data: bytes) -> None:
    """The headers are those of a harmless mail, and nothing has slipped into the body."""
    assert sorted(header_names(data)) == sorted(HEADERS)
    head = data.split(b"\r\n\r\n", 1)[0]
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")
    message = read(data)
    assert sorted(message.keys()) == sorted(HEADERS)
    for value in message.values():
        # The decoded text as well: a mail program that decodes encoded words must not meet a line's end either.
        assert len(str(value).splitlines()) == 1


def send(app: Flask, conversation: list[dict[str, Any]] | None = None, **fields: Any) -> str:
    """Send a ticket with a conversation, by default the long one above; ``facts`` are those of the offer."""
    client = app.test_client()
    facts = {
        "pairs": len(CONVERSATION if conversation is None else conversation),
        "page": "https://docs.example.com/keys",
        **fields.pop("facts", {}),
    }
    text = json.dumps(CONVERSATION if conversation is None else conversation)
    return send_ticket(client, offer=signed_offer(client, **facts), conversation=text, **fields)
