"""``make coverage`` fails below the floor, and asks for a higher one well above it."""

from __future__ import annotations

import pytest

from tests.coverage_floor import verdict


@pytest.mark.parametrize("measured", [93.0, 93.4, 94.0])
def test_a_coverage_at_the_floor_passes(measured: float) -> None:
    assert verdict(measured, 93) is None


def test_a_lower_coverage_asks_for_a_test() -> None:
    assert "Add a test." in (verdict(92.99, 93) or "")


def test_a_higher_coverage_asks_for_a_higher_floor() -> None:
    assert "set fail_under = 95 in setup.cfg" in (verdict(95.7, 93) or "")
