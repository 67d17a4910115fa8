"""The part of Playwright's API that the tests which run in every browser use, over WebDriver."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.webkit.devices import Keyboard, Mouse
from tests.browser.webkit.driver import Driver
from tests.browser.webkit.waiting import wait_for

IN_PAGE = Path(__file__).with_name("in_page.js").read_text("utf-8")
Text = str | re.Pattern[str]


class Frame:
    """A document: the page's own, or that of an iframe, whose element ``owner`` finds."""

    def __init__(self, page: Page, owner: Locator | None = None) -> None:
        self.page = page
        self._owner = owner

    def locator(self, selector: str) -> Locator:
        return Locator(self, ()).locator(selector)

    def get_by_label(self, text: Text, *, exact: bool = False) -> Locator:
        return Locator(self, ()).get_by_label(text, exact=exact)

    def get_by_role(self, role: str, *, name: Text | None = None, exact: bool = False) -> Locator:
        return Locator(self, ()).get_by_role(role, name=name, exact=exact)

    def frame_locator(self, selector: str) -> Frame:
        return Frame(self.page, self.locator(selector))

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """The value of an expression, or what a function returns for ``arg``."""
        return self.run(
            f"() => {{ const run = {expression}; return typeof run === 'function' ? run(args[0]) : run }}", arg
        )

    def wait_for_function(self, expression: str, *, arg: Any = None) -> None:
        wait_for(lambda: self.evaluate(expression, arg), lambda: expression)

    def run(self, function: str, *args: Any, steps: tuple[Any, ...] = ()) -> Any:
        """What a function of JavaScript returns for the elements that the steps find; raises DriverError."""
        self.enter()
        script = f"{IN_PAGE}\nconst [steps, ...args] = arguments;\nconst value = ({function})(find(steps));"
        done = "return Promise.all([value, takeProblems()]);"
        value, problems = self.page.driver.post("/execute/sync", script=f"{script}\n{done}", args=[steps, *args])
        self.page.report(problems)
        return value

    def enter(self) -> None:
        """Make this the document of the driver's next commands."""
        if self._owner is None:
            self.page.driver.post("/frame", id=None)
        else:
            owner = self._owner.element_handle()
            self.page.driver.post("/frame", id=owner)


class Locator:
    """Finds elements, each time, by steps: ``in_page.js`` has their meaning."""

    def __init__(self, frame: Frame, steps: tuple[Any, ...]) -> None:
        self.frame = frame
        self.steps = steps

    def __repr__(self) -> str:
        return json.dumps(self.steps)

    def locator(self, selector: str) -> Locator:
        return self._then("css", selector)

    def get_by_label(self, text: Text, *, exact: bool = False) -> Locator:
        return self._then("label", pattern(text, exact))

    def get_by_role(self, role: str, *, name: Text | None = None, exact: bool = False) -> Locator:
        return self._then("role", role, pattern(name, exact))

    def filter(self, *, has_text: Text) -> Locator:
        return self._then("text", pattern(has_text))

    def nth(self, index: int) -> Locator:
        return self._then("nth", index)

    @property
    def first(self) -> Locator:
        return self.nth(0)

    @property
    def last(self) -> Locator:
        return self.nth(-1)

    def count(self) -> int:
        return int(self.run("elements => elements.length"))

    def element_handle(self) -> dict[str, str]:
        """The one element, as soon as it is there."""
        return dict(self._one("element => element"))

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        return self._one(expression, arg)

    def get_attribute(self, name: str) -> str | None:
        value: str | None = self.evaluate("(element, name) => element.getAttribute(name)", name)
        return value

    def bounding_box(self) -> dict[str, float]:
        """Its place in the window, in pixels."""
        return dict(self.evaluate("boxInWindow"))

    def click(self) -> None:
        """Click in its middle, as soon as there is one that is enabled, stands still, and is not covered."""
        seen: list[Any] = [None]

        def is_still() -> bool:
            seen.append(self.run("clickPoint"))
            return seen[-1] is not None and seen[-1] == seen[-2]

        wait_for(is_still, lambda: f"There is one to click: {self}")
        self.frame.page.mouse.click(**seen[-1])

    def check(self) -> None:
        if not self.evaluate("element => element.checked"):
            self.click()

    def focus(self) -> None:
        self.evaluate("element => element.focus()")

    def fill(self, text: str) -> None:
        """Replace what is in a field, as by keys."""
        self.evaluate("element => (element.focus(), element.select())")
        keyboard = self.frame.page.keyboard
        keyboard.type(text) if text else keyboard.press("Backspace")

    def press(self, key: str) -> None:
        self.focus()
        self.frame.page.keyboard.press(key)

    def select_option(self, label: str) -> None:
        change = "new Event('change', { bubbles: true })"
        self.evaluate(f"(element, label) => (element.value = label, element.dispatchEvent({change}))", label)

    def run(self, function: str, *args: Any) -> Any:
        return self.frame.run(function, *args, steps=self.steps)

    def _one(self, function: str, *args: Any) -> Any:
        """What a function returns for the only element, as soon as there is one."""
        one = f"elements => elements.length === 1 ? [({function})(elements[0], ...args)] : null"
        (value,) = wait_for(lambda: self.run(one, *args), lambda: f"There is one: {self}")
        return value

    def _then(self, *step: Any) -> Locator:
        return Locator(self.frame, (*self.steps, step))


class Page(Frame):
    """The page in the browser's window."""

    def __init__(self, driver: Driver, context: Any) -> None:
        super().__init__(self)
        self.driver = driver
        self.context = context
        self.keyboard = Keyboard(driver)
        self.mouse = Mouse(driver)
        self._listeners: list[Callable[[str], None]] = []

    @property
    def url(self) -> str:
        return str(self.driver.get("/url"))

    @property
    def frames(self) -> list[Frame]:
        iframes = self.locator("iframe")
        return [self, *(Frame(self, iframes.nth(index)) for index in range(iframes.count()))]

    def goto(self, address: str) -> None:
        self.driver.post("/url", url=address)
        self.enter()

    def reload(self) -> None:
        self.driver.post("/refresh")

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        """Tell of errors in scripts, on the console, and against the content security policy, all as ``pageerror``."""
        if event == "pageerror":
            self._listeners.append(listener)

    def report(self, problems: list[str]) -> None:
        for problem in problems:
            for listener in self._listeners:
                listener(problem)

    @contextmanager
    def expect_response(self, pattern: str) -> Iterator[None]:
        """Wait at the end for one more response from such an address, of the page or of a frame.

        ``**`` stands for anything, ``*`` for anything without a slash.
        """
        wildcards = {"**": ".*", "*": "[^/]*"}
        address = "".join(wildcards.get(part) or re.escape(part) for part in re.split(r"(\*+)", pattern))

        def count() -> int:
            return int(self.run("() => countResponses(args[0])", address))

        before = count()
        yield
        wait_for(lambda: count() > before, lambda: f"A response from {pattern}")

    def screenshot(self, *, path: str | Path) -> None:
        """Write the visible part as PNG."""
        self.enter()
        Path(path).write_bytes(base64.b64decode(self.driver.get("/screenshot")))


def pattern(text: Text | None, exact: bool = False) -> list[Any] | None:
    """A text or a regular expression, as ``in_page.js`` reads it."""
    if isinstance(text, re.Pattern):
        return [text.pattern, False, "i" if text.flags & re.IGNORECASE else ""]
    return None if text is None else [text, exact]
