"""docs/tutorial.md, done step by step in an empty folder: each of its files and commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.chat import BUTTON, fill_and_send, reference
from tests.helpers.servers import free_port

pytestmark = pytest.mark.only("sqlite")

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
CHAPTERS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TUTORIAL, re.DOTALL | re.MULTILINE))
MAILS, SITE = "8025", "5000"
"""The ports of the tutorial; the test takes free ones."""

BASIC = "Basic " + b64encode(b"ada:change me").decode()

_FILE = re.compile(r"^(Add to )?`([\w/.]+)`:\n\n```\w+\n(.*?)```$", re.DOTALL | re.MULTILINE)


def command(chapter: str, beginning: str) -> list[str]:
    """The words of a command, with this Python's programs."""
    (line,) = re.findall(rf"^{beginning}.*$", CHAPTERS[chapter], re.MULTILINE)
    program, *words = line.split()
    return [sys.executable, *(["-m", program] if program != "python" else []), *words]


class Folder:
    """Where the reader works.

    Arguments:
        mails: the port of the mail server.
        site: the port of the site.
    """

    def __init__(self, path: Path, mails: int, site: int) -> None:
        self.path = path
        self.ports = {MAILS: str(mails), SITE: str(site)}
        self.address = f"http://127.0.0.1:{site}"

    def write(self, chapter: str) -> None:
        """Make the chapter's files, or add to them."""
        found = _FILE.findall(CHAPTERS[chapter])
        assert found, chapter
        for adds, name, content in found:
            file = self.path / name
            file.parent.mkdir(exist_ok=True)
            before = file.read_text() + "\n\n" if adds else ""
            file.write_text(before + self._with_ports(content))

    def output(self, chapter: str, beginning: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            command(chapter, beginning),
            cwd=self.path,
            capture_output=True,
            text=True,
            check=False,
            env=self._variables,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    @contextmanager
    def running(self, chapter: str, beginning: str, *further: str) -> Iterator[subprocess.Popen[str]]:
        """A command that runs until it is stopped."""
        process = subprocess.Popen(
            [self._with_ports(word) for word in (*command(chapter, beginning), *further)],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._variables,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)

    @contextmanager
    def site(self) -> Iterator[str]:
        """The running site, once its server listens."""
        with self.running("The first ticket", "flask run", "--port", SITE) as process:
            read_until(process, "Running on")
            yield self.address

    def _with_ports(self, text: str) -> str:
        return re.sub(rf"\b({MAILS}|{SITE})\b", lambda port: self.ports[port[0]], text)

    @property
    def _variables(self) -> dict[str, str]:
        # As in a new terminal.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLASK_", "WERKZEUG_"))}
        return {**kept, "PYTHONUNBUFFERED": "1"}


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What a process prints, up to the line with this text."""
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        printed += line
        if text in line:
            return printed
    raise AssertionError(f"it ended without {text!r}: {printed}")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, free_port(), free_port())


def test_each_chapter(folder: Folder, page: Page) -> None:
    """From the empty folder to a ticket from a chat of one's own, with the mail of each ticket."""
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    with folder.running("Set up", "python -m aiosmtpd") as mails:
        folder.write("A page with an answer")
        with folder.site() as address:
            page.goto(address)
            page.locator(BUTTON).click()
            fill_and_send(page)
            first = reference(page)
            assert "Reply-To: visitor@example.com" in read_until(mails, "END MESSAGE")
        assert first in folder.output("The first ticket", "flask kapa-handoff tickets")
        assert "support@example.com" in folder.output("The first ticket", "flask kapa-handoff doctor")

        put_decorator_into(folder.path / "app.py")
        folder.write("Kapa's widget")
        folder.write("A chat of your own")
        with folder.site() as address:
            assert page.request.get(f"{address}/handoff/admin/").status == 401
            signed_in = page.request.get(f"{address}/handoff/admin/", headers={"Authorization": BASIC})
            assert 'name="button_text"' in signed_in.text()
            widget = page.request.get(f"{address}/kapa").text()
            assert 'data-handoff-email="support@example.com"' in widget

            page.goto(f"{address}/chat")
            page.get_by_label("Your question").fill("Will it rain?")
            page.get_by_role("button", name="Ask").click()
            page.locator(BUTTON).click()
            fill_and_send(page)
            assert reference(page) != first
            assert "Will it rain?" in read_until(mails, "END MESSAGE")


def put_decorator_into(app: Path) -> None:
    """Put the chapter's code into the file instead of the line that it names."""
    chapter = CHAPTERS["Choose when the button appears"]
    (old,) = re.findall(r"instead of `(.+?)`:", chapter)
    (new,) = re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)
    assert app.read_text().count(old) == 1
    app.write_text(app.read_text().replace(old, new.strip()))


def test_the_packages_of_the_tutorial_are_those_of_this_project() -> None:
    """What it installs is this package, and a mail server that the tests have."""
    (installed,) = re.findall(r"^pip install (.+)$", CHAPTERS["Set up"], re.MULTILINE)
    assert installed.split() == ["flask-kapa-handoff", "aiosmtpd"]
    for name in installed.split():
        assert version(name)


def test_every_file_and_command_of_the_tutorial_is_used() -> None:
    """The test above leaves none of its blocks out; of the first one, the environment is the tests' own."""
    used = [name for chapter in CHAPTERS.values() for _, name, _ in _FILE.findall(chapter)]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert len(used) + 1 == len([language for language, _ in blocks if language != "sh"])  # with the decorator
    commands = "".join(text for language, text in blocks if language == "sh").splitlines()
    assert commands[5:] == [
        "python -m aiosmtpd -n -l 127.0.0.1:8025",
        "flask run --debug",
        "flask kapa-handoff tickets",
        "flask kapa-handoff doctor",
    ]
