"""Takes the README's picture: the example app with the button, the form and the mail. Run it with ``make picture``."""

from __future__ import annotations

import base64
import re
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from example_app import create_app
from example_app.inbox import mail_folder
from example_app.mail_server import start_mail_server
from tests.browser.ensure_browser import find_browser

TARGET = Path(__file__).parent / "overview.png"
SIZE = ViewportSize(width=760, height=720)

SHEET = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 40px; background: #eef1f6; font: 500 19px system-ui, sans-serif; color: #39414f; }}
main {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 32px; width: 1920px; }}
figure {{ margin: 0; }}
figcaption {{ padding: 0 4px 14px; }}
b {{ color: #1f6f5c; padding-right: 8px; }}
img {{ display: block; width: 100%; border-radius: 12px; box-shadow: 0 1px 3px #0002, 0 12px 32px #0002; }}
</style><main>{figures}</main>"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        mail_server = start_mail_server(mail_folder(Path(folder)))
        app = create_app({"INSTANCE_PATH": folder, "MAIL_PORT": mail_server.port, "KAPA_HANDOFF_DELIVERY": "inline"})
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        pictures = take(browser.new_page(viewport=SIZE, device_scale_factor=2), f"http://127.0.0.1:{server.port}")
        sheet = browser.new_page(viewport={"width": 2000, "height": 400})
        figures = "".join(
            f"<figure><figcaption><b>{number}</b>{caption}</figcaption>"
            f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}"></figure>'
            for number, (caption, picture) in enumerate(pictures.items(), 1)
        )
        sheet.set_content(SHEET.format(figures=figures))
        TARGET.write_bytes(sheet.screenshot(full_page=True))
        browser.close()
        server.shutdown()
        mail_server.stop()


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
    page.locator("iframe").scroll_into_view_if_needed()
    pictures["A mail that you can answer"] = page.screenshot()
    return pictures


if __name__ == "__main__":
    main()
