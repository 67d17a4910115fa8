"""A full disk, in a process that has a small one of its own: the tests are those of on_a_small_disk.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.small_disk import VARIABLE, command_on_a_small_disk

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_a_full_disk_loses_nothing_and_mends_itself(tmp_path: Path) -> None:
    """503 and the text kept, nothing half-written, no mail lost or doubled, and all goes on once there is room."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    command += ["--basetemp", str(tmp_path / "inner")]
    command = command_on_a_small_disk(folder, [*command, str(HERE / "on_a_small_disk.py")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        command, cwd=ROOT, env={**environment, VARIABLE: str(folder)}, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
