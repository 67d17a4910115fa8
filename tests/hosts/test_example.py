"""``examples/appbuilder``, in the environment of the application of that name, as its README says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import watched
from tests.browser.test_examples import SETTINGS, ask_and_send, settings_for
from tests.helpers.examples import Example
from tests.helpers.servers import MailServer, free_port
from tests.hosts.environments import python_of

APPLICATION = import_module("tests.hosts.applications.appbuilder")


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A page without errors in its console."""
    opened = watched(open_context().new_page())
    opened.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    yield opened
    assert opened.problems == []  # type: ignore[attr-defined]


def test_flask_appbuilder(
    tmp_path: Path, page: Page, open_context: Callable[..., BrowserContext], mail_server: MailServer
) -> None:
    """A ticket is mailed; the settings are in the site's layout and menu, for the role Admin alone."""
    port = free_port()
    python = python_of("appbuilder", APPLICATION.PINS)
    example = Example("appbuilder", tmp_path, {5000: port, 8025: mail_server.port}, str(python))
    example.set_up()
    guest = "flask fab create-user --role Public --username eve --firstname Eve --lastname E --email eve@example.com"
    example.run([*guest.split(), "--password", "a third password"])
    arrived = len(mail_server.received)
    with example.site(port) as address:
        ask_and_send(page, mail_server, f"{address}/ask/", before=arrived)
        assert settings_for(page, address) == 302
        for name, password, status in (("ada", "correct horse", 200), ("eve", "a third password", 302)):
            signed_in = open_context().new_page()
            signed_in.goto(f"{address}/login/")
            signed_in.locator("[name=username]").fill(name)
            signed_in.locator("[name=password]").fill(password)
            signed_in.locator("[name=password]").press("Enter")
            expect(signed_in.locator("a[href*=logout]")).to_have_count(1)
            assert settings_for(signed_in, address) == status
            if status == 200:
                signed_in.goto(f"{address}{SETTINGS}")
                expect(signed_in.locator("[name=button_text]").first).to_be_visible()
                expect(signed_in.locator(f".navbar a[href='{SETTINGS}']")).to_have_count(1)
