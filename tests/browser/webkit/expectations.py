"""What a test expects of a page or an element, as Playwright's ``expect`` waits for it."""

from __future__ import annotations

import re
from typing import Any

from tests.browser.webkit.page import Locator, Page, Text, pattern
from tests.browser.webkit.waiting import NotYet, wait_for


class Expectations:
    """Each method waits until it is so, and raises AssertionError with ``message`` and what is there instead."""

    def __init__(self, actual: Any, message: str | None = None) -> None:
        self._actual = actual
        self._message = message or ""

    def to_have_count(self, count: int) -> None:
        self._wait("elements.length === args[0]", count)

    def to_be_visible(self) -> None:
        self._wait("elements.length === 1 && isVisible(elements[0])")

    def to_be_hidden(self) -> None:
        self._wait("!elements.some(isVisible)")

    def to_be_focused(self) -> None:
        self._wait("elements.length === 1 && isFocused(elements[0])")

    def to_have_value(self, value: str) -> None:
        self._wait("elements.length === 1 && elements[0].value === args[0]", value)

    def to_be_checked(self) -> None:
        self._wait("elements.length === 1 && elements[0].checked")

    def to_have_attribute(self, name: str, value: str) -> None:
        self._wait("elements.length === 1 && elements[0].getAttribute(args[0]) === args[1]", name, value)

    def to_have_text(self, text: Text) -> None:
        self._wait("elements.length === 1 && matching(args[0])(elements[0].textContent)", pattern(text, exact=True))

    def to_contain_text(self, text: Text) -> None:
        self._wait("elements.length === 1 && matching(args[0])(elements[0].textContent)", pattern(text))

    def to_have_url(self, url: re.Pattern[str]) -> None:
        page: Page = self._actual
        wait_for(lambda: url.search(page.url), lambda: f"{url.pattern} is found in {page.url}")

    def _wait(self, is_so: str, *args: Any) -> None:
        locator: Locator = self._actual

        def explain() -> str:
            try:
                found = locator.run("elements => elements.map(({ outerHTML }) => outerHTML)")
            except NotYet as error:
                found = error
            return f"{self._message}\n{is_so} {list(args)}\nof {locator}\nwhich finds {found}"

        wait_for(lambda: locator.run(f"elements => {is_so}", *args), explain)
