"""Why mail fails, and all of it sent again: what a support person does, from any page and without a shell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery.engines.threads import DeliveryThreads
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.testing import deliver, tickets
from tests.browser.conftest import watched
from tests.helpers.admin import let_pass
from tests.helpers.deliveries import rewrite
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

NOT_VERIFIED = "550 5.7.1 Sender address not verified"
MOST_SECONDS = 30.0
LINE = "[data-trouble]"
PAGES = ("", "desks", "tickets", "insights", "doctor")

Build = Callable[..., Flask]


def build_site(make_app: Build, mail_server: MailServer) -> Flask:
    mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mail_server.port}
    return make_app(handoff=KapaHandoff(admin_required=let_pass), **mail)


@pytest.fixture
def start_worker() -> Iterator[Callable[[Flask], None]]:
    """Starts what ``flask kapa-handoff worker`` runs."""
    started: list[DeliveryThreads] = []

    def start(app: Flask) -> None:
        started.append(DeliveryThreads(state_of(app)))
        started[-1].start(beside_visitors=False)

    yield start
    for threads in started:
        threads.stop()


@pytest.fixture
def refused_site(make_app: Build, mail_server: MailServer) -> Build:
    """Builds sites whose mail server has refused nine tickets for five days, so that they have failed."""

    def build() -> Flask:
        app = build_site(make_app, mail_server)
        for _number in range(9):
            rewrite(app, send_ticket(app.test_client()), queued_at=-timedelta(days=5))
        mail_server.replies["RCPT"] = [NOT_VERIFIED] * 9
        deliver(app)
        assert {one.status for one in tickets(app)} == {Status.FAILED}
        return app

    return build


def test_a_support_person_finds_out_why_and_sends_all_nine_again(
    page: Page,
    refused_site: Build,
    start_worker: Callable[[Flask], None],
    mail_server: MailServer,
    serve: Callable[[Any], str],
) -> None:
    """In less than 30 seconds, from the settings page: read why, see that mail works again, send all, see them go."""
    app = refused_site()
    start_worker(app)
    address = serve(app)
    began = time.monotonic()
    page.goto(f"{address}/handoff/admin/")
    line = page.locator(LINE)
    expect(line).to_contain_text("9 tickets could not be delivered. The mail server doesn't accept this site's sender")
    line.get_by_text("Details").click()
    expect(line.get_by_text(NOT_VERIFIED)).to_be_visible()

    # The operator has verified the sender meanwhile. A test mail says so, where one is.
    line.get_by_role("button", name="Send a test mail").click()
    expect(line.get_by_role("status")).to_contain_text("The mail server accepted the message for support@example.com")
    line.get_by_role("button", name="Send all failed again").click()
    expect(page.get_by_text("Everything has been delivered. Nothing is waiting.")).to_be_visible()
    expect(page.locator(".handoff-tabs .handoff-bad")).to_have_count(0)
    assert time.monotonic() - began < MOST_SECONDS
    assert len(mail_server.wait_for(10)) == 10  # with the test mail
    assert {one.status for one in tickets(app)} == {Status.DELIVERED}
    assert page.url == f"{address}/handoff/admin/"


def test_the_line_follows_what_it_has_started(
    page: Page,
    make_app: Build,
    start_worker: Callable[[Flask], None],
    mail_server: MailServer,
    serve: Callable[[Any], str],
) -> None:
    """Without a reload: being sent, and refused once more; the reader's place and what is typed stay."""
    app = build_site(make_app, mail_server)
    send_ticket(app.test_client())
    mail_server.replies["RCPT"] = [NOT_VERIFIED] * 2
    deliver(app)
    start_worker(app)
    page.goto(f"{serve(app)}/handoff/admin/")
    page.get_by_role("textbox", name="Button text").fill("Typed, and not saved")
    page.evaluate("window.stays = true")
    expect(page.locator(LINE)).to_contain_text("1 waiting")
    page.get_by_role("button", name="Try now").click()
    told = page.locator("#kapa-handoff-admin-trouble-now")
    expect(told).to_contain_text("1 ticket will be sent now.")
    expect(told).to_be_focused()
    expect(page.locator(LINE)).to_contain_text("Tried a moment ago.")
    expect(page.locator(LINE)).to_contain_text("Mail has been refused since")
    assert tickets(app)[0].attempts == 2
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_text("Everything has been delivered.")).to_be_visible()
    expect(page.locator("#kapa-handoff-admin-trouble[hx-get]")).to_have_count(0)
    assert page.evaluate("window.stays")
    expect(page.get_by_role("textbox", name="Button text")).to_have_value("Typed, and not saved")


def test_without_script_the_buttons_lead_back(
    open_context: Callable[..., BrowserContext],
    refused_site: Build,
    mail_server: MailServer,
    serve: Callable[[Any], str],
) -> None:
    """From any page to a page with the line alone, and back."""
    app = refused_site()
    address = serve(app)
    page = open_context(java_script_enabled=False).new_page()
    for name in PAGES:
        page.goto(f"{address}/handoff/admin/{name}")
        expect(page.locator(LINE)).to_have_count(1)
    page.goto(f"{address}/handoff/admin/tickets?status=failed")
    page.get_by_role("button", name="Send all failed again").first.click()
    expect(page.get_by_text("9 tickets will be sent now.")).to_be_visible()
    page.get_by_role("link", name="Back").click()
    assert page.url == f"{address}/handoff/admin/tickets?status=failed"
    deliver(app)
    assert len(mail_server.received) == 9


def test_the_report_is_copied(
    open_context: Callable[..., BrowserContext], refused_site: Build, serve: Callable[[Any], str]
) -> None:
    """By a button that is there only with the script."""
    address = serve(refused_site())
    context = open_context(permissions=["clipboard-read", "clipboard-write"])
    page = watched(context.new_page())
    page.goto(f"{address}/handoff/admin/doctor")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "9 tickets could not be delivered." in page.evaluate("navigator.clipboard.readText()")
