"""``tests/typing/public_api.py``, which mypy reads in ``make lint``, leaves out nothing that a site can use."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from blinker import NamedSignal

import flask_kapa_handoff
from flask_kapa_handoff import KapaHandoff, signals

MODULE = Path(__file__).parent / "typing" / "public_api.py"
USED = {
    name
    for node in ast.walk(ast.parse(MODULE.read_text()))
    for name in [getattr(node, "id", None) or getattr(node, "attr", None)]
    if name
}
PUBLIC = {
    *flask_kapa_handoff.__all__,
    *(name for name in vars(KapaHandoff) if not name.startswith("_")),
    *(name for name, value in vars(signals).items() if isinstance(value, NamedSignal)),
}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_is_used_there(name: str) -> None:
    assert name in USED
