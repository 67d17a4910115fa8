"""I Hate Money's own test suite, as published on PyPI, with and without the package mounted."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.helpers.servers import MailServer
from tests.hosts.applications import ihatemoney
from tests.hosts.conftest import MODULES, environment_of
from tests.hosts.environments import python_of


def outcomes(folder: Path, mail_server: MailServer, *options: str) -> dict[str, str]:
    """Each test's outcome."""
    report = folder / f"report{len(options)}.xml"
    python = python_of("ihatemoney", ihatemoney.PINS)
    command = [python, "-m", "pytest", "--pyargs", "ihatemoney.tests", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*map(str, command), f"--junitxml={report}"],
        cwd=folder,
        env={**environment_of("ihatemoney", mail_server), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    return {
        f"{case.get('classname')}.{case.get('name')}": next(
            (child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed"
        )
        for case in ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest's own
    }


def test_the_applications_own_tests_pass_as_before(tmp_path: Path, mail_server: MailServer) -> None:
    """The same tests pass, one by one, with the package mounted on every app that they create."""
    shutil.copytree(MODULES, tmp_path / "applications", ignore=shutil.ignore_patterns("__pycache__"))
    without = outcomes(tmp_path, mail_server)
    assert list(without.values()).count("passed") > 100
    assert outcomes(tmp_path, mail_server, "-p", "applications.mounted") == without
