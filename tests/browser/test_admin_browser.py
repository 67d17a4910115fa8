"""The admin's pages in a real browser, under their strict Content-Security-Policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, redirect
from jinja2 import DictLoader
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from flask_kapa_handoff import KapaHandoff
from tests.browser.conftest import watched
from tests.browser.libraries import turbo
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

Serve = Callable[[Any], str]

pytestmark = pytest.mark.only("sqlite")

STATUS_NOTES = "the server responded with a status of"
"""The browser's own line in the console for each answer of 400 and more."""


@pytest.fixture
def admin_app(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds sites with an icon and admin pages that are open to everyone until ``SIGNED_OUT`` is set."""

    def build(**config: Any) -> Flask:
        def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
            return lambda **values: redirect("/login") if app.config.get("SIGNED_OUT") else view(**values)

        app = make_app(handoff=KapaHandoff(admin_required=admin_required), **config)
        app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        app.add_url_rule("/login", "login", lambda: "<title>Sign in</title>")
        return app

    return build


@pytest.fixture
def site(admin_app: Callable[..., Flask], mail_server: MailServer) -> Flask:
    """A site with a mail server."""
    return admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)


def open_settings(page: Page, address: str) -> None:
    """Open the page and wait until htmx is at work."""
    page.goto(f"{address}/handoff/admin/")
    page.wait_for_load_state("load")


def email(page: Page) -> Any:
    return page.get_by_label("Send tickets to")


def button_text(page: Page) -> Any:
    return page.locator("#kapa-handoff-admin-button_text")


def save(page: Page) -> None:
    page.locator("#kapa-handoff-admin-save").click()


def failure(page: Page) -> Any:
    return page.locator("#kapa-handoff-admin-failure")


def preview(page: Page) -> Any:
    return page.locator("#kapa-handoff-admin-preview")


def expect_only_statuses(page: Page) -> None:
    """Nothing went wrong but answers that are meant to be 400 and more."""
    assert all(STATUS_NOTES in problem for problem in page.problems), page.problems  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]


def test_a_save_happens_in_place(page: Page, site: Flask, serve: Serve) -> None:
    """Saving shows a toast, a line of history and the new button; the page is not loaded again."""
    open_settings(page, serve(site))
    button_text(page).fill("Ask a human")
    expect(preview(page).locator(".kapa-handoff-button")).to_have_text("Ask a human")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    address = page.url
    save(page)
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    expect(page.get_by_text("Unsaved changes")).to_be_hidden()
    expect(page.locator("ol[reversed]")).to_contain_text("Create ticket → Ask a human")
    expect(page.locator("#kapa-handoff-admin-save")).to_be_focused()
    assert page.url == address
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Saved. Live now.")).to_be_hidden()
    expect(page.locator("#kapa-handoff-admin-save")).to_be_focused()


def test_a_version_is_restored_in_place(page: Page, site: Flask, serve: Serve) -> None:
    """One press in the history brings the values back into the form."""
    open_settings(page, serve(site))
    button_text(page).fill("Ask a human")
    save(page)
    page.get_by_role("button", name="Undo this change (version 1)").click()
    expect(button_text(page)).to_have_value("Create ticket")
    page.get_by_role("button", name="Undo (Button text)").click()
    expect(button_text(page)).to_have_value("Ask a human")
    expect(page.get_by_role("status").get_by_text("Undone. Live now.")).to_be_visible()


def test_errors_appear_while_typing(page: Page, site: Flask, serve: Serve) -> None:
    """A message appears at a wrong value's field, which keeps the focus, and goes once it is fixed."""
    open_settings(page, serve(site))
    email(page).fill("")
    email(page).press_sequentially("help@")
    error = page.locator("#kapa-handoff-admin-email-error")
    expect(error).to_contain_text("Check the address:")
    expect(email(page)).to_have_attribute("aria-invalid", "true")
    expect(email(page)).to_be_focused()
    email(page).press_sequentially("example.com")
    expect(error).to_be_hidden()
    expect(email(page)).not_to_have_attribute("aria-invalid", "true")
    expect(email(page)).to_have_value("help@example.com")


def test_a_refused_save_leads_to_the_field(page: Page, site: Flask, serve: Serve) -> None:
    """After a refused save the first wrong field has the focus and what was typed."""
    open_settings(page, serve(site))
    page.get_by_label("Only when").check()
    button_text(page).fill("x" * 61)
    save(page)
    expect(page.get_by_role("alert").get_by_text("Nothing was saved.")).to_be_visible()
    expect(button_text(page)).to_be_focused()
    expect(button_text(page)).to_have_value("x" * 61)
    expect(page.locator("#kapa-handoff-admin-triggers-error")).to_have_text(
        "Choose at least one. To hide the button, switch it off."
    )
    expect_only_statuses(page)


def test_the_threshold_is_asked_only_where_it_counts(page: Page, site: Flask, serve: Serve) -> None:
    """The number of questions is a field only where conversation-length is chosen."""
    open_settings(page, serve(site))
    threshold = page.get_by_label("Show from question number")
    expect(threshold).to_be_hidden()
    page.get_by_label("Long conversations").check()
    expect(threshold).to_be_visible()
    threshold.fill("0")
    page.get_by_label("Long conversations").uncheck()
    page.get_by_label("Every answer").check()
    expect(page.locator("#kapa-handoff-admin-threshold-error")).to_be_hidden()
    expect(threshold).to_be_hidden()
    save(page)
    expect(page.get_by_role("status").get_by_text("No changes to save")).to_be_visible()


def test_the_preview_cannot_be_used(page: Page, site: Flask, serve: Serve) -> None:
    """The previewed button and form are shown, but the keyboard does not get in."""
    open_settings(page, serve(site))
    expect(preview(page).locator(".kapa-handoff-button")).to_be_visible()
    expect(preview(page).locator("textarea")).to_be_visible()
    expect(preview(page).locator("[inert] button:visible")).to_have_count(4)
    page.locator("#kapa-handoff-admin-save").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("complementary", name="Preview")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send a test mail")).to_be_focused()


def test_two_admins_at_once(
    page: Page, site: Flask, serve: Serve, open_context: Callable[..., BrowserContext]
) -> None:
    """The second admin sees both versions, keeps what was typed, and may save it knowingly."""
    address = serve(site)
    open_settings(page, address)
    other = watched(open_context().new_page())
    open_settings(other, address)
    button_text(other).fill("Theirs")
    save(other)
    expect(other.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    button_text(page).fill("Mine")
    expect(preview(page).locator(".kapa-handoff-button")).to_have_text("Mine")
    save(page)
    conflict = page.get_by_role("alert").filter(has_text="Someone else saved while you were editing")
    expect(conflict).to_be_focused()
    rows = page.get_by_role("group", name="Button text")
    expect(rows.get_by_role("radio", name="Yours")).to_be_checked()
    expect(rows).to_contain_text("Mine")
    expect(rows).to_contain_text("Theirs")
    page.get_by_role("button", name="Save changes").click()
    expect(conflict).to_be_hidden()
    expect_only_statuses(page)


def test_a_test_mail_in_place(page: Page, site: Flask, serve: Serve, mail_server: MailServer) -> None:
    """The outcome of a test mail appears beside the button; what is typed in the form stays."""
    open_settings(page, serve(site))
    button_text(page).fill("Typed")
    page.get_by_role("button", name="Send a test mail").click()
    outcome = page.get_by_role("status")
    expect(outcome.get_by_text("The mail server accepted the message for support@example.com.")).to_be_visible()
    outcome.get_by_text("Details").click()
    expect(outcome.get_by_text("250 2.0.0 taken")).to_be_visible()
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    page.get_by_role("button", name="Send a test mail").click()
    expect(outcome.get_by_text("There is no such address at the mail server.")).to_be_visible()
    expect(outcome.get_by_text("550 5.1.1 no such user")).to_be_hidden()
    outcome.get_by_text("Details").click()
    expect(outcome.get_by_text("550 5.1.1 no such user")).to_be_visible()
    expect(button_text(page)).to_have_value("Typed")


def test_an_admin_who_was_signed_out_loses_nothing(page: Page, site: Flask, serve: Serve) -> None:
    """When the session has ended, the login page does not take the form's place: a line says what happened."""
    open_settings(page, serve(site))
    button_text(page).fill("Typed")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    site.config["SIGNED_OUT"] = True
    save(page)
    expect(failure(page)).to_contain_text("You've been signed out")
    expect(button_text(page)).to_have_value("Typed")
    site.config["SIGNED_OUT"] = False
    save(page)
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    expect(failure(page)).to_be_empty()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": 500, "body": "<h1>Internal Server Error</h1>"}, "Something went wrong on the server"),
        ({"status": 404, "body": "gone"}, "Something went wrong on the server"),
        (None, "We couldn't reach the server."),
    ],
)
def test_a_failing_request_is_shown(
    page: Page, site: Flask, serve: Serve, answer: dict[str, Any] | None, message: str
) -> None:
    """A message reports an error of the server or the network, and what was typed stays."""
    open_settings(page, serve(site))
    page.route("**/settings", lambda route: route.fulfill(**answer) if answer else route.abort())
    button_text(page).fill("Typed")
    save(page)
    expect(failure(page)).to_contain_text(message)
    expect(preview(page).locator(".kapa-handoff-button")).to_have_text("Typed")
    expect(failure(page)).to_be_visible()
    expect(button_text(page)).to_have_value("Typed")
    page.problems.clear()  # type: ignore[attr-defined]


