"""Bars for a chart: places and heights in an SVG of any size. Pure; the template draws them.

No library draws them: pygal 3.1 puts a script and a style element into each chart, which a strict
Content-Security-Policy forbids, and an image of its own could follow neither the colours of the page nor its width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 10
"""The units from one bar to the next."""

HEIGHT = 100

_STEPS = (4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
GAP = 2


@dataclass(frozen=True)
class Bar:
    """One bar, with the part of it that is darker; lengths in units of the chart.

    Arguments:
        place: which one it is, from 0.
        x: its left side.
        whole, part: the heights.
    """

    place: int
    x: int
    whole: float
    part: float


@dataclass(frozen=True)
class Chart:
    """A chart.

    Arguments:
        top: the value at the top, a round number.
        width: of all bars.
    """

    top: int
    width: int
    bars: Sequence[Bar]


def make_chart(values: Sequence[tuple[int, int]]) -> Chart:
    """A chart of pairs of a number and the part of it that is shown darker."""
    top = round_up(max((max(pair) for pair in values), default=0))

    def height(value: int) -> float:
        # What is not nothing can be seen.
        return round(max(HEIGHT * value / top, 1.0 if value else 0.0), 2)

    bars = [
        Bar(place, place * WIDTH + GAP // 2, height(whole), height(part)) for place, (whole, part) in enumerate(values)
    ]
    return Chart(top, max(1, len(values)) * WIDTH, bars)


def round_up(value: int) -> int:
    """The next number that people count in, such as 12, 150 or 2,000; at least 4."""
    if value <= 4:
        return 4
    unit: int = 10 ** (len(str(value)) - 2) if value > 9 else 1
    return next(step * unit for step in _STEPS if value <= step * unit)
