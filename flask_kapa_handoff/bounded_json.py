"""Decodes strangers' JSON, and refuses what would take long: a megabyte of lists slows garbage collection tenfold."""

from __future__ import annotations

import json
from typing import Any

MAX_CONTAINERS = 20_000
"""The most lists and objects allowed. A conversation of 200 pairs with the most sources allowed has half as many."""


MAX_DEPTH = 50
"""How deeply they may be nested, since the code that stores them or shows them again is recursive."""


def loads(data: str | bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: it is not JSON, has more than :data:`MAX_CONTAINERS` lists and objects, or nests them more than
            :data:`MAX_DEPTH` deep.
        RecursionError: it is nested so deeply that it cannot be decoded.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")
    most = _count(text)
    if most > MAX_CONTAINERS:
        # Brackets in strings do not count: once escaped quotes are gone, every second piece is the inside of a string.
        outside = text.replace(r"\\", "").replace(r"\"", "").split('"')[::2]
        if _count("".join(outside)) > MAX_CONTAINERS:
            raise ValueError(f"there are more than {MAX_CONTAINERS:,} lists and objects in it")
    value = json.loads(text)
    if most <= MAX_DEPTH:
        return value
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for one in level for child in _children(one)]
        if not level:
            return value
    raise ValueError(f"lists and objects stand more than {MAX_DEPTH} deep in each other")


def _children(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in inside if isinstance(child, (dict, list))]


def _count(text: str) -> int:
    return text.count("[") + text.count("{")
