"""The documentation's site in a browser: axe-core finds nothing, and search works without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, send_from_directory
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.accessibility.axe import bring_axe, findings
from tests.browser.conftest import watched
from tests.helpers.docs_site import DOCS, build

pytestmark = pytest.mark.only("sqlite")

PAGES = ("search", *sorted(page.stem for page in DOCS.glob("*.md")))
KINDS = ("index", "tutorial", "how-to", "configuration", "python-api", "commands", "javascript", "data-map", "search")
"""One of each kind: wide, they differ in nothing else."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory)


@pytest.fixture
def address(site: Path, serve: Callable[[Any], str]) -> str:
    """Of the site under a server."""
    server = Flask("site", static_folder=None)
    server.add_url_rule("/<path:name>", "file", lambda name: send_from_directory(site, name))
    server.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    return serve(server)


@pytest.mark.parametrize(("width", "names"), [(1280, KINDS), (360, PAGES)], ids=["wide", "a phone"])
def test_nothing_is_in_the_way_of_anybody(
    width: int, names: tuple[str, ...], address: str, open_context: Callable[..., BrowserContext]
) -> None:
    """In light and dark; nothing is wider than a phone, and nothing comes from another host."""
    context = open_context(viewport={"width": width, "height": 720}, reduced_motion="reduce")
    bring_axe(context)
    page = watched(context.new_page())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wrong = []
    for name in names:
        page.goto(f"{address}/{name}.html")
        wrong += findings(name, page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert not wrong, "\n\n".join(wrong)
    assert page.problems == []  # type: ignore[attr-defined]
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def test_code_can_be_copied(address: str, open_context: Callable[..., BrowserContext]) -> None:
    context = open_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.locator(".highlight").first.hover()
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("from flask_kapa_handoff import KapaHandoff")


def test_the_search_works_from_a_folder(site: Path, page: Page) -> None:
    """Opened as files, without a server."""
    page.goto((site / "index.html").as_uri())
    page.get_by_placeholder("Search").fill("erase")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li a")
    expect(found.filter(has_text="What is kept, and how it is erased").first).to_be_visible()
    found.filter(has_text="What is kept, and how it is erased").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("What is kept, and how it is erased")
