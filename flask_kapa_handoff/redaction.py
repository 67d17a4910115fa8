"""Masks secrets that visitors paste into a chat: keys, tokens, passwords, card numbers.

A transcript is sent by mail and stays for as long as the helpdesk keeps it. A masked secret stays recognisable
(``[hidden: GitHub token]``), so that the agent understands the sentence around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from .conversation import Conversation, QuestionAnswer, Source


class _Rule(NamedTuple):
    """The pattern of one kind of secret.

    Arguments:
        hints: wherever the pattern matches, one of these matches the lower-case text. Each begins with fixed text, and
            searching for that is a hundred times faster than trying the pattern.
    """

    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]
    hints: tuple[re.Pattern[bytes], ...]


def _card(match: re.Match[str]) -> str:
    digits = match[0].replace(" ", "").replace("-", "").encode("ascii")[::-1]
    # The Luhn check (ISO/IEC 7812-1, annex B) tells card numbers from order numbers and times.
    total = sum(digits[::2].translate(_VALUES)) + sum(digits[1::2].translate(_DOUBLED))
    return "[hidden: card number]" if digits[-1] in b"3456" and total % 10 == 0 else match[0]


_VALUES = bytes(code - 0x30 if 0x30 <= code <= 0x39 else 0 for code in range(256))
_DOUBLED = bytes(sum(divmod(2 * value, 10)) for value in _VALUES)


def _shape(name: str, pattern: str, hint: bytes) -> _Rule:
    return _Rule(re.compile(pattern), f"[hidden: {name}]", _hints(hint))


def _hints(*patterns: bytes) -> tuple[re.Pattern[bytes], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


# The formats are those that the issuers document. Each pattern takes time linear in the text's length: an attempt that
# fails reads no further than to where the next one begins. Each also begins with one or a few fixed characters and
# only then looks back at what comes before them: where there are none of these, the search is several times faster.
_RULES = (
    _shape(
        "private key",
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s:,]|-(?!-))*"
        r"-----END [A-Z ]{0,30}PRIVATE KEY-----",
        b"private key-----",
    ),
    _shape(
        "GitHub token",
        r"g(?<!\wg)(?:h[pousr]_[A-Za-z0-9]{36,}|ithub_pat_[A-Za-z0-9_]{22,})",
        b"gh[pousr]_|github_pat_",
    ),
    _shape("GitLab token", r"glpat-(?<![\w-]glpat-)[A-Za-z0-9_-]{20,}", b"glpat-"),
    _shape("npm token", r"npm_(?<!\wnpm_)[A-Za-z0-9]{36,}", b"npm_"),
    _shape("AWS key", r"A(?<!\wA)(?:KIA|SIA)[A-Z0-9]{16}\b", b"akia|asia"),
    _shape("Google key", r"AIza(?<![\w-]AIza)[A-Za-z0-9_-]{35}(?![\w-])", b"aiza"),
    _shape("Slack token", r"xox(?<![\w-]xox)[abeoprs]-[A-Za-z0-9-]{10,}", b"xox"),
    _shape("Stripe key", r"[rs](?<!\w[rs])k_(?:live|test)_[A-Za-z0-9]{16,}", b"k_(?:live|test)_"),
    _shape("API key", r"sk-(?<![\w-]sk-)[A-Za-z0-9_-]{20,}", b"sk-"),
    _shape("token", r"eyJ(?<![\w-]eyJ)[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", rb"\.eyj"),
    _Rule(
        re.compile(r"([Bb](?<!\w[Bb])(?i:earer)[ \t]{1,4})([A-Za-z0-9._~+/-]{16,2000}={0,2})", re.ASCII),
        r"\1[hidden: token]",
        _hints(b"bearer"),
    ),
    _Rule(
        re.compile(
            r"([PpSsAaRrIiTt](?<![A-Za-z0-9].)"
            r"(?i:(?<=p)assword|(?<=p)asswd|(?<=s)ecret|(?<=a)pi[_-]?key|(?<=a)ccess[_-]?key|"
            r"(?<=a)uth[_-]?token|(?<=a)ccess[_-]?token|(?<=r)efresh[_-]?token|(?<=i)d[_-]?token|(?<=[?&]t)oken)"
            r"[\"']?[ \t]{0,4}(?::|=(?!=))[ \t]{0,4}[\"']?)([^\s\"'<>,;&\[\]{}()$]{6,200})",
            re.ASCII,
        ),
        r"\1[hidden: secret]",
        _hints(b"passw", b"secret", b"token", b"(?:api|access)[_-]?key"),
    ),
    _Rule(
        re.compile(r"(://(?<=[A-Za-z0-9+.-]://)[^\s/:@]{1,100}:)([^\s/@:]{3,200})(?=@)"),
        r"\1[hidden: password]",
        _hints(b"@"),
    ),
    _Rule(re.compile(r"\d(?<![\w.-]\d)(?:[ -]?\d){12,18}(?![\w-]|\.\d)", re.ASCII), _card, ()),
)
_DIGITS = bytes(0x30 if 0x30 <= code <= 0x39 else 0x78 for code in range(256))


def redact(text: str) -> str:
    """The text with its secrets masked; text without secrets is returned unchanged."""
    return _mask(text, _rules_for(text))


def redact_conversation(conversation: Conversation) -> Conversation:
    """The conversation with the secrets in every text of every pair masked."""
    texts = [text for pair in conversation.pairs for text in (pair.question, pair.answer, pair.comment, *pair.files)]
    texts += [text for pair in conversation.pairs for source in pair.sources for text in (source.title, source.url)]
    rules = _rules_for("\n".join(texts))
    if not rules:
        return conversation
    return replace(conversation, pairs=tuple(_masked_pair(pair, rules) for pair in conversation.pairs))


def _masked_pair(pair: QuestionAnswer, rules: list[_Rule]) -> QuestionAnswer:
    sources = tuple(Source(_mask(source.title, rules), _mask(source.url, rules)) for source in pair.sources)
    return replace(
        pair,
        question=_mask(pair.question, rules),
        answer=_mask(pair.answer, rules),
        comment=_mask(pair.comment, rules),
        files=tuple(_mask(name, rules) for name in pair.files),
        sources=sources,
    )


def _mask(text: str, rules: list[_Rule]) -> str:
    for rule in rules:
        text = rule.pattern.sub(rule.replacement, text)
    return text


def _rules_for(text: str) -> list[_Rule]:
    """The rules that can match this text at all."""
    data = text.encode(errors="replace").lower()
    # Thirteen digits in a row, ignoring spaces and hyphens: the shortest card number.
    has_digits = b"0" * 13 in data.translate(_DIGITS, b" -")
    return [rule for rule in _RULES if (any(hint.search(data) for hint in rule.hints) if rule.hints else has_digits)]
