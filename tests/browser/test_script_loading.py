"""If the visitor's script cannot work as it was loaded, one line in the console says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response
from playwright.sync_api import Page, expect

from flask_kapa_handoff.web.urls import STATIC
from tests.browser import libraries

pytestmark = pytest.mark.only("sqlite")

SCRIPT = (STATIC / "handoff.js").read_text(encoding="utf-8")
TAG = '<script defer src="/handoff/static/handoff.js"></script>'
BUTTON = "button.kapa-handoff-button"
PAIR = {"threadId": "t1", "id": "a1", "question": "How?", "answer": "So."}

NOT_FOUND = 'kapa-handoff: no script tag of its own loads handoff.js. Add <script defer src="…/handoff.js">.'
TWICE = "kapa-handoff: handoff.js is on this page more than once. The first one is used; remove the other tags."


@pytest.fixture
def open_page(make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page) -> Callable[..., list[str]]:
    """Opens a page with this head and body; returns the lines of its console, also those that are still to come."""

    def build(head: str, body: str = "", **files: str) -> list[str]:
        site = make_app()
        site.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        document = (
            f'<!doctype html><html lang="en"><head><title>Page</title>{head}</head><body>{{}}{body}</body></html>'
        )
        site.add_url_rule("/", "one", lambda: document.format("<h1>One</h1>"))
        site.add_url_rule("/two", "two", lambda: document.format("<h1>Two</h1>"))
        site.add_url_rule("/assets/<name>.js", "asset", lambda name: Response(files[name], mimetype="text/javascript"))
        lines: list[str] = []
        page.on("console", lambda message: lines.append(message.text))
        page.goto(serve(site))
        return lines

    return build


def expect_a_button(page: Page) -> None:
    """The script works: an answer gets its button, one."""
    page.evaluate("pair => KapaHandoff.answer(pair)", PAIR)
    expect(page.locator(BUTTON)).to_have_count(1)


def test_the_forms_own_script_is_loaded_when_a_form_is_opened(open_page: Callable[..., list[str]], page: Page) -> None:
    """A page without an answer loads two files. Without the second script the form works, with less comfort."""
    files: list[str] = []
    page.on(
        "request", lambda request: files.append(request.url.rpartition("/")[2]) if "/static/" in request.url else None
    )
    page.route("**/static/form.js?v=1", lambda route: route.abort())
    lines = open_page(TAG.replace("handoff.js", "handoff.js?v=1"))
    expect_a_button(page)
    assert files == ["handoff.js?v=1"]
    page.locator(BUTTON).click()
    assert files == ["handoff.js?v=1", "form.js?v=1"]
    page.get_by_label("Your email").fill("ada@example.com")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".kapa-handoff-confirmation")).to_be_visible()
    assert len(lines) == 1  # the browser's own, about the request
    # The visitor was offline, say: the next form asks for it again.
    page.unroute("**/static/form.js?v=1")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Add something").click()
    expect(page.get_by_label("Remember my address on this device")).to_be_visible()
    assert files == ["handoff.js?v=1", *["form.js?v=1"] * 2]
    page.problems.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["classic", "module"])
def test_in_a_bundle_it_does_not_take_the_bundles_folder_for_its_server(
    kind: str, open_page: Callable[..., list[str]], page: Page
) -> None:
    """The bundle's address does not name the server: nothing is requested, and a line says how to load the script."""
    tag = f'<script defer{" type=module" if kind == "module" else ""} src="/assets/app.js"></script>'
    lines = open_page(tag, app="window.ours = true;" + SCRIPT)
    assert page.evaluate("[ours, window.KapaHandoff]") == [True, None]
    assert lines == [NOT_FOUND]


def test_imported_by_a_module_it_says_how_to_load_it(open_page: Callable[..., list[str]], page: Page) -> None:
    """It has no tag then; the rest of the module runs."""
    lines = open_page('<script type="module">import "/assets/copy.js"; window.imported = true;</script>', copy=SCRIPT)
    assert page.evaluate("[imported, window.KapaHandoff]") == [True, None]
    assert lines == [NOT_FOUND]


def test_a_bundle_beside_the_scripts_own_tag_works(open_page: Callable[..., list[str]], page: Page) -> None:
    """The tag tells where the server is; that the script ran twice costs nothing."""
    open_page('<script defer src="/assets/app.js"></script>' + TAG, app=SCRIPT)
    expect_a_button(page)


def test_on_the_page_twice_it_works_once_and_says_so(open_page: Callable[..., list[str]], page: Page) -> None:
    """In one line."""
    lines = open_page(TAG + TAG)
    expect_a_button(page)
    assert lines == [TWICE]


def test_a_module_with_a_tag_of_its_own_gets_no_warning(open_page: Callable[..., list[str]], page: Page) -> None:
    """Its tag is found by its address."""
    lines = open_page(TAG.replace("defer", "type=module"))
    expect_a_button(page)
    assert lines == []


def test_a_tag_in_the_body_that_runs_at_each_visit_counts_once(
    open_page: Callable[..., list[str]], page: Page
) -> None:
    """Turbo runs it again on each page; the site need not change anything."""
    lines = open_page(
        '<script src="/assets/turbo.js"></script>', '<a href="/two">Next</a>' + TAG, turbo=libraries.turbo().decode()
    )
    page.evaluate("window.stayed = true")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", name="Two")).to_be_visible()
    expect(page.locator("html:not([aria-busy])")).to_have_count(1)
    assert page.evaluate("stayed")
    expect_a_button(page)
    assert lines == []
