"""Measures what the bridge costs unrelated requests, in a real browser."""

from __future__ import annotations

import logging
import statistics
from dataclasses import dataclass

from flask import Flask
from playwright.sync_api import sync_playwright

from flask_kapa_handoff.web.urls import STATIC
from tests.browser.ensure_browser import find_browser
from tests.helpers.servers import WebServer

CALLS = 50_000

# With a stub instead of the browser's fetch(), only the bridge is measured. Each loop runs once before, for the
# compiler. `new Request` cannot be shared, since its body is used up.
_LOOPS = """
(calls) => {
  const loops = {
    "fetch(text)": () => fetch("/api/items?page=2"),
    "fetch(text, POST)": () => fetch("/api/items", {method: "POST", body: "{}"}),
    "fetch(URL)": () => fetch(address),
    "fetch(Request)": () => fetch(request),
    "fetch(text of 1 MB)": () => fetch(long),
  };
  const address = new URL("/api/items", location.href), request = new Request("/api/items");
  const long = "data:text/plain," + "x".repeat(1_000_000);
  const measured = {};
  for (const [name, loop] of Object.entries(loops)) {
    const count = name.includes("1 MB") ? calls / 100 : calls;
    for (let number = 0; number < count; number++) loop();
    const began = performance.now();
    for (let number = 0; number < count; number++) loop();
    measured[name] = (performance.now() - began) * 1000 / count;
  }
  return measured;
}
"""


@dataclass
class Call:
    """Microseconds of one ``fetch()``, with the bridge and without."""

    name: str
    plain: float
    bridged: float


def compare(rounds: int, share: float = 1.0) -> list[Call]:
    """Unrelated requests on a page with the bridge and on one without it, in rounds that alternate; the medians."""
    site = Flask(__name__)
    script = (STATIC / "bridge.js").read_text(encoding="utf-8")
    site.add_url_rule("/bridge.js", "bridge", lambda: (script, {"Content-Type": "text/javascript"}))
    site.add_url_rule("/<way>", "page", _page)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = WebServer(site)
    found: dict[str, dict[str, list[float]]] = {}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            page = browser.new_page()
            for _ in range(rounds):
                for way in ("plain", "bridged"):
                    page.goto(f"{server.url}/{way}")
                    for name, microseconds in page.evaluate(_LOOPS, int(CALLS * share)).items():
                        found.setdefault(name, {}).setdefault(way, []).append(microseconds)
            browser.close()
    finally:
        server.stop()
    return [
        Call(name, statistics.median(ways["plain"]), statistics.median(ways["bridged"]))
        for name, ways in found.items()
    ]


def _page(way: str) -> str:
    bridge = '<script src="/bridge.js"></script>' if way == "bridged" else ""
    stub = "<script>const answer = Promise.resolve(); window.fetch = () => answer</script>"
    return f"<!doctype html><title>x</title>{stub}{bridge}"
