"""Makes sure that there is a browser for the tests: one that is installed, else Debian's, else Playwright's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser() -> str | None:
    """The path of an installed Chromium or Chrome that starts; none: there is none."""
    for name in BROWSERS:
        found = shutil.which(name)
        # Ubuntu's package of that name is a stub that asks for another installer.
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def main() -> int:
    if find_browser():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("No Chromium or Chrome found; installing Debian's chromium.", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation"], check=False
        )
        if find_browser():
            return 0
    print("No Chromium or Chrome found; asking Playwright for one.", flush=True)
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode == 0:
        return 0
    print(
        "The browser tests need Chromium or Chrome, and none could be installed. Install one by hand, "
        "for example with `sudo apt-get install chromium`, and run `make test` again.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
