"""Turns a mail server's replies into texts for the ticket, and into what follows; the classes decide which."""

from __future__ import annotations

import smtplib

from ...text import clean_text, one_line
from ..outcomes import Refused, TryLater
from .reply_classes import AT_MAIL, classify

LONGEST = 500
"""The longest text of a reply or an error, in characters."""


def is_success(code: int) -> bool:
    """Whether a reply means success (RFC 5321, 4.2.1: the first digit counts)."""
    return 200 <= code <= 299


def refusal(code: int, reply: bytes | str, *, at_mail: bool = False) -> TryLater | Refused:
    """The error for a reply that does not mean success.

    Arguments:
        at_mail: whether it is the reply to MAIL, which is about the site's sender and never about the ticket.
    """
    words = words_of_reply(code, reply)
    if not 500 <= code <= 599:
        return TryLater(words)
    if at_mail:
        words = words[: LONGEST - len(AT_MAIL)] + AT_MAIL
    return Refused(words) if classify(words).permanent else TryLater(words)


def words_of_reply(code: int, reply: bytes | str) -> str:
    """A server's reply on one line, at most 500 characters."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {_shown(text)}"[:LONGEST].strip()


def words_of_error(error: BaseException) -> str:
    """An error in the server's words, if any. A disconnect hides the reply before it, so that comes first."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, smtplib.SMTPResponseException) and seen.smtp_code > 0:
            return words_of_reply(seen.smtp_code, seen.smtp_error)
        seen = seen.__context__
    text = _shown(str(error)) or type(error).__name__
    return text[:LONGEST] if isinstance(error, smtplib.SMTPException) else f"{type(error).__name__}: {text}"[:LONGEST]


def _shown(text: str) -> str:
    """A server's text as databases can store it and a terminal can show it."""
    return one_line(clean_text(text))
