"""Makes sure that the tests have a browser: an installed one, else Debian's, else Playwright's.

Chromium's headless shell goes first: it is the browser that Playwright starts by default, with the same pages, scripts
and network as Chromium. Without the windows of a desktop a page takes a third of the processor's time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

HEADLESS = "chromium-headless-shell"
BROWSERS = (HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")


def find_browser() -> str | None:
    """The path of an installed Chromium or Chrome that starts; None: there is none."""
    for name in BROWSERS:
        found = shutil.which(name)
        # Ubuntu's package of that name is a stub that asks for another installer.
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def main() -> int:
    if not shutil.which(HEADLESS) and shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing Debian's headless Chromium.", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        for package in (HEADLESS, "chromium"):
            if not find_browser() or package == HEADLESS:
                subprocess.run([*INSTALL, package, "fonts-liberation"], check=False)
    if find_browser():
        return 0
    print("No Chromium or Chrome found; asking Playwright for one.", flush=True)
    playwright = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    if subprocess.run(playwright, check=False).returncode == 0:
        return 0
    print(
        "The browser tests need Chromium or Chrome, and none could be installed. Install one by hand, "
        f"for example with `sudo apt-get install {HEADLESS}`, and run `make test` again.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
