"""Card numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .spans import MAX_EFFORT, Span, Subject

# Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay, Maestro; as printed, or without blanks.
_CARD = re.compile(
    r"(?<![\w.,/-])(?<![+#] )(?:(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6\d{3}|35\d\d)(?:([ -]?)\d{4}(?:\1\d{4}){2}|\d{9})"
    r"|3[47]\d\d([ -]?)\d{6}\2\d{5}|3[068]\d\d([ -]?)\d{6}\3\d{4})(?![\w-]|[.,:/]\d)",
    re.ASCII,
)
_EFFORT = 4
# A digit becomes 0, and what may be between the groups a blank.
_SHAPE = bytes(0x30 if 0x30 <= code <= 0x39 else 0x20 if code in b" -" else 0x78 for code in range(256))
# Thirteen digits in a row, or two groups of four; and how much further the next ones begin at least.
_BEGINNINGS = ((b"0" * 13, 13), (b"0000 0000", 5))
_VALUES = bytes(code - 0x30 if 0x30 <= code <= 0x39 else 0 for code in range(256))
_DOUBLED = bytes(sum(divmod(2 * value, 10)) for value in _VALUES)


def find_cards(subject: Subject) -> Iterator[Span]:
    """The numbers that have the prefix, the length and the check digit of a card."""
    shape = subject.data.translate(_SHAPE)
    for beginning, step in _BEGINNINGS:
        at = shape.find(beginning)
        while at >= 0 and subject.effort < MAX_EFFORT:
            subject.effort += _EFFORT
            match = _CARD.match(subject.text, at)
            if match and _passes_luhn(match[0]):
                yield Span(match.start(), match.end(), "card number")
            at = shape.find(beginning, at + step)


def _passes_luhn(number: str) -> bool:
    """The check of ISO/IEC 7812-1, annex B, which tells card numbers from order numbers and times."""
    digits = number.replace(" ", "").replace("-", "").encode("ascii")[::-1]
    return (
        len(set(digits)) > 1
        and (sum(digits[::2].translate(_VALUES)) + sum(digits[1::2].translate(_DOUBLED))) % 10 == 0
    )
