"""JSON of strangers, refused before it takes long: the garbage collector slows down a megabyte of lists tenfold."""

from __future__ import annotations

import json
from typing import Any

MAX_CONTAINERS = 20_000
"""Most lists and objects together. A conversation of 200 pairs with all the sources that are taken has half of it."""


MAX_DEPTH = 50
"""How deeply they may stand in each other: what is shown again, or stored, is written by code that calls itself."""


def loads(data: str | bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: it is no JSON, or has more than :data:`MAX_CONTAINERS` lists and objects, or they stand more than
            :data:`MAX_DEPTH` deep in each other.
        RecursionError: the same, so deeply that it cannot be decoded.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")
    if _count(text) > MAX_CONTAINERS:
        # Those in strings do not count: once escaped quotes are gone, every second piece is the inside of a string.
        outside = text.replace(r"\\", "").replace(r"\"", "").split('"')[::2]
        if _count("".join(outside)) > MAX_CONTAINERS:
            raise ValueError(f"there are more than {MAX_CONTAINERS:,} lists and objects in it")
    value = json.loads(text)
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
