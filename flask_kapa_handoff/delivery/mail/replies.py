"""Turns a mail server's replies into texts for the ticket, and decides what follows."""

from __future__ import annotations

import smtplib

from ..outcomes import Refused, TryLater

LOG_IN_REPLIES = (530, 534, 535, 538)
"""Replies about the login (RFC 4954, 6): the site's owner can fix that, and then the mail will be sent."""


def is_success(code: int) -> bool:
    """Whether a reply means success (RFC 5321, 4.2.1: the first digit counts)."""
    return 200 <= code <= 299


def refusal(code: int, reply: bytes | str) -> TryLater | Refused:
    """The error for a reply that does not mean success."""
    permanent = 500 <= code <= 599 and code not in LOG_IN_REPLIES
    return Refused(words_of_reply(code, reply)) if permanent else TryLater(words_of_reply(code, reply))


def words_of_reply(code: int, reply: bytes | str) -> str:
    """A server's reply on one line, at most 500 characters."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"[:500].strip()


def words_of_error(error: BaseException) -> str:
    """An error in the server's words, if any. A disconnect hides the reply before it, so that comes first."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, smtplib.SMTPResponseException) and seen.smtp_code > 0:
            return words_of_reply(seen.smtp_code, seen.smtp_error)
        seen = seen.__context__
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:500] if isinstance(error, smtplib.SMTPException) else f"{type(error).__name__}: {text}"[:500]
