"""``examples/react``: Kapa's real SDK, bundled as its README says, on the example's own site."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from example_app.kapa_bundle import ESBUILD_OPTIONS, PACKAGES, bundle
from tests.browser.kapa.conftest import press_and_send
from tests.browser.kapa.pages import CAPTCHA
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import Pair, stream_of
from tests.browser.test_examples import check_password, plain_text
from tests.helpers.examples import EXAMPLES, Example
from tests.helpers.servers import MailServer, free_port
from tests.helpers.sites import ROOT

REACT = EXAMPLES / "react"
PACKAGE = json.loads((REACT / "package.json").read_text())


@pytest.fixture
def chat_script() -> bytes:
    """The example's chat."""
    return bundle(REACT / "chat.jsx").read_bytes()


@pytest.fixture
def site(tmp_path: Path, mail_server: MailServer, chat_script: bytes) -> Iterator[tuple[Example, str]]:
    """The running example, with the script that its build makes."""
    port = free_port()
    example = Example("react", tmp_path, {5000: port, 8025: mail_server.port})
    (example.folder / "static" / "chat.js").write_bytes(chat_script)
    with example.site(port) as address:
        yield example, address


def test_an_answer_of_the_sdk_gets_a_button_and_its_ticket_is_mailed(
    site: tuple[Example, str], page: Page, kapa: Answers, mail_server: MailServer
) -> None:
    """Ask, press the button, send the form, read the mail; the settings open with the password alone."""
    example, address = site
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    # Google's, which the SDK loads, and which no test may reach.
    page.route("https://www.google.com/recaptcha/**", lambda route: route.fulfill(body=CAPTCHA))
    page.goto(address)
    asked = Pair("Will it rain?", "I could not find this.", "a1")
    kapa.streams[asked.question].append(stream_of(asked, "t1"))
    page.get_by_label("Your question").fill(asked.question)
    page.keyboard.press("Enter")
    expect(page.locator("[data-answer-id=a1] button:visible")).to_be_visible()
    reference = press_and_send(page, "a1")
    (mail,) = mail_server.wait_for(1)
    assert reference in mail.message["Subject"]
    assert mail.message["To"] == "support@example.com"
    assert asked.answer in plain_text(mail)
    check_password(page, example, address)


def test_the_chat_is_that_of_the_guide() -> None:
    """But for the line that renders it."""
    guide = (ROOT / "docs" / "kapa-button.md").read_text()
    (shown, *_) = re.findall(r"```jsx\n(.*?)```", guide, re.DOTALL)
    own = (REACT / "chat.jsx").read_text()
    rendering = [
        'import { createRoot } from "react-dom/client";\n',
        '\ncreateRoot(document.getElementById("chat")).render(<Help />);\n',
    ]
    for line in rendering:
        assert own.count(line) == 1
        own = own.replace(line, "")
    assert own == shown


def test_its_build_is_the_one_of_this_test() -> None:
    """The same packages and the same options of esbuild."""
    assert PACKAGE["dependencies"].items() <= PACKAGES.items()
    assert PACKAGE["dependencies"].keys() >= {"@kapaai/react-sdk", "esbuild", "react", "react-dom"}
    options = [option for option in ESBUILD_OPTIONS if not option.startswith("--log-level")]
    assert "npm install\nnpm run build\n" in (REACT / "README.md").read_text()
    assert PACKAGE["scripts"]["build"].split() == ["esbuild", "chat.jsx", "--outfile=static/chat.js", *options]
