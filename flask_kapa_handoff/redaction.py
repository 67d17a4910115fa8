"""Masks secrets that visitors paste into a chat: keys, tokens, passwords, card numbers.

A transcript goes out by mail and is kept for as long as the helpdesk keeps it. A masked secret stays
recognisable (``[hidden: GitHub token]``), so that the agent understands the sentence around it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .conversation import Conversation, QuestionAnswer

# The shapes are the ones that the issuers document. Each pattern is linear in the text's length: a try that fails
# has read no further than to where the next one begins.
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s:,]|-(?!-))*"
            r"-----END [A-Z ]{0,30}PRIVATE KEY-----"
        ),
    ),
    ("GitHub token", re.compile(r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})")),
    ("GitLab token", re.compile(r"(?<![\w-])glpat-[A-Za-z0-9_-]{20,}")),
    ("AWS key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("Google key", re.compile(r"(?<![\w-])AIza[A-Za-z0-9_-]{35}(?![\w-])")),
    ("Slack token", re.compile(r"(?<![\w-])xox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("Stripe key", re.compile(r"(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}")),
    ("API key", re.compile(r"(?<![\w-])sk-[A-Za-z0-9_-]{20,}")),
    ("token", re.compile(r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
)
_BEARER = re.compile(r"\b(bearer[ \t]{1,4})([A-Za-z0-9._~+/-]{16,2000}={0,2})", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"\b((?:[A-Za-z0-9]{1,40}[_.-]){0,6}(?:password|passwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token)"
    r"[\"']?[ \t]{0,4}(?::|=(?!=))[ \t]{0,4}[\"']?)([^\s\"'<>,;&\[\]{}()$]{6,200})",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:)([^\s/@:]{3,200})(?=@)", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-]|\.\d)")


def redact(text: str) -> str:
    """The text with its secrets masked; text without any comes back unchanged."""
    for name, shape in _SHAPES:
        text = shape.sub(f"[hidden: {name}]", text)
    text = _BEARER.sub(r"\1[hidden: token]", text)
    text = _ASSIGNMENT.sub(r"\1[hidden: secret]", text)
    text = _URL_PASSWORD.sub(r"\1[hidden: password]", text)
    return _CARD.sub(_card, text)


def redact_conversation(conversation: Conversation) -> Conversation:
    """The conversation with the secrets of every question, answer and source masked."""
    return replace(conversation, pairs=tuple(_redact_pair(pair) for pair in conversation.pairs))


def _redact_pair(pair: QuestionAnswer) -> QuestionAnswer:
    sources = tuple(replace(source, title=redact(source.title), url=redact(source.url)) for source in pair.sources)
    return replace(pair, question=redact(pair.question), answer=redact(pair.answer), sources=sources)


def _card(match: re.Match[str]) -> str:
    digits = [int(character) for character in match[0] if character.isdigit()]
    # The Luhn check (ISO/IEC 7812-1, annex B) tells card numbers from order numbers and times.
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits[::-1])]
    is_card = digits[0] in (3, 4, 5, 6) and sum(doubled) % 10 == 0
    return "[hidden: card number]" if is_card else match[0]
