"""Real applications with the installed wheel: each in an environment and a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import browser, browser_name, open_context, playwright, watched
from tests.helpers.servers import MailServer
from tests.hosts.environments import python_of, run

__all__ = ["browser", "browser_name", "open_context", "playwright"]

APPLICATIONS = ("appbuilder", "calibreweb", "canaille", "changedetection", "ihatemoney", "otterwiki")
MODULES = Path(__file__).parent / "applications"
LOADING = "Failed to load resource"
"""How the browser's own line in the console begins for each response of 400 and more."""

START = 90
"""Seconds that an application may take to start, on a busy machine."""

Found = TypeVar("Found")


class Server:
    """A process that serves; what it prints is kept in a file."""

    def __init__(self, command: list[object], folder: Path, environment: dict[str, str], name: str = "server") -> None:
        self.log_file = folder / f"{name}.log"
        with self.log_file.open("w") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=folder, env=environment, stdout=output, stderr=output
            )

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_for(self, pattern: str) -> str:
        """The first group of the pattern, as soon as the process has printed it."""
        return self.wait_until(lambda: re.search(pattern, self.log()), pattern)[1]

    def wait_until(self, ready: Callable[[], Found | None], words: str) -> Found:
        """What ``ready`` gives, as soon as it gives something."""
        deadline = time.monotonic() + START
        while not (found := ready()):
            assert self.process.poll() is None, f"the server has ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"not within {START} seconds: {words}\n{self.log()}"
            time.sleep(0.05)  # another program's log and port tell nobody that they have changed
        return found

    def stop(self) -> int:
        """End it as a service manager does; returns its exit status, or minus the signal that ended it."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@dataclass
class Host:
    """One running application."""

    module: ModuleType
    address: str
    server: Server
    mail_server: MailServer
    start_bare: Callable[[], tuple[Server, str]]
    """Starts the same application without the package; returns the server and its address."""


def environment_of(name: str, mail_server: MailServer, **config: Any) -> dict[str, str]:
    """The environment of a process that mounts the package into an application."""
    settings = {
        "KAPA_HANDOFF_EMAIL": "support@example.com",
        "KAPA_HANDOFF_SENDER": "Site <site@example.com>",
        "KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000,
        **config,
    }
    return {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONWARNINGS")},
        "HANDOFF_APPLICATION": name,
        "HANDOFF_MAIL_PORT": str(mail_server.port),
        "HANDOFF_CONFIG": json.dumps(settings),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="module", params=APPLICATIONS)
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mail_server: MailServer
) -> Iterator[Host]:
    """An application with the package mounted, serving in a folder outside the source tree."""
    name = request.param
    module = importlib.import_module(f"tests.hosts.applications.{name}")
    python = python_of(name, module.PINS)
    folder = tmp_path_factory.mktemp(name)
    shutil.copytree(MODULES, folder / "applications", ignore=shutil.ignore_patterns("__pycache__"))
    environment = environment_of(name, mail_server)
    found = run(
        python, "-c", "import flask_kapa_handoff; print(flask_kapa_handoff.__file__)", cwd=folder, env=environment
    )
    assert str(python.parents[1]) in found
    if getattr(module, "SHARES_DATABASE", False):
        command = ("-m", "flask", "--app", "applications.mounting:make_app", "kapa-handoff", "db", "upgrade")
        run(python, *command, cwd=folder, env=environment)
    servers: list[Server] = []

    def start(environment: dict[str, str], folder: Path) -> tuple[Server, str]:
        servers.append(Server([python, "-m", "applications.mounting"], folder, environment))
        return servers[-1], servers[-1].wait_for(r"serving (http://\S+)")

    def start_bare() -> tuple[Server, str]:
        bare = tmp_path_factory.mktemp(f"{name}-bare")
        shutil.copytree(folder / "applications", bare / "applications")
        return start({**environment, "HANDOFF_CONFIG": ""}, bare)

    try:
        server, address = start(environment, folder)
        yield Host(module, address, server, mail_server, start_bare)
    finally:
        for running in servers:
            running.stop()


@pytest.fixture
def page(host: Host, open_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A page; the test fails when its console shows an error that the application's own pages do not show as well."""
    opened = watched(open_context().new_page())
    opened.on("response", lambda response: answers.append((response.status, response.url)))
    answers: list[tuple[int, str]] = []
    yield opened
    ours = [(status, url) for status, url in answers if status >= 400 and re.search(r"/(handoff|chat)\b", url)]
    assert ours == []
    found = {problem for problem in opened.problems if not problem.startswith(LOADING)}  # type: ignore[attr-defined]
    if found:
        own = watched(open_context().new_page())
        host.module.sign_in(own, host.address)
        for path in host.module.OWN_PAGES[:-1]:
            own.goto(f"{host.address}{path}")
            own.wait_for_load_state("load")
        found -= set(own.problems)  # type: ignore[attr-defined]
    assert found == set()


@pytest.fixture
def start_site(tmp_path: Path, mail_server: MailServer) -> Iterator[Callable[..., Server]]:
    """Starts a server of the plain site: ``start_site(command, HANDOFF_WARM="1")``, in a folder of its own."""
    shutil.copytree(MODULES, tmp_path / "applications", ignore=shutil.ignore_patterns("__pycache__"))
    servers: list[Server] = []

    def start(command: list[object], **variables: str) -> Server:
        environment = {**environment_of("plain", mail_server), "PYTHONPATH": str(tmp_path), **variables}
        servers.append(Server(command, tmp_path, environment, f"server-{len(servers)}"))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()
