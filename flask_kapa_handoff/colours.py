"""Checks colours, and that text on them can be read (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

WHITE, BLACK = "#ffffff", "#000000"
SURFACES = (WHITE, "#1b1c22")
"""The light and the dark background of forms: ``--kapa-handoff-surface`` in handoff.css."""

TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0

_COLOUR = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def read_colour(text: str) -> str | None:
    """A colour as ``#rrggbb``, from that or ``#rgb``, with or without the ``#``; None: it is no such colour."""
    found = _COLOUR.fullmatch(f"#{text.strip().removeprefix('#')}")
    if found is None:
        return None
    digits = found[1].lower()
    return f"#{digits if len(digits) == 6 else ''.join(digit * 2 for digit in digits)}"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two ``#rrggbb`` colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def text_on(colour: str) -> str:
    """White if it can be read on a colour, else black, which then can."""
    return WHITE if contrast(colour, WHITE) >= TEXT_CONTRAST else BLACK


def is_seen_everywhere(colour: str) -> bool:
    """Whether a ring of this colour can be seen on every surface."""
    return all(contrast(colour, surface) >= MARK_CONTRAST for surface in SURFACES)


def _luminance(colour: str) -> float:
    # WCAG 2.2, "relative luminance".
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