def test_without_script_the_settings_are_saved(
    open_context: Callable[..., BrowserContext], site: Flask, serve: Serve, mail_server: MailServer
) -> None:
    """Every form of the page works without script: preview, save, refusal, history, test mail."""
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{serve(site)}/handoff/admin/")
    button_text(page).fill("Ask a human")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("This is a preview. Nothing is saved yet.")).to_be_visible()
    expect(preview(page).locator(".kapa-handoff-button")).to_have_text("Ask a human")
    page.get_by_label("Long conversations").check()
    page.get_by_label("Show from question number").fill("0")
    save(page)
    expect(page.locator("#kapa-handoff-admin-threshold-error")).to_have_text("Use a whole number from 1 to 100.")
    expect(button_text(page)).to_have_value("Ask a human")
    page.get_by_label("Show from question number").fill("5")
    page.get_by_label("Only when").check()
    page.get_by_label("Show the button").uncheck()
    save(page)
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    expect(page.get_by_label("Show the button")).not_to_be_checked()
    expect(page.get_by_label("Every answer")).not_to_be_checked()
    expect(page.get_by_label("Show from question number")).to_have_value("5")
    page.get_by_role("button", name="Undo this change (version 1)").click()
    expect(button_text(page)).to_have_value("Create ticket")
    page.get_by_role("button", name="Undo (Button, ").click()
    expect(button_text(page)).to_have_value("Ask a human")
    expect(page.get_by_role("status").get_by_text("Undone. Live now.")).to_be_visible()
    page.get_by_role("button", name="Send a test mail").click()
    page.locator("#kapa-handoff-admin-outcome").get_by_text("Details").click()
    expect(page.get_by_text("250 2.0.0 taken")).to_be_visible()


