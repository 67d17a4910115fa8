"""Keyboard and mouse, which act as a visitor's: on the window, and on what has the focus."""

from __future__ import annotations

from typing import Any

from tests.browser.webkit.driver import Driver

KEYS = {"Backspace": "\ue003", "Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c"}


class Device:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def act(self, kind: str, *actions: dict[str, Any]) -> None:
        self._driver.post("/frame", id=None)
        self._driver.post("/actions", actions=[{"type": kind, "id": kind, "actions": actions}])


class Keyboard(Device):
    def type(self, text: str) -> None:
        """Press a key for each character."""
        keys = text.replace("\n", KEYS["Enter"])
        self.act("key", *({"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")))

    def press(self, key: str) -> None:
        """Press a key: a character, or one of KEYS."""
        self.type(KEYS.get(key, key))


class Mouse(Device):
    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._at = {"x": 0, "y": 0}
        self._turned = {"deltaX": 0, "deltaY": 0}

    def move(self, x: float, y: float) -> None:
        """To a place in the window, in pixels."""
        self._at = {"x": round(x), "y": round(y)}
        self.act("pointer", {"type": "pointerMove", **self._at, "origin": "viewport", "duration": 0})

    def click(self, x: float, y: float) -> None:
        self.move(x, y)
        self.act("pointer", {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})

    def wheel(self, delta_x: int, delta_y: int) -> None:
        """Turn the wheel, by pixels, where the mouse is."""
        # The driver scrolls by what differs from the turn before.
        self._turned = {"deltaX": self._turned["deltaX"] + delta_x, "deltaY": self._turned["deltaY"] + delta_y}
        self.act("wheel", {"type": "scroll", **self._at, **self._turned, "origin": "viewport", "duration": 0})
