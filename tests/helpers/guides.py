"""The code blocks, files and commands of the pages in docs/, for tests that run them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.helpers.docs_site import DOCS


def blocks(page: str, language: str) -> list[str]:
    """A page's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)


def files(page: str) -> dict[str, str]:
    """The code blocks of a page that it calls files, by their names."""
    pattern = r"^`([\w./@-]+)`[^\n]*:\n\n```\w+\n(.*?)^```"
    return dict(re.findall(pattern, (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE))


def run_block(code: str, **names: Any) -> dict[str, Any]:
    """Run a page's own code, and return its names."""
    exec(code, names)  # noqa: S102 - our own documentation
    return names


def environment(folder: Path, page: str, name: str, **further: str) -> dict[str, str]:
    """The environment of a process as a page's environment file has it, in which the database is in a folder."""
    lines = dict(line.split("=", 1) for line in files(page)[name].splitlines())
    database = {"FLASK_KAPA_HANDOFF_DATABASE_URI": f"sqlite:///{folder}/handoff.sqlite3"}
    return {**os.environ, **lines, **database, **further}


def flask(command: str, folder: Path, variables: dict[str, str]) -> str:
    """What a command of a page prints."""
    words = shlex.split(command[command.index("flask ") :])
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout
