"""Starts browsers for the tests, as Playwright's ``Browser`` does."""

from __future__ import annotations

from typing import Any

from tests.browser.webkit.driver import Driver, Screen
from tests.browser.webkit.page import Page


class WebKit:
    """Opens contexts on one screen."""

    def __init__(self) -> None:
        self._screen = Screen()

    def new_context(
        self,
        *,
        viewport: dict[str, int] | None = None,
        java_script_enabled: bool = True,
        color_scheme: str = "light",
        has_touch: bool = False,
    ) -> Context:
        """A visitor's browser. ``has_touch`` changes nothing: the driver makes mouse events of touches."""
        options = ["--dark-mode"] if color_scheme == "dark" else []
        options += [] if java_script_enabled else ["--enable-javascript=false"]
        return Context(Driver(self._screen, *options), viewport or {"width": 1280, "height": 720})

    def close(self) -> None:
        self._screen.close()


class Context:
    """A browser of its own, with one page."""

    def __init__(self, driver: Driver, viewport: dict[str, int]) -> None:
        self._driver = driver
        self._page = Page(driver, self)
        width, height = self._page.evaluate("[outerWidth - innerWidth, outerHeight - innerHeight]")
        driver.post("/window/rect", width=viewport["width"] + width, height=viewport["height"] + height)
        fits = f"innerWidth === {viewport['width']} && innerHeight === {viewport['height']}"
        self._page.wait_for_function(fits)

    def new_page(self) -> Page:
        return self._page

    def cookies(self) -> list[dict[str, Any]]:
        return list(self._driver.get("/cookie"))

    def set_default_timeout(self, milliseconds: float) -> None:
        """Nothing to do: ``waiting.py`` has the limit."""

    def close(self) -> None:
        self._driver.close()
