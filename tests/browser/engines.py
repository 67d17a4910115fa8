"""The browsers of the tests: Chromium and Firefox, which Playwright drives, and WebKit by its WebDriver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, Route, sync_playwright

from tests.browser.ensure_browser import PACKAGES, find_browser
from tests.browser.webkit.browser import WebKit
from tests.browser.webkit.expectations import Expectations
from tests.browser.webkit.page import Locator, Page

ENGINES = tuple(PACKAGES)

if TYPE_CHECKING:
    from playwright.sync_api import expect as expect
else:
    from playwright.sync_api import expect as expect_by_playwright

    def expect(actual: Any, message: str | None = None) -> Any:
        """Playwright's ``expect``, for WebKit's pages, too."""
        is_webkits = isinstance(actual, (Locator, Page))
        return Expectations(actual, message) if is_webkits else expect_by_playwright(actual, message)


@contextmanager
def drive(engine: str) -> Iterator[Playwright]:
    """Playwright's driver, prepared for a browser."""
    with pytest.MonkeyPatch.context() as environment:
        if engine == "firefox":
            script = Path(__file__).with_name("firefox_bidi.js")
            environment.setenv("NODE_OPTIONS", f"--require {json.dumps(str(script))}")
        driver = sync_playwright().start()
    yield driver
    driver.stop()


def launch(playwright: Playwright, *arguments: str, engine: str = "chromium") -> Browser:
    """A separate browser; Chromium takes arguments. The test fails where the browser is missing."""
    try:
        return START[engine](playwright, *arguments)
    except Exception as error:
        pytest.fail(
            f"This test needs {engine}, from `apt-get install {' '.join(PACKAGES[engine])}` or elsewhere. ({error})"
        )


def start_chromium(playwright: Playwright, *arguments: str) -> Browser:
    always = ("--no-sandbox", "--disable-background-networking", "--disable-sync")
    return playwright.chromium.launch(executable_path=find_browser(), args=[*always, *arguments])


class Firefox:
    """A stock Firefox, over WebDriver BiDi."""

    def __init__(self, playwright: Playwright) -> None:
        self._browser = playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=find_browser("firefox"),
            firefox_user_prefs={"dom.w3c_touch_events.enabled": 1},
        )

    def new_context(self, *, java_script_enabled: bool = True, **options: Any) -> BrowserContext:
        context = self._browser.new_context(**options)
        if not java_script_enabled:
            # BiDi has no switch for scripts yet; none arrives, and our pages have none inside.
            context.route("**", keep_scripts_out)
        return context

    def close(self) -> None:
        self._browser.close()


def keep_scripts_out(route: Route) -> None:
    if route.request.resource_type == "script":
        route.abort()
    else:
        route.continue_()


START: dict[str, Callable[..., Browser]] = {
    "chromium": start_chromium,
    "firefox": cast(Callable[..., Browser], Firefox),
    "webkit": cast(Callable[..., Browser], lambda playwright: WebKit()),
}
