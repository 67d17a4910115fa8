"""Turns a mail server's replies into texts for the ticket, and into what follows; the classes decide which."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterable

from ...text import clean_text, one_line
from ..outcomes import Refused, TryLater
from .reply_classes import CLASSES, OTHER, ReplyClass

LONGEST = 500
"""The longest text of a reply or an error, in characters."""

AT_CONNECT, AT_LOGIN, AT_MAIL = " (before any mail)", " (in reply to the login)", " (in reply to MAIL)"
"""The ends of the texts of 5xx replies that are about the site, whatever their words say."""

_BY_NAME = {row.name: row for row in CLASSES}
_BY_STEP = {
    AT_CONNECT: _BY_NAME["server blocked"],
    AT_LOGIN: _BY_NAME["login refused"],
    AT_MAIL: _BY_NAME["sender refused"],
}

# At the beginning, or as qmail has it: "no mailbox here by that name. (#5.1.1)".
_STATUS = re.compile(r"(?:\W{0,2}|.*\(#)[245]\.(\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>:;,]+")


def _by(column: str) -> dict[str, ReplyClass]:
    return {key: row for row in CLASSES for key in _expanded(getattr(row, column).split())}


def _expanded(keys: Iterable[str]) -> Iterable[str]:
    for key in keys:
        subject, _, detail = key.partition(".")
        first, _, last = detail.partition("-")
        yield from [f"{subject}.{number}" for number in range(int(first), int(last) + 1)] if last else [key]


_BY_STATUS, _BY_WEAK, _BY_CODE = _by("statuses"), _by("weak"), _by("codes")
_PATTERNS = [(re.compile("|".join(row.words), re.IGNORECASE), row) for row in CLASSES if row.words]


def classify(words: str) -> ReplyClass:
    """The class of a reply.

    Arguments:
        words: the reply as :func:`words_of_reply` writes it: its code, and its text if there is any.
    """
    code, _, text = words.partition(" ")
    found = _STATUS.match(text)
    status = found[1] if found else ""
    # Without addresses, whose words say nothing: <quota@acme.example> may be unknown.
    said = _ADDRESS.sub("", text)
    row = _BY_STATUS.get(status) or next((row for pattern, row in _PATTERNS if pattern.search(said)), None)
    if code.startswith("4"):
        return CLASSES[0] if row is None or row.permanent else row
    row = row or _BY_WEAK.get(status) or _BY_WEAK.get(f"{status.partition('.')[0]}.*")
    step = next((about for end, about in _BY_STEP.items() if words.endswith(end)), None)
    if step is not None and (row is None or row.permanent):
        return step
    return row or _BY_CODE.get(code, OTHER)


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
        words = _at(AT_MAIL, words)
    return Refused(words) if classify(words).permanent else TryLater(words)


def before_mail(words: str, *, at_login: bool = False) -> str:
    """The words of a reply that refuses the connection or the login, and says so if it is a 5xx reply."""
    return _at(AT_LOGIN if at_login else AT_CONNECT, words) if re.match(r"5\d\d\b", words) else words


def _at(step: str, words: str) -> str:
    return words[: LONGEST - len(step)] + step


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
