"""How the processor time of a call grows with its text: a guard against the square of a length, on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LINEAR = 10
"""Four times the text takes four times as long, give or take; the square would take sixteen times."""

_RESOLUTION = 0.002  # seconds; below, the clock and the caches count for more than the text


def growth(call: Callable[[Any], object], small: Any, large: Any) -> float:
    """How many times as long the larger value takes, the best of three runs each."""

    def seconds(value: Any) -> float:
        times = []
        for _ in range(3):
            began = time.thread_time()
            call(value)
            times.append(time.thread_time() - began)
        return max(min(times), _RESOLUTION)

    return seconds(large) / seconds(small)
