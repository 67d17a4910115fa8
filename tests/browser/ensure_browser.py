"""Makes sure that the tests have their browsers: installed ones, else Debian's, else, for Chromium, Playwright's.

``python tests/browser/ensure_browser.py firefox webkit`` does so for others than Chromium.

Chromium's headless shell goes first: it is the browser that Playwright starts by default, with the same pages, scripts
and network as Chromium. Without the windows of a desktop a page takes a third of the processor's time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

HEADLESS = "chromium-headless-shell"
CHROMIUM = (HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PROGRAMS = {"chromium": CHROMIUM, "firefox": ("firefox-esr", "firefox"), "webkit": ("WebKitWebDriver",)}
# WebKit has no headless mode: its window is on a screen in memory.
PACKAGES = {"chromium": (HEADLESS,), "firefox": ("firefox-esr",), "webkit": ("webkit2gtk-driver", "xvfb")}
INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")


def find_browser(engine: str = "chromium") -> str | None:
    """The path of an installed browser that starts; None: there is none. WebKit's is its driver, which starts it."""
    for name in PROGRAMS[engine]:
        found = shutil.which(name)
        # Ubuntu's packages of some of these names are stubs that ask for another installer.
        if found and is_started(found, "--help" if engine == "webkit" else "--version"):
            return found if engine != "webkit" or shutil.which("Xvfb") else None
    return None


def is_started(program: str, option: str) -> bool:
    return subprocess.run([program, option], capture_output=True, check=False).returncode == 0


def ensure(engine: str) -> bool:
    """Install what is missing; whether the browser is there."""
    is_there = shutil.which(HEADLESS) if engine == "chromium" else find_browser(engine)
    if not is_there and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"Installing Debian's {engine}.", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run([*INSTALL, *PACKAGES[engine], "fonts-liberation"], check=False)
        if engine == "chromium" and not find_browser():
            subprocess.run([*INSTALL, "chromium", "fonts-liberation"], check=False)
    if find_browser(engine):
        return True
    if engine == "chromium":
        print("No Chromium or Chrome found; asking Playwright for one.", flush=True)
        playwright = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
        return subprocess.run(playwright, check=False).returncode == 0
    return False


def main(engines: list[str]) -> int:
    missing = [engine for engine in engines or ["chromium"] if not ensure(engine)]
    for engine in missing:
        print(
            f"The browser tests need {engine}, and it could not be installed. Install it by hand, "
            f"for example with `sudo apt-get install {' '.join(PACKAGES[engine])}`, and run this again.",
            file=sys.stderr,
        )
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
