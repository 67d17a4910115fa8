"""Real applications from PyPI: visitors' whole way and the admin's pages, in a real browser."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.helpers.servers import Received
from tests.hosts.conftest import Host
from tests.hosts.visits import ANSWER, NOTE, QUESTION, send

OpenContext = Callable[..., BrowserContext]
ADMIN_PAGES = ("", "tickets", "tickets/T-AAAAAA", "doctor", "health")
ADMIN_WRITES = ("settings", "preview", "test-mail", "tickets/T-AAAAAA/send-again")


def visit(page: Page, host: Host, path: str) -> None:
    """Open one of the pages with the chat, as a visitor of the application."""
    if getattr(host.module, "VISITORS_SIGN_IN", False):
        host.module.sign_in(page, host.address)
        page.wait_for_load_state()
    page.goto(f"{host.address}{path}")


def mail_of(host: Host, reference: str) -> Received:
    """The ticket's mail, as soon as it has arrived."""
    return host.server.wait_until(
        lambda: next((mail for mail in host.mail_server.received if reference in mail.message["Subject"]), None),
        f"the mail of {reference}",
    )


def expect_the_mail(host: Host, reference: str) -> None:
    """The conversation and the note are at the site's address, and a reply goes to the visitor."""
    mail = mail_of(host, reference)
    assert mail.recipients == ["support@example.com"]
    assert mail.message["Reply-To"] == "visitor@example.com"
    for kind in ("plain", "html"):
        for words in (QUESTION, ANSWER, NOTE):
            assert words in mail.body(kind)


def test_a_visitor_of_a_chat_in_the_browser_reaches_a_human(host: Host, page: Page) -> None:
    """Button in the answer's place, form, confirmation, mail: on a page in the application's own layout."""
    visit(page, host, "/chat/")
    expect(page.locator("#answer button.kapa-handoff-button")).to_be_visible()
    expect_the_mail(host, send(page))


def test_a_visitor_of_a_rendered_chat_reaches_a_human(host: Host, page: Page) -> None:
    """The button that the application's template renders opens the form in the page."""
    visit(page, host, "/chat/rendered")
    page.wait_for_load_state("load")
    expect_the_mail(host, send(page))
    assert page.url == f"{host.address}/chat/rendered"


def test_a_visitor_without_script_reaches_a_human(host: Host, open_context: OpenContext) -> None:
    """Button, form page, confirmation page, mail."""
    page = open_context(java_script_enabled=False).new_page()
    visit(page, host, "/chat/rendered")
    expect_the_mail(host, send(page))


def test_what_visitors_read_is_not_tiny(host: Host, page: Page) -> None:
    """Some applications set a root of 10 pixels; nothing of the button and the form gets smaller than 12."""
    visit(page, host, "/chat/")
    button = page.locator("button.kapa-handoff-button")
    button.click()
    field = page.locator("form[action$='/handoff/tickets'] [name=note]")
    expect(field).to_be_visible()
    assert font_size(button) >= 13
    assert font_size(field) >= 13
    assert smallest(page.locator("dialog.kapa-handoff-dialog")) >= 12


def test_strangers_get_nothing_of_the_admins_pages(host: Host, open_context: OpenContext) -> None:
    """Every page and every write is answered by the application's guard."""
    stranger = open_context().request
    for path in ADMIN_PAGES:
        answer = stranger.get(f"{host.address}/handoff/admin/{path}", max_redirects=0)
        assert answer.status in (302, 303, 401, 403), (path, answer.status)
        assert "support@example.com" not in answer.text()
    for path in ADMIN_WRITES:
        answer = stranger.post(
            f"{host.address}/handoff/admin/{path}", form={"email": "thief@example.com"}, max_redirects=0
        )
        assert answer.status in (302, 303, 401, 403), (path, answer.status)