FRAME = """<!doctype html><html lang="en"><head><title>Office</title>
<style>h1 { color: red } .card, button { border: 9px solid red }</style>{% block head %}{% endblock %}</head>
<body hx-boost="true" hx-target="#main" hx-select="#main">
<main id="main">{% block content %}{% endblock %}</main></body>"""
HTMX_TAG = '<script src="/handoff/static/vendor/htmx.min.js"></script>'


@pytest.mark.parametrize("site_has_htmx", [False, True])
def test_in_the_sites_own_template(
    page: Page, admin_app: Callable[..., Flask], serve: Serve, site_has_htmx: bool
) -> None:
    """In a site's frame the page works the same, htmx is loaded once, and neither disturbs the other."""
    app = admin_app(KAPA_HANDOFF_ADMIN_TEMPLATE="office.html")
    app.jinja_loader = DictLoader({"office.html": FRAME.replace("</head>", HTMX_TAG * site_has_htmx + "</head>")})
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "htmx.min.js" in request.url else None)
    page.goto(f"{serve(app)}/handoff/admin/")
    page.wait_for_function("window.htmx")
    button_text(page).fill("Ask a human")
    expect(preview(page).locator(".kapa-handoff-button")).to_have_text("Ask a human")
    save(page)
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    email(page).fill("support@")
    save(page)
    expect(page.get_by_role("alert").get_by_text("Nothing was saved.")).to_be_visible()
    assert len(loaded) == 1
    assert page.locator("h1").evaluate("element => getComputedStyle(element).color") != "rgb(255, 0, 0)"
    page.get_by_role("link", name="Tickets", exact=True).click()
    expect(page.get_by_role("heading", name="Tickets")).to_be_visible()
    expect_only_statuses(page)


