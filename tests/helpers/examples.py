"""The sites of ``examples/``: a copy of each, started with the commands of its README."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.sites import ROOT

EXAMPLES = ROOT / "examples"
_PORT = re.compile(r"\b(5000|8000|8025)\b")


class Example:
    """A copy of an example in a folder of its own.

    Arguments:
        name: its folder in ``examples/``.
        place: where the copy goes.
        ports: for the ports that its files and its README name, those that are free.
        python: of the environment that has what it needs.
    """

    def __init__(self, name: str, place: Path, ports: Mapping[int, int], python: str = sys.executable) -> None:
        self.folder = place / name
        self._python = python
        shutil.copytree(EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns("instance", "__pycache__"))
        for file in filter(Path.is_file, self.folder.rglob("*")):
            text = file.read_text(encoding="utf-8")
            file.write_text(_PORT.sub(lambda found: str(ports.get(int(found[0]), found[0])), text), encoding="utf-8")
        self.commands: list[list[str]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLASK_", "WERKZEUG_"))}
        self.environment = {**kept, "PYTHONUNBUFFERED": "1"}
        blocks = re.findall(r"^```sh\n(.*?)^```$", (self.folder / "README.md").read_text(), re.DOTALL | re.MULTILINE)
        for line in "".join(blocks).splitlines():
            words = shlex.split(line)
            if words[0] == "export":
                self.environment.update(
                    (name, value) for name, _, value in (word.partition("=") for word in words[1:])
                )
            else:
                self.commands.append(words)

    def set_up(self) -> str:
        """Run the README's commands that come before the site's start, in their order; returns what they print."""
        return "".join(self.run(words) for words in self.commands if words[0] == "flask" and words[-1] != "run")

    def run(self, words: list[str]) -> str:
        """A command's output."""
        done = subprocess.run(
            self._with_python(words),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, beginning: str, ready: str, *further: str) -> Iterator[subprocess.Popen[str]]:
        """A command of the README that runs until the end of the block, once it has printed ``ready``."""
        (words,) = [words for words in self.commands if " ".join(words).startswith(beginning)]
        with self.started([*words, *further], ready) as process:
            yield process

    @contextmanager
    def started(self, words: list[str], ready: str) -> Iterator[subprocess.Popen[str]]:
        """The same for any command."""
        log = self.folder / "output.log"
        with subprocess.Popen(
            self._with_python(words),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                printed = ""
                for line in process.stdout:
                    printed += line
                    if ready in line:
                        break
                assert ready in printed, printed
                # What it prints from now on must not fill the pipe.
                with log.open("a") as output:
                    drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=output)
                yield process
            finally:
                process.terminate()
                process.wait(60)
        drain.wait(30)

    @contextmanager
    def site(self, port: int, beginning: str = "flask run") -> Iterator[str]:
        """The running site; returns its address."""
        with self.running(beginning, "Running on", "--port", str(port)):
            yield f"http://127.0.0.1:{port}"

    def _with_python(self, words: list[str]) -> list[str]:
        program, *rest = words
        return [self._python, *(["-m", program] if program != "python" else []), *rest]
