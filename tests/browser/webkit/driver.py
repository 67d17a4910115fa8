"""WebKitGTK's own browser behind its WebDriver, on a screen in memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.browser.webkit.waiting import NotYet, wait_for
from tests.helpers.servers import free_port

# Its window has a toolbar, whose buttons would keep it from being as narrow as a phone.
SMALL_TOOLBAR = "* { min-width: 0; min-height: 0; padding: 0; margin: 0; border: 0; font-size: 1px }"
NO_ICONS = "[Settings]\ngtk-icon-theme-name=none\n"


# A page that loads, or an element that was replaced a moment ago. A script of the page's past fails, too.
IN_MOTION = ("javascript error", "no such element", "no such frame", "no such window", "stale element reference")


class DriverError(Exception):
    """What the driver refused, with its reason."""


class PageInMotion(DriverError, NotYet):
    """What the driver could not do at this moment."""


class Screen:
    """An X server that draws nowhere."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
        self._process = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as ready:
            self.display = f":{ready.readline().strip()}"

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Driver:
    """A browser with one window, for one visitor. The driver has one browser, so each has a process of its own."""

    def __init__(self, screen: Screen, *options: str) -> None:
        self._folder = Path(tempfile.mkdtemp())
        settings = self._folder / "gtk-3.0"
        settings.mkdir()
        (settings / "gtk.css").write_text(SMALL_TOOLBAR)
        (settings / "settings.ini").write_text(NO_ICONS)
        self._address = ("127.0.0.1", free_port())
        self._process = subprocess.Popen(
            ["WebKitWebDriver", f"--port={self._address[1]}"],
            env={**os.environ, "DISPLAY": screen.display, "XDG_CONFIG_HOME": str(self._folder), "NO_AT_BRIDGE": "1"},
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._is_ready, lambda: "The driver listens.")
        wanted = {"webkitgtk:browserOptions": {"args": ["--automation", *options]}}
        session = self._request("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{session['sessionId']}"

    def get(self, path: str) -> Any:
        """What the driver answers to a query; ``path`` is that of the WebDriver standard, after the session."""
        return self._request("GET", self._session + path)

    def post(self, path: str, **parameters: Any) -> Any:
        """Give the driver a command; raises DriverError."""
        return self._request("POST", self._session + path, parameters)

    def delete(self, path: str) -> Any:
        return self._request("DELETE", self._session + path)

    def close(self) -> None:
        self.delete("")
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder)

    def _is_ready(self) -> bool:
        try:
            return bool(self._request("GET", "/status")["ready"])
        except ConnectionError:
            return False

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = HTTPConnection(*self._address)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            value = json.load(response)["value"]
        finally:
            connection.close()
        if response.status != 200:
            kind = PageInMotion if value["error"] in IN_MOTION else DriverError
            raise kind(f"{value['error']}: {value['message']}")
        return value
