"""Masks secrets that visitors paste into a chat: keys, tokens, passwords, card numbers.

A transcript goes out by mail and is kept for as long as the helpdesk keeps it. A masked secret stays
recognisable (``[hidden: GitHub token]``), so that the agent understands the sentence around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from .conversation import Conversation, QuestionAnswer, Source


class _Rule(NamedTuple):
    """What one kind of secret looks like.

    Arguments:
        hints: one of them matches wherever the pattern does, in lower case. Each begins with fixed text, and to look
            for that is a hundred times faster than to try the pattern.
    """

    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]
    hints: tuple[re.Pattern[bytes], ...]


def _card(match: re.Match[str]) -> str:
    digits = [int(character) for character in match[0] if character.isdigit()]
    # The Luhn check (ISO/IEC 7812-1, annex B) tells card numbers from order numbers and times.
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits[::-1])]
    is_card = digits[0] in (3, 4, 5, 6) and sum(doubled) % 10 == 0
    return "[hidden: card number]" if is_card else match[0]


def _shape(name: str, pattern: str, hint: bytes) -> _Rule:
    return _Rule(re.compile(pattern), f"[hidden: {name}]", _hints(hint))


def _hints(*patterns: bytes) -> tuple[re.Pattern[bytes], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


_ANY_CASE = re.IGNORECASE | re.ASCII

# The shapes are the ones that the issuers document. Each pattern is linear in the text's length: a try that fails
# has read no further than to where the next one begins.
_RULES = (
    _shape(
        "private key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s:,]|-(?!-))*"
        r"-----END [A-Z ]{0,30}PRIVATE KEY-----",
        b"private key-----",
    ),
    _shape(
        "GitHub token",
        r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        b"gh[pousr]_|github_pat_",
    ),
    _shape("GitLab token", r"(?<![\w-])glpat-[A-Za-z0-9_-]{20,}", b"glpat-"),
    _shape("npm token", r"(?<!\w)npm_[A-Za-z0-9]{36,}", b"npm_"),
    _shape("AWS key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", b"akia|asia"),
    _shape("Google key", r"(?<![\w-])AIza[A-Za-z0-9_-]{35}(?![\w-])", b"aiza"),
    _shape("Slack token", r"(?<![\w-])xox[abeoprs]-[A-Za-z0-9-]{10,}", b"xox"),
    _shape("Stripe key", r"(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}", b"k_(?:live|test)_"),
    _shape("API key", r"(?<![\w-])sk-[A-Za-z0-9_-]{20,}", b"sk-"),
    _shape("token", r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", rb"\.eyj"),
    _Rule(
        re.compile(r"\b(bearer[ \t]{1,4})([A-Za-z0-9._~+/-]{16,2000}={0,2})", _ANY_CASE),
        r"\1[hidden: token]",
        _hints(b"bearer"),
    ),
    _Rule(
        re.compile(
            r"\b((?:[A-Za-z0-9]{1,40}[_.-]){0,6}(?:password|passwd|secret|(?:api|access)[_-]?key|"
            r"(?:auth|access|refresh|id)[_-]?token|(?<=[?&])token)"
            r"[\"']?[ \t]{0,4}(?::|=(?!=))[ \t]{0,4}[\"']?)([^\s\"'<>,;&\[\]{}()$]{6,200})",
            _ANY_CASE,
        ),
        r"\1[hidden: secret]",
        _hints(b"passw", b"secret", b"token", b"(?:api|access)[_-]?key"),
    ),
    _Rule(
        re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:)([^\s/@:]{3,200})(?=@)", _ANY_CASE),
        r"\1[hidden: password]",
        _hints(b"@"),
    ),
    _Rule(re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-]|\.\d)", re.ASCII), _card, ()),
)
_DIGITS = bytes(0x30 if 0x30 <= code <= 0x39 else 0x78 for code in range(256))


def redact(text: str) -> str:
    """The text with its secrets masked; text without any comes back unchanged."""
    return _mask(text, _rules_for(text))


def redact_conversation(conversation: Conversation) -> Conversation:
    """The conversation with the secrets of every question, answer and source masked."""
    texts = [text for pair in conversation.pairs for text in (pair.question, pair.answer)]
    texts += [text for pair in conversation.pairs for source in pair.sources for text in (source.title, source.url)]
    rules = _rules_for("\n".join(texts))
    if not rules:
        return conversation
    return replace(conversation, pairs=tuple(_masked_pair(pair, rules) for pair in conversation.pairs))


def _masked_pair(pair: QuestionAnswer, rules: list[_Rule]) -> QuestionAnswer:
    sources = tuple(Source(_mask(source.title, rules), _mask(source.url, rules)) for source in pair.sources)
    return replace(pair, question=_mask(pair.question, rules), answer=_mask(pair.answer, rules), sources=sources)


def _mask(text: str, rules: list[_Rule]) -> str:
    for rule in rules:
        text = rule.pattern.sub(rule.replacement, text)
    return text


def _rules_for(text: str) -> list[_Rule]:
    """The rules that can match at all."""
    data = text.encode(errors="replace").lower()
    # Thirteen digits in a row, blanks and hyphens aside: the shortest card number.
    has_digits = b"0" * 13 in data.translate(_DIGITS, b" -")
    return [rule for rule in _RULES if (any(hint.search(data) for hint in rule.hints) if rule.hints else has_digits)]
