"""A full disk, in a process with its own small one: the tests are those of on_a_small_disk.py."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.small_disk import VARIABLE, command_on_a_small_disk
from tests.helpers.sites import DATABASES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.parametrize("database", DATABASES)
def test_a_full_disk_loses_nothing_and_recovers(database: str, tmp_path: Path) -> None:
    """503 and the text kept, nothing half-written, no mail lost or doubled, and all goes on once there is room."""
    if database == "postgresql" and os.geteuid() != 0:
        pytest.skip("the server does not start as the root of a namespace")
    # Not below pytest's own folders: as root, PostgreSQL's server runs as another user, who may not look into them.
    with tempfile.TemporaryDirectory(prefix="small-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-k", database]
        command += ["--basetemp", str(tmp_path / "inner"), str(HERE / "on_a_small_disk.py")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        ended = subprocess.run(
            command_on_a_small_disk(folder, command),
            cwd=ROOT,
            env={**environment, VARIABLE: str(folder)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