@pytest.mark.only("sqlite")
def test_in_a_frame_that_turbo_visits_the_page_is_live_at_each_visit(
    page: Page, admin_app: Callable[..., Flask], serve: Serve
) -> None:
    """Also when the visit began on a page that needs no htmx; it is loaded once. The site's own links are visits."""
    app = admin_app(KAPA_HANDOFF_ADMIN_TEMPLATE="office.html")
    links = '<a href="/handoff/admin/">Office settings</a> <a href="/handoff/admin/tickets">Office tickets</a>'
    frame = FRAME.replace("</head>", '<script src="/turbo.js"></script></head>').replace(' hx-boost="true"', "")
    frame = frame.replace('<main id="main">', f'{links}<main id="main">')
    app.jinja_loader = DictLoader({"office.html": frame})
    app.add_url_rule("/turbo.js", "turbo", lambda: Response(turbo(), mimetype="text/javascript"))
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "htmx.min.js" in request.url else None)
    page.goto(f"{serve(app)}/handoff/admin/tickets")
    page.evaluate("window.stayed = true")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    for text in ("Ask a human", "Talk to us"):
        page.get_by_role("link", name="Office settings").click()
        page.wait_for_function("Object.keys(window).includes('htmx')")
        button_text(page).fill(text)
        expect(preview(page).locator(".kapa-handoff-button")).to_have_text(text)
        page.get_by_role("link", name="Office tickets").click()
        expect(page.get_by_role("heading", name="Tickets")).to_be_visible()
    assert page.evaluate("window.stayed")
    assert len(loaded) == 1
    assert asked == ["confirm", "confirm"]  # what was typed is not saved
    page.problems.clear()  # type: ignore[attr-defined]  # the policy forbids the style of Turbo's progress bar


@pytest.mark.parametrize(
    "hostile",
    [
        '<a id="kapaHandoffAdmin"></a>',
        '<a id="htmx"></a>',
        '<form name="currentScript" data-htmx="/elsewhere.js"></form>',
        '<img name="currentScript" alt="">',
        '<img name="head" alt=""><img name="getElementById" alt="">',
    ],
)
@pytest.mark.only("sqlite")
def test_names_in_the_markup_of_a_sites_frame_leave_the_page_as_live(
    page: Page, admin_app: Callable[..., Flask], serve: Serve, hostile: str
) -> None:
    """An element's name or id is no script's: htmx is loaded, and failures are shown."""
    app = admin_app(KAPA_HANDOFF_ADMIN_TEMPLATE="office.html")
    app.jinja_loader = DictLoader({"office.html": FRAME.replace('<main id="main">', hostile + '<main id="main">')})
    page.goto(f"{serve(app)}/handoff/admin/")
    page.wait_for_function("Object.keys(window).includes('htmx')")
    page.route("**/handoff/admin/settings", lambda route: route.abort())
    save(page)
    expect(failure(page)).to_contain_text("couldn't reach the server")
    page.problems.clear()  # type: ignore[attr-defined]  # Chromium reports the lost request, and htmx has names of its own


def test_a_ticket_in_the_browser(page: Page, site: Flask, serve: Serve) -> None:
    """A hostile ticket is text, and the way from the list to the ticket and back works by keyboard."""
    evil = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
    reference = send_ticket(site.test_client(), note=evil)
    page.goto(f"{serve(site)}/handoff/admin/tickets")
    page.get_by_role("link", name="How do I rotate a key?").press("Enter")
    expect(page.get_by_text(evil)).to_be_visible()
    expect(page).to_have_title(f"{reference}: How do I rotate a key? · site")
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("status").get_by_text("The ticket will be sent now.")).to_be_visible()
    page.get_by_role("link", name="All tickets").click()
    expect(page.get_by_text(reference)).to_be_visible()


