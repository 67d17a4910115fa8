"""The floor of the coverage can only rise: run it after ``coverage combine``, as ``make coverage`` does."""

from __future__ import annotations

import sys
from configparser import ConfigParser
from io import StringIO
from math import floor
from pathlib import Path

from coverage import Coverage

CHECKOUT = Path(__file__).parent.parent
SLACK = 1.0
"""Percentage points that the coverage may lie above the floor, so that a lucky run does not raise it."""


def verdict(measured: float, least: float) -> str | None:
    """What is wrong with the coverage; None: it is at the floor, or less than :data:`SLACK` above it.

    Arguments:
        measured: percent of lines and branches.
        least: the floor, percent.
    """
    if measured < least:
        return f"{measured:.2f} % of the lines and branches are covered; at least {least:g} % must be. Add a test."
    if measured > least + SLACK:
        return (
            f"{measured:.2f} % of the lines and branches are covered, the floor is {least:g} %. "
            f"Raise it: set fail_under = {floor(measured)} in setup.cfg."
        )
    return None


def main() -> int:
    """Compare the measured coverage with the floor in setup.cfg; 1: something is wrong with it."""
    settings = ConfigParser(interpolation=None)
    settings.read(CHECKOUT / "setup.cfg")
    coverage = Coverage()
    coverage.load()
    problem = verdict(coverage.report(file=StringIO()), settings.getfloat("coverage:report", "fail_under"))
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
