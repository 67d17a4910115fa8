"""Downloads what tests need from npm and builds Kapa's SDK before they start, so that they do not all wait for npm."""

from __future__ import annotations

import sys
from pathlib import Path

from example_app.kapa_bundle import BundleError, bundle, install
from tests.browser.libraries import AXE, LIBRARIES, MODALS
from tests.helpers.postal_mime import PACKAGES

CHAT = Path(__file__).parent / "chat.jsx"
CHATS = Path(__file__).parents[1] / "modals" / "chats.jsx"


def main() -> int:
    try:
        bundle(CHAT)
        install(LIBRARIES)
        install(AXE)
        bundle(CHATS, MODALS)
        install(PACKAGES)
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
