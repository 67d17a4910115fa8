"""A plugin of pytest for ``make coverage``: saves what was measured as soon as the tests have ended.

pytest-xdist kills a worker that takes more than ten seconds to exit, and with it what coverage saves at exit.
"""

from __future__ import annotations

import coverage
import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    measurement = coverage.Coverage.current()
    assert measurement is not None, "this process is not measured"
    measurement.save()
