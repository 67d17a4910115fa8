"""JSON from strangers: decoded as json.loads() does, and refused if it would take long."""

from __future__ import annotations

import json

import pytest

from flask_kapa_handoff.bounded_json import MAX_CONTAINERS, loads


@pytest.mark.parametrize("value", [{}, [], "x", 7, None, [{"a": ["\\", '"', "[{" * 30_000, "ü🦊"]}], {"[": '\\"['}])
def test_valid_json_is_read(value: object) -> None:
    """Brackets in texts do not count, whatever is escaped around them; text and bytes are the same."""
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert loads(text) == loads(text.encode()) == value


@pytest.mark.parametrize("unit", ["[]", "{}", '{"a":[]}'])
def test_too_many_lists_and_objects_are_refused(unit: str) -> None:
    """They would keep the garbage collector busy; as many as are allowed are read."""
    each = unit.count("[") + unit.count("{")
    allowed = MAX_CONTAINERS // each - 1
    assert len(loads("[" + ",".join([unit] * allowed) + "]")) == allowed
    with pytest.raises(ValueError, match="20,000"):
        loads("[" + ",".join([unit] * (allowed + 2)) + "]")


@pytest.mark.parametrize("text", ["", "{", '"' + "[" * 30_000, b"\xff\xfe", '"\\"[' * 30_000])
def test_invalid_json_is_refused(text: str | bytes) -> None:
    """As json.loads() does, or earlier."""
    with pytest.raises(ValueError):
        loads(text)
