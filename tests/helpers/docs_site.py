"""The documentation's site, built once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"


def build(factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does, where no other process has; a warning is an error.

    Returns:
        The folder with its pages.
    """
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    html, done = shared / "docs-site", shared / "docs-site-done"
    with (shared / "docs-site-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            options = ["-q", "-W", "--keep-going", "-d", str(shared / "docs-site-read")]
            command = [sys.executable, "-m", "sphinx", *options, "docs", str(html)]
            built = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stderr
            done.touch()
    return html


class Content(HTMLParser):
    """What a page has: its ids, its links, what it loads, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        else:
            self.loads += [found[name] for name in ("href", "src", "srcset", "action", "data") if name in found]

    def handle_data(self, data: str) -> None:
        self.text += data
