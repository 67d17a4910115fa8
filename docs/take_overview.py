"""Takes the README's pictures: the example app with the button, the form and the mail, light and dark.

Run it with ``make picture``.
"""

from __future__ import annotations

import base64
import re
import tempfile
import threading
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from example_app import create_app
from example_app.inbox import mail_folder
from example_app.mail_server import start_mail_server
from tests.browser.ensure_browser import find_browser

FOLDER = Path(__file__).parent
SIZE = ViewportSize(width=760, height=720)


class Scheme(NamedTuple):
    """The colours around the pictures."""

    name: Literal["light", "dark"]
    file: str
    back: str
    text: str
    accent: str
    shadow: str


SCHEMES = (
    Scheme("light", "overview.png", "#eef1f6", "#39414f", "#1f6f5c", "0 1px 3px #0002, 0 12px 32px #0002"),
    Scheme("dark", "overview-dark.png", "#0d1117", "#c9d1d9", "#6fcfb6", "0 0 0 1px #fff3"),
)

SHEET = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 40px; background: {scheme.back}; font: 500 19px system-ui, sans-serif; }}
main {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 32px; width: 1920px; color: {scheme.text}; }}
figure {{ margin: 0; }}
figcaption {{ padding: 0 4px 14px; }}
b {{ color: {scheme.accent}; padding-right: 8px; }}
img {{ display: block; width: 100%; border-radius: 12px; box-shadow: {scheme.shadow}; }}
</style><main>{figures}</main>"""


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        for scheme in SCHEMES:
            (FOLDER / scheme.file).write_bytes(sheet(browser, scheme))
        browser.close()


def sheet(browser: Browser, scheme: Scheme) -> bytes:
    """The three pictures side by side, of an example that has no tickets yet."""
    with tempfile.TemporaryDirectory() as folder:
        mail_server = start_mail_server(mail_folder(Path(folder)))
        app = create_app({"INSTANCE_PATH": folder, "MAIL_PORT": mail_server.port, "KAPA_HANDOFF_DELIVERY": "inline"})
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context(viewport=SIZE, device_scale_factor=2, color_scheme=scheme.name)
        pictures = take(context.new_page(), f"http://127.0.0.1:{server.port}")
        figures = "".join(
            f"<figure><figcaption><b>{number}</b>{caption}</figcaption>"
            f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}"></figure>'
            for number, (caption, picture) in enumerate(pictures.items(), 1)
        )
        page = browser.new_page(viewport={"width": 2000, "height": 400})
        page.set_content(SHEET.format(figures=figures, scheme=scheme))
        shot = page.screenshot(full_page=True)
        server.shutdown()
        mail_server.stop()
        return shot


def take(page: Page, address: str) -> dict[str, bytes]:
    """The three pictures, by their captions."""
    page.goto(f"{address}/ask/")
    page.locator("form input[name=question]").last.fill("Can I pay by invoice in Swiss francs?")
    page.keyboard.press("Enter")
    page.locator("button.kapa-handoff-button").wait_for()
    pictures = {"The answer is uncertain: a button": page.screenshot()}
    page.locator("button.kapa-handoff-button").click()
    page.get_by_label("Your email").fill("kim@example.com")
    page.get_by_label("Your note").fill("We are 40 people, and our accounting needs invoices in CHF.")
    # Without the animations' end, the form is half transparent.
    pictures["The visitor adds an address"] = page.screenshot(animations="disabled")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-kapa-handoff-reference]")).to_be_visible()
    page.goto(f"{address}/inbox/")
    page.get_by_role("link", name=re.compile("T-")).first.click()
    page.locator("iframe").evaluate("frame => { frame.scrollIntoView({block: 'end'}); scrollBy(0, 24); }")
    pictures["A mail that you can answer"] = page.screenshot()
    return pictures


if __name__ == "__main__":
    main()