def test_an_admin_of_the_application_changes_the_settings(host: Host, page: Page) -> None:
    """After the application's own login: the page opens in its layout, a save is live, the history has a name."""
    host.module.sign_in(page, host.address)
    page.wait_for_load_state()
    page.goto(f"{host.address}/handoff/admin/")
    text = f"Ask a person {uuid.uuid4().hex[:6]}"
    field = page.locator("#kapa-handoff-admin-button_text")
    field.fill(text)
    page.locator("#kapa-handoff-admin-save").click()
    newest = page.locator("ol[reversed] > li").first
    expect(newest).to_contain_text(text)
    expect(newest).to_contain_text(host.module.ADMIN)
    page.reload()
    expect(field).to_have_value(text)
    assert font_size(field) >= 13
    assert smallest(page.locator("#kapa-handoff-admin-settings")) >= 11
    page.goto(f"{host.address}/chat/")
    expect(page.locator("button.kapa-handoff-button")).to_have_text(text)


def test_an_admin_of_the_application_sends_a_test_mail(host: Host, page: Page) -> None:
    """The sample arrives, and the page says so without leaving."""
    before = len(host.mail_server.received)
    host.module.sign_in(page, host.address)
    page.wait_for_load_state()
    page.goto(f"{host.address}/handoff/admin/")
    page.locator("#kapa-handoff-admin-send-test-mail").click()
    expect(page.locator("#kapa-handoff-admin-outcome")).to_contain_text("250 2.0.0 taken")
    assert len(host.mail_server.wait_for(before + 1)) == before + 1
    for name in ("tickets", "doctor"):
        page.goto(f"{host.address}/handoff/admin/{name}")
        expect(page.locator("h1").last).to_be_visible()


def test_an_admin_without_script_changes_the_settings(host: Host, open_context: OpenContext) -> None:
    """Every form works as a form."""
    page = open_context(java_script_enabled=False).new_page()
    host.module.sign_in(page, host.address)
    page.goto(f"{host.address}/handoff/admin/")
    page.locator("#kapa-handoff-admin-button_text").fill("Ask without script")
    page.locator("#kapa-handoff-admin-save").click()
    expect(page.locator("#kapa-handoff-admin-button_text")).to_have_value("Ask without script")
    expect(page.locator("ol[reversed] > li").first).to_contain_text("Ask without script")


def test_the_applications_own_pages_answer_as_before(host: Host, open_context: OpenContext) -> None:
    """Its pages, its redirects to the login, its 404, their headers: as in a process without the package."""
    bare, address = host.start_bare()
    for path in host.module.OWN_PAGES:
        assert answer_of(open_context(), host.address, path) == answer_of(open_context(), address, path)
    assert "handoff" not in bare.log().lower()


def test_the_applications_log_has_no_error(host: Host) -> None:
    """After all of the above. The last test of each application."""
    log = host.server.log()
    assert "Traceback" not in log, log
    assert not re.search(r'" 5\d\d ', log), log
    assert not re.search(r"flask_kapa_handoff.*(ERROR|CRITICAL)|(ERROR|CRITICAL).*flask_kapa_handoff", log), log


def answer_of(context: BrowserContext, address: str, path: str) -> dict[str, object]:
    """The response to a stranger, without what differs from process to process."""
    found = context.request.get(f"{address}{path}", max_redirects=0)
    kept = ("content-type", "content-security-policy", "x-frame-options", "cache-control", "vary", "location")
    headers = {name: found.headers.get(name, "").replace(address, "") for name in kept}
    return {"status": found.status, "cookies": sorted(kept["name"] for kept in context.cookies()), **headers}


def font_size(locator: object) -> float:
    return float(locator.evaluate("element => parseFloat(getComputedStyle(element).fontSize)"))  # type: ignore[attr-defined]


def smallest(locator: object) -> float:
    """The smallest font size of the visible texts in an element, in pixels."""
    return float(
        locator.evaluate(  # type: ignore[attr-defined]
            """root => {
              const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
              let size = Infinity;
              while (texts.nextNode()) {
                const element = texts.currentNode.parentElement;
                if (texts.currentNode.data.trim() && element.checkVisibility() && element.clientWidth > 1)
                  size = Math.min(size, parseFloat(getComputedStyle(element).fontSize));
              }
              return size;
            }"""
        )
    )
