"""Writes CSV that a spreadsheet shows as it is, and computes nothing of."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from typing import Any

BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that the file is UTF-8."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet would compute."""

_PART = re.compile("([;\t\r\n]\\s*)(?=[=+@＝＋－＠-])")
"""Where a spreadsheet may see a further cell that begins so: with another separator, quotes do not help."""


def as_csv(rows: Iterable[Iterable[Any]]) -> str:
    """These rows as CSV; None is an empty cell."""
    text = StringIO()
    csv.writer(text).writerows([_harmless(value) for value in row] for row in rows)
    return text.getvalue()


def _harmless(value: Any) -> str:
    text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
    text = _PART.sub(r"\1'", text)
    return f"'{text}" if text.startswith(FORMULA) else text