def test_the_check_up_works_without_script(
    open_context: Callable[..., BrowserContext], admin_app: Callable[..., Flask], mail_server: MailServer, serve: Serve
) -> None:
    """A warning is a heading that names itself; fixed on the settings page, it is gone at the next look."""
    app = admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port, KAPA_HANDOFF_EMAIL=None)
    page = watched(open_context(java_script_enabled=False).new_page())
    page.goto(f"{serve(app)}/handoff/admin/")
    page.get_by_role("link", name="Check-up").click()
    warning = page.get_by_role("heading", name="Warning: There is no address to send tickets to.")
    expect(warning).to_be_visible()
    expect(page.get_by_text("1 warning")).to_be_visible()
    sign = page.locator("[data-level=warning] .handoff-icon")
    assert sign.evaluate("icon => getComputedStyle(icon).color") == "rgb(133, 80, 0)"
    page.get_by_role("navigation", name="Handoff").get_by_role("link", name="Settings").click()
    email(page).fill("support@example.com")
    save(page)
    page.get_by_role("link", name="Check-up").click()
    expect(page.get_by_text("All good")).to_be_visible()
    page.get_by_role("link", name="Check again").click()
    expect(warning).to_be_hidden()
    assert page.problems == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_pages_do_not_scroll_sideways(
    open_context: Callable[..., BrowserContext], site: Flask, serve: Serve, scheme: str
) -> None:
    """At 320 pixels (WCAG 2.2, 1.4.10) nothing is cut off, whatever a visitor has written."""
    word = "x" * 300
    conversation = f'[{{"question": "{word}", "answer": "`{word}`\\n\\n| {word} |\\n|---|\\n| 1 |"}}]'
    sender = f"{word[:60]}@{word[:60]}.{word[:60]}.com"
    reference = send_ticket(site.test_client(), email=sender, note=word, conversation=conversation)
    page = open_context(viewport={"width": 320, "height": 640}, color_scheme=scheme).new_page()
    address = serve(site)
    site.config["MAIL_PORT"] = word  # the check-up repeats it
    for path in ("", "tickets", f"tickets/{reference}", "doctor"):
        page.goto(f"{address}/handoff/admin/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path


def test_forced_colors_keep_every_state(
    open_context: Callable[..., BrowserContext], site: Flask, serve: Serve
) -> None:
    """A high contrast mode replaces colors and drops backgrounds: what is on and where one is still show."""
    page = open_context(forced_colors="active").new_page()
    open_settings(page, serve(site))
    tabs = page.locator(".handoff-tabs a")
    borders = tabs.evaluate_all("tabs => tabs.map((tab) => getComputedStyle(tab).borderBottomColor)")
    assert borders[0] not in borders[1:]
    switch = page.get_by_role("switch")
    switch.uncheck()
    off = switch.screenshot()
    switch.check()
    assert switch.screenshot() != off


def test_a_long_preview_leaves_no_gap(page: Page, admin_app: Callable[..., Flask], serve: Serve) -> None:
    """The cards below the form follow it, however many fields the previewed one has."""
    fields = [{"name": f"f{number}", "label": "Steps", "kind": "textarea"} for number in range(8)]
    page.set_viewport_size({"width": 1280, "height": 800})
    open_settings(page, serve(admin_app(KAPA_HANDOFF_FIELDS=fields)))
    form, below = (
        page.locator("#kapa-handoff-admin-form").bounding_box(),
        page.locator(".handoff-below").bounding_box(),
    )
    assert form is not None
    assert below is not None
    assert 0 < below["y"] - form["y"] - form["height"] < 40


def test_the_cells_of_a_transcript_are_aligned_as_written(page: Page, site: Flask, serve: Serve) -> None:
    """Headings and cells begin at the same place, and a column's own alignment counts."""
    conversation = json.dumps([{"question": "q", "answer": "| a | b |\n|---|--:|\n| c | d |"}])
    reference = send_ticket(site.test_client(), conversation=conversation)
    page.goto(f"{serve(site)}/handoff/admin/tickets/{reference}")
    cells = page.locator(".handoff-markdown :is(th, td)")
    aligned = cells.evaluate_all("cells => cells.map((cell) => getComputedStyle(cell).textAlign)")
    assert aligned == ["start", "right", "start", "right"]


def test_each_paragraph_of_a_note_has_its_own_direction(page: Page, site: Flask, serve: Serve) -> None:
    """An English one after an Arabic one begins at the left."""
    reference = send_ticket(site.test_client(), note="لا يعمل.\n\nIt is down.")
    page.goto(f"{serve(site)}/handoff/admin/tickets/{reference}")
    indent = page.locator(".handoff-note").evaluate(
        """(note) => {
            const text = note.firstChild, range = document.createRange();
            range.setStart(text, text.data.indexOf("It"));
            range.setEnd(text, text.length);
            return range.getBoundingClientRect().left - note.getBoundingClientRect().left;
        }"""
    )
    assert indent < 8


def test_in_a_narrow_frame_the_form_keeps_its_width(page: Page, admin_app: Callable[..., Flask], serve: Serve) -> None:
    """What counts is the width of the site's frame, not the window's; and a name in the frame is the site's own."""
    app = admin_app(KAPA_HANDOFF_ADMIN_TEMPLATE="office.html")
    narrow = "{% macro place() %}{% endmacro %}" + FRAME.replace("<main", '<main class="narrow"')
    app.jinja_loader = DictLoader({"office.html": narrow})
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{serve(app)}/handoff/admin/")
    page.add_style_tag(content=".narrow { max-width: 40em; margin: auto }")
    field, frame = email(page).bounding_box(), page.locator("main.narrow").bounding_box()
    assert field is not None
    assert frame is not None
    assert field["width"] > frame["width"] / 2
    expect(page.get_by_role("link", name="Settings")).to_have_attribute("aria-current", "page")
