"""A real browser: Chromium, or with ``--browser`` another one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from flask_kapa_handoff import KapaHandoff
from tests.browser.chat import add_chat
from tests.browser.engines import ENGINES, drive, launch

# Generous, since these are limits and not waits: a busy machine must not make a test fail.
TIMEOUT = 30_000
expect.set_options(timeout=TIMEOUT)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--browser", choices=ENGINES, default=ENGINES[0], help="run the tests for every browser in this one"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_browser: the test also runs with --browser=firefox and --browser=webkit")


def engine_of(config: pytest.Config) -> str:
    """The browser of this run. Pytest does not know the option in a run of other tests, too."""
    return str(config.getoption("--browser", ENGINES[0]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for Chromium alone, such as what only its developer tools tell."""
    if engine_of(config) == ENGINES[0]:
        return
    unwanted = [item for item in items if not item.get_closest_marker("every_browser")]
    items[:] = [item for item in items if item.get_closest_marker("every_browser")]
    config.hook.pytest_deselected(items=unwanted)


@pytest.fixture(scope="session")
def browser_name(pytestconfig: pytest.Config) -> str:
    """One of ENGINES."""
    return engine_of(pytestconfig)


@pytest.fixture(scope="session")
def playwright(browser_name: str) -> Iterator[Playwright]:
    with drive(browser_name) as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright, browser_name: str) -> Iterator[Browser]:
    started = launch(playwright, engine=browser_name)
    yield started
    started.close()


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts (``java_script_enabled=False``, ``viewport=...``, ``color_scheme="dark"``)."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(TIMEOUT)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A page; the test fails when its console shows an error that the test does not expect.

    A test that provokes failing requests empties ``page.problems`` itself.
    """
    opened = watched(open_context().new_page())
    yield opened
    assert opened.problems == []  # type: ignore[attr-defined]


def watched(page: Page) -> Page:
    """Collects errors on a page in ``page.problems``: script errors, console errors, broken CSP rules."""
    problems: list[str] = []
    page.problems = problems  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    return page


@dataclass
class Example:
    address: str
    password: str
    tour: str


@pytest.fixture
def start_example(tmp_path: Path) -> Iterator[Callable[..., Example]]:
    """Starts the example app as its README says, in its own process; keywords are environment variables."""
    processes: list[subprocess.Popen[str]] = []

    def start(**variables: str) -> Example:
        process = subprocess.Popen(
            [sys.executable, "-m", "example_app", "--port", "0", "--data", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
        )
        processes.append(process)
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "Stop with" in line:
                break
        address = re.search(r"documentation +(http://\S+)/", printed)
        password = re.search(r"password (\S+)", printed)
        tour = re.search(r"Tour .*?(http://\S+)", printed)
        assert address, printed
        assert password, printed
        assert tour, printed
        return Example(address[1], password[1], tour[1])

    yield start
    for process in processes:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def example(start_example: Callable[..., Example]) -> Example:
    """The example app, with its own data; address and password are those that it prints."""
    return start_example()


@pytest.fixture
def chat(make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page) -> Callable[..., Page]:
    """Opens the chat of a new site: ``chat(slots=["any"], KAPA_HANDOFF_TRIGGERS="downvote")``."""

    def open_chat(*, slots: tuple[str, ...] = ("any",), handoff: KapaHandoff | None = None, **config: Any) -> Page:
        site = add_chat(make_app(handoff=handoff, **config))
        page.site = site  # type: ignore[attr-defined]
        page.goto(serve(site) + "/?" + "&".join(f"slot={slot}" for slot in slots))
        return page

    return open_chat


@pytest.fixture
def plain_page(playwright: Playwright) -> Iterator[Callable[[str], Page]]:
    """Opens a site under a name that is not the machine's own, where browsers do without what needs HTTPS."""
    started: list[Browser] = []

    def open_plain(address: str) -> Page:
        started.append(launch(playwright, "--host-resolver-rules=MAP plain.example 127.0.0.1"))
        page = started[-1].new_page()
        page.set_default_timeout(TIMEOUT)
        page.goto(address.replace("127.0.0.1", "plain.example"))
        assert page.evaluate("isSecureContext") is False
        return page

    yield open_plain
    for browser in started:
        browser.close()
