"""JSON of strangers, refused before it takes long: the garbage collector slows down a megabyte of lists tenfold."""

from __future__ import annotations

import json
from typing import Any

MAX_CONTAINERS = 20_000
"""Most lists and objects together. A conversation of 200 pairs with all the sources that are taken has half of it."""


def loads(data: str | bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: it is no JSON, or has more than :data:`MAX_CONTAINERS` lists and objects.
        RecursionError: they stand too deeply in each other.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "surrogatepass")
    if _count(text) > MAX_CONTAINERS:
        # Those in strings do not count: once escaped quotes are gone, every second piece is the inside of a string.
        outside = text.replace(r"\\", "").replace(r"\"", "").split('"')[::2]
        if _count("".join(outside)) > MAX_CONTAINERS:
            raise ValueError(f"there are more than {MAX_CONTAINERS:,} lists and objects in it")
    return json.loads(text)


def _count(text: str) -> int:
    return text.count("[") + text.count("{")
