"""The settings page stands still, keeps what is typed, and shows every state to everyone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, redirect, session
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, Route, expect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.settings_api import Settings
from tests.browser.conftest import watched
from tests.helpers.desks import save_desk, save_rules
from tests.helpers.servers import MailServer

Serve = Callable[[Any], str]

pytestmark = pytest.mark.only("sqlite")

ADMIN = "/handoff/admin/"
TOAST = ".handoff-toast"
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Two frames, in which a browser would follow what it takes for the place."""


@pytest.fixture
def site(make_app: Callable[..., Flask], mail_server: MailServer) -> Flask:
    """A site whose admins sign in; for those who do not, its admin pages are its login page."""

    def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(**values: Any) -> Any:
            if app.config.get("ASKS_TO_SIGN_IN") and "admin" not in session:
                refusal = app.config["ASKS_TO_SIGN_IN"]
                return redirect("/login") if refusal == "redirect" else Response("No.", refusal)
            return view(**values)

        return guarded

    def sign_in() -> Response:
        session.clear()
        session["admin"] = True
        return Response("<title>Signed in</title>")

    def sign_out() -> str:
        session.clear()
        return "Bye"

    handoff = KapaHandoff(admin_required=admin_required)
    app = make_app(handoff=handoff, MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)

    @app.before_request
    def forget() -> None:
        if app.config.get("FORGETS_SESSIONS"):
            session.clear()

    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    app.add_url_rule("/login", "login", lambda: "<title>Sign in</title>")
    app.add_url_rule("/sign-in", "sign_in", sign_in)
    app.add_url_rule("/sign-out", "sign_out", sign_out)
    return app


def go_to(page: Page, address: str, path: str = ADMIN) -> None:
    """Open a page and wait until htmx is at work."""
    page.goto(address + path)
    page.wait_for_load_state("load")


def button_text(page: Page) -> Locator:
    return page.locator("#kapa-handoff-admin-button_text")


def type_at_end(field: Locator, text: str) -> None:
    """As a person does: browsers ask before they leave only a page that somebody has used."""
    field.press("End")
    field.press_sequentially(text)


def save_button(page: Page) -> Locator:
    return page.locator("#kapa-handoff-admin-save")


def unsaved(page: Page) -> Locator:
    return page.locator("[data-unsaved-of=kapa-handoff-admin-form]")


def toast(page: Page) -> Locator:
    return page.locator(TOAST)


def failure(page: Page) -> Locator:
    return page.locator("#kapa-handoff-admin-failure")


def place(page: Page) -> float:
    page.evaluate(SETTLED)
    return float(page.evaluate("scrollY"))


def press(shown: Locator) -> None:
    """Press what is in the window with the mouse. `click()` may scroll to it when it tries again."""
    shown.page.evaluate(SETTLED)
    expect(shown).to_be_in_viewport(ratio=1)
    box = shown.bounding_box()
    assert box
    shown.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def dialogs_of(page: Page, *, accept: bool) -> list[str]:
    """The kinds of the questions that a page asks from now on; each gets the same answer."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept() if accept else dialog.dismiss()

    page.on("dialog", answer)
    return asked


def only_statuses(page: Page) -> None:
    """Nothing went wrong but responses of 400 and more, which the test wants."""
    problems: list[str] = page.problems  # type: ignore[attr-defined]
    assert all("the server responded with a status of" in problem for problem in problems), problems
    problems.clear()


@pytest.mark.parametrize("size", [(1280, 720), (360, 640)])
def test_the_page_stands_where_it_stood(
    page: Page, site: Flask, serve: Serve, size: tuple[int, int], open_context: Callable[..., BrowserContext]
) -> None:
    """After each swap of the page's parts; only what must be read moves it: an error, and a conflict."""
    address = serve(site)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    go_to(page, address)
    page.locator("summary").filter(has_text="Delivery and limits").click()  # saving something else must not fold it
    button_text(page).fill("Ask a human")
    page.evaluate("scrollTo(0, 300)")
    press(save_button(page))
    expect(toast(page)).to_contain_text("Saved.")
    assert place(page) == 300
    expect(page.locator("#kapa-handoff-admin-more-desk")).to_have_attribute("open", "")

    with page.expect_response("**/preview"):
        button_text(page).fill("Ask us")
    page.evaluate("scrollTo(0, 300)")
    with page.expect_response("**/preview"):
        button_text(page).evaluate("""(field) => {
            field.value = "Ask us all";
            field.dispatchEvent(new InputEvent("input", {bubbles: true}));
        }""")
    expect(page.locator("#kapa-handoff-admin-preview .kapa-handoff-button")).to_have_text("Ask us all")
    assert place(page) == 300

    page.locator("summary").filter(has_text="What the form says").click()
    page.locator("[name=form_added]").select_option("it")
    add = page.get_by_role("button", name="Add language")
    add.evaluate("(button) => button.scrollIntoView({block: 'center'})")
    before = place(page)
    press(add)
    field = page.locator("[name='form_button_text--it']")
    expect(field).to_be_focused()
    assert place(page) == before
    expect(field).to_be_in_viewport()
    field.fill("Chiedi")

    press(save_button(page))
    expect(toast(page)).to_contain_text("What the form says")
    page.evaluate("scrollTo(0, 400)")
    press(page.get_by_role("button", name="Undo (Button text, What the form says)"))
    expect(toast(page)).to_contain_text("Undone. Live now.")
    assert place(page) == 400

    send = page.get_by_role("button", name="Send a test mail")
    send.evaluate("(button) => button.scrollIntoView({block: 'center'})")
    before = place(page)
    press(send)
    expect(page.locator("#kapa-handoff-admin-outcome")).to_contain_text("Delivered.")
    assert place(page) == before

    email = page.locator("#kapa-handoff-admin-email")
    email.fill("nobody@")
    page.evaluate("scrollTo(0, 900)")
    press(save_button(page))
    expect(email).to_be_focused()
    error, bar = page.locator("#kapa-handoff-admin-email-error"), page.locator("#kapa-handoff-admin-bar")
    bottom, top = "(it) => it.getBoundingClientRect().bottom", "(it) => it.getBoundingClientRect().top"
    assert 0 < error.evaluate(bottom) <= bar.evaluate(top)
    email.fill("help@example.com")
    other = watched(open_context().new_page())
    go_to(other, address)
    button_text(other).fill("Theirs")
    save_button(other).click()
    expect(toast(other)).to_contain_text("Saved")
    button_text(page).fill("Mine")
    page.evaluate("scrollTo(0, 900)")
    press(save_button(page))
    conflict = page.get_by_role("alert").filter(has_text="Someone else saved while you were editing")
    expect(conflict).to_be_focused()
    expect(conflict).to_be_in_viewport()
    only_statuses(page)


def test_what_appears_above_moves_nothing_in_sight(page: Page, site: Flask, serve: Serve) -> None:
    """A notice above the form grows the page there, and what an admin looks at stays."""
    page.set_viewport_size({"width": 1280, "height": 500})
    go_to(page, serve(site))
    page.get_by_role("switch").uncheck()
    page.evaluate("scrollTo(0, 350)")
    seen = page.get_by_label("Every answer")
    before = seen.evaluate("(shown) => shown.getBoundingClientRect().top")
    press(save_button(page))
    expect(toast(page)).to_contain_text("Saved")
    assert place(page) > 350
    assert abs(seen.evaluate("(shown) => shown.getBoundingClientRect().top") - before) < 1


@pytest.mark.parametrize("size", [(1280, 720), (360, 640)])
def test_save_is_in_reach_wherever_the_page_stands(
    page: Page, site: Flask, serve: Serve, size: tuple[int, int]
) -> None:
    """It is in the window, above all else, and so is the preview where it has a column."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    go_to(page, serve(site))
    end = page.evaluate("document.documentElement.scrollHeight - innerHeight")
    assert end > 300
    for top in (0, end / 2, end):
        page.evaluate("(top) => scrollTo(0, top)", top)
        expect(save_button(page)).to_be_in_viewport(ratio=1)
        assert save_button(page).evaluate("""(button) => {
            const {x, y, width, height} = button.getBoundingClientRect();
            return document.elementFromPoint(x + width / 2, y + height / 2) === button;
        }""")
        if size[0] > 1000:
            expect(page.get_by_role("heading", name="Preview")).to_be_in_viewport(ratio=1)
    page.evaluate("scrollTo(0, 0)")
    button_text(page).press("End")
    button_text(page).press("!")
    expect(unsaved(page)).to_be_in_viewport(ratio=1)
    button_text(page).press("Enter")  # in a form with further buttons, Enter saves
    expect(toast(page)).to_contain_text("Saved.")


def test_nothing_asks_while_nothing_is_unsaved(page: Page, site: Flask, serve: Serve) -> None:
    """Neither at first, nor when the old values are back, nor after a save."""
    save_desk(site)
    address = serve(site)
    asked = dialogs_of(page, accept=True)
    go_to(page, address)
    type_at_end(button_text(page), "s")
    page.get_by_label("Only when").check()
    page.get_by_label("Uncertain answers").check()
    page.get_by_role("switch").uncheck()
    expect(unsaved(page)).to_be_visible()
    button_text(page).fill("Create ticket")
    page.get_by_label("Uncertain answers").uncheck()
    page.get_by_label("Every answer").check()
    expect(unsaved(page)).to_be_visible()
    page.get_by_role("switch").check()
    expect(unsaved(page)).to_be_hidden()
    page.reload()
    page.get_by_role("link", name="Sales").click()
    page.wait_for_load_state("load")
    type_at_end(button_text(page), "s")
    save_button(page).click()
    expect(toast(page)).to_contain_text("Saved.")
    expect(unsaved(page)).to_be_hidden()
    page.get_by_role("button", name="Undo (Button text)").click()
    expect(toast(page)).to_contain_text("Undone. Live now.")
    button_text(page).fill("x" * 61)
    save_button(page).click()
    expect(page.get_by_role("alert").get_by_text("Nothing was saved.")).to_be_visible()
    expect(unsaved(page)).to_be_visible()
    button_text(page).fill("Ask us")
    expect(unsaved(page)).to_be_visible()
    button_text(page).fill("Ask sales")
    page.get_by_role("link", name="All desks and page rules").click()
    expect(page.get_by_role("heading", name="Desks")).to_be_visible()
    assert asked == ["beforeunload"]
    only_statuses(page)


def test_what_is_typed_is_guarded_on_every_way_out(page: Page, site: Flask, serve: Serve) -> None:
    """Reload, another page, another desk, closing the tab, Undo and restoring a version ask; nothing is lost."""
    save_desk(site)
    go_to(page, serve(site))
    type_at_end(button_text(page), "s")
    save_button(page).click()
    expect(toast(page)).to_contain_text("Saved.")
    type_at_end(button_text(page), "!")
    asked = dialogs_of(page, accept=False)
    page.get_by_role("button", name="Undo (Button text)").click()
    assert asked == ["confirm"]
    for name in ("Tickets", "Insights", "Sales"):
        with page.expect_event("dialog"):
            page.get_by_role("link", name=name, exact=True).click(no_wait_after=True)
    with page.expect_event("dialog"):
        page.get_by_role("button", name="Undo this change").click(no_wait_after=True)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.reload())")
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    assert asked[1:] == ["beforeunload"] * 6
    expect(button_text(page)).to_have_value("Create tickets!")
    expect(unsaved(page)).to_be_visible()


def test_page_rules_are_guarded(page: Page, site: Flask, serve: Serve) -> None:
    """As the settings are, also against what another form of the page does."""
    save_desk(site)
    save_rules(site, ("/pricing/*", "sales"))
    go_to(page, serve(site), f"{ADMIN}desks")
    sign = page.locator("[data-unsaved-of=kapa-handoff-admin-rules]")
    pattern = page.get_by_label("Pages whose path is").first
    type_at_end(pattern, "x")
    expect(sign).to_be_visible()
    asked = dialogs_of(page, accept=False)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Tickets").click(no_wait_after=True)
    pattern.fill("/pricing/*")
    expect(sign).to_be_hidden()
    page.locator("#kapa-handoff-admin-add-label").fill("Bugs")
    page.get_by_role("button", name="Save rules").last.click()  # it would replace the other form
    assert asked == ["beforeunload", "confirm"]
    expect(page.locator("#kapa-handoff-admin-add-label")).to_have_value("Bugs")
    page.get_by_role("button", name="Add a desk").click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
    assert len(asked) == 2


def test_turbo_and_boosted_links_of_the_sites_frame_ask_as_well(page: Page, site: Flask, serve: Serve) -> None:
    """They replace the page without unloading it."""
    go_to(page, serve(site))
    type_at_end(button_text(page), "s")
    asked = dialogs_of(page, accept=False)
    visited = """() => document.documentElement.dispatchEvent(
        new CustomEvent("turbo:before-visit", {bubbles: true, cancelable: true}))"""
    assert not page.evaluate(visited)
    page.evaluate("htmx.ajax('GET', '/login', {target: 'body'})")
    assert asked == ["confirm", "confirm"]
    expect(button_text(page)).to_have_value("Create tickets")


@pytest.mark.parametrize("script", [True, False])
def test_a_save_is_undone_by_one_press(
    open_context: Callable[..., BrowserContext], site: Flask, serve: Serve, script: bool
) -> None:
    """It says what it undoes, is a change of its own, and can be taken back."""
    page = open_context(java_script_enabled=script).new_page()
    go_to(page, serve(site))
    button_text(page).fill("Ask a human")
    page.get_by_role("switch").uncheck()
    save_button(page).click()
    told = toast(page) if script else page.locator(".handoff-notice.handoff-good")
    expect(told).to_contain_text("Saved.")
    expect(told).to_contain_text("Button, Button text")
    page.get_by_role("button", name="Undo (Button, Button text)").click()
    expect(told).to_contain_text("Undone. Live now.")
    expect(button_text(page)).to_have_value("Create ticket")
    expect(page.get_by_role("switch")).to_be_checked()
    expect(page.locator(".handoff-saved")).to_contain_text("Version 2")
    if script:
        expect(page.get_by_role("button", name="Redo (Button, Button text)")).to_be_focused()
    page.get_by_role("button", name="Redo (Button, Button text)").click()
    expect(told).to_contain_text("Saved.")
    expect(button_text(page)).to_have_value("Ask a human")
    expect(page.locator(".handoff-saved")).to_contain_text("Version 3")


@pytest.mark.parametrize("script", [True, False])
def test_every_answer_and_only_when(
    open_context: Callable[..., BrowserContext], site: Flask, serve: Serve, script: bool
) -> None:
    """One of both; what is ticked beneath stays ticked, is saved, and counts only with the second."""
    page = open_context(java_script_enabled=script).new_page()
    go_to(page, serve(site))
    every, only = page.get_by_label("Every answer"), page.get_by_label("Only when")
    uncertain = page.get_by_label("Uncertain answers")
    expect(every).to_be_checked()
    muted = uncertain.evaluate("(box) => getComputedStyle(box).opacity")
    uncertain.check()
    if script:  # who ticks one of them means it
        expect(only).to_be_checked()
        assert uncertain.evaluate("(box) => getComputedStyle(box).opacity") > muted
    every.check()
    expect(uncertain).to_be_checked()
    save_button(page).click()
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    assert triggers_of(site) == ["always", "uncertainty"]
    expect(every).to_be_checked()
    expect(uncertain).to_be_checked()
    only.check()
    save_button(page).click()
    expect(page.locator(".handoff-saved")).to_contain_text("Version 2")
    assert triggers_of(site) == ["uncertainty"]
    uncertain.uncheck()
    save_button(page).click()
    expect(page.locator("#kapa-handoff-admin-triggers-error")).to_have_text(
        "Choose at least one. To hide the button, switch it off."
    )


def triggers_of(site: Flask) -> list[str]:
    with site.app_context():
        return [str(name) for name in Settings().get().triggers]


def test_an_old_result_does_not_look_like_the_next_one(
    page: Page, site: Flask, serve: Serve, mail_server: MailServer
) -> None:
    """It goes when the next test mail starts, and so does an old failure; a request that fails leaves nothing."""
    go_to(page, serve(site))
    outcome, send = page.locator("#kapa-handoff-admin-outcome"), page.get_by_role("button", name="Send a test mail")
    send.click()
    expect(outcome).to_contain_text("Delivered.")
    held: list[Route] = []
    page.route("**/test-mail", lambda route: held.append(route))
    with page.expect_request("**/test-mail"):
        send.click()
    expect(outcome).to_have_text("Sending …")
    held[0].abort()
    expect(failure(page)).to_contain_text("We couldn't reach the server.")
    expect(outcome).to_be_empty()
    with page.expect_request("**/test-mail"):
        send.click()
    expect(failure(page)).to_be_empty()
    expect(outcome).to_have_text("Sending …")
    held[1].fulfill(status=500, body="Oh")
    expect(failure(page)).to_contain_text("Something went wrong on the server.")
    expect(outcome).to_be_empty()
    page.unroute("**/test-mail")
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    send.click()
    expect(outcome).to_contain_text("Failed.")
    expect(failure(page)).to_be_empty()
    page.problems.clear()  # type: ignore[attr-defined]  # the two lost requests


@pytest.mark.parametrize("refusal", ["redirect", 401, 403])
def test_after_signing_in_elsewhere_the_next_save_succeeds(
    page: Page, site: Flask, serve: Serve, refusal: str | int
) -> None:
    """What is typed stays while the session is over; its link leads to the sign-in, in another tab."""
    address = serve(site)
    page.goto(f"{address}/sign-in")
    site.config["ASKS_TO_SIGN_IN"] = refusal
    go_to(page, address)
    page.locator("summary").filter(has_text="Delivery and limits").click()
    button_text(page).fill("Ask a human")
    expect(page.locator("#kapa-handoff-admin-preview .kapa-handoff-button")).to_have_text("Ask a human")
    page.request.get(f"{address}/sign-out")
    save_button(page).click()
    expect(failure(page)).to_contain_text("You've been signed out. Sign in in a new tab, then save again")
    expect(unsaved(page)).to_be_visible()
    with page.expect_popup() as opened:
        failure(page).get_by_role("link", name="Sign in").click()
    opened.value.goto(f"{address}/sign-in")
    opened.value.close()
    expect(button_text(page)).to_have_value("Ask a human")
    save_button(page).click()
    expect(toast(page)).to_contain_text("Saved.")
    expect(failure(page)).to_be_empty()
    expect(button_text(page)).to_have_value("Ask a human")
    only_statuses(page)


def test_another_session_disturbs_no_form(page: Page, site: Flask, serve: Serve) -> None:
    """Signed out and in again meanwhile: Save, the test mail and the page rules work as if nothing had happened."""
    save_desk(site)
    address = serve(site)
    again = f"{address}/sign-in"  # a new session each time
    page.goto(again)
    site.config["ASKS_TO_SIGN_IN"] = "redirect"
    go_to(page, address)
    page.request.get(again)
    page.get_by_role("button", name="Send a test mail").click()
    expect(page.locator("#kapa-handoff-admin-outcome")).to_contain_text("Delivered.")
    page.request.get(again)
    page.get_by_role("switch").uncheck()
    with page.expect_response(lambda response: response.url.endswith("/settings") and response.ok):
        save_button(page).click()
    expect(toast(page)).to_contain_text("Saved.")
    expect(page.get_by_role("switch")).not_to_be_checked()
    go_to(page, address, f"{ADMIN}desks")
    page.get_by_label("Pages whose path is").fill("/pricing/*")
    page.request.get(again)
    page.get_by_role("button", name="Save rules").last.click()
    expect(toast(page)).to_contain_text("Saved.")
    only_statuses(page)


def test_where_no_session_lasts_a_refused_save_is_told(page: Page, site: Flask, serve: Serve) -> None:
    """It is sent once more, then no longer, and what is typed stays."""
    go_to(page, serve(site))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/settings") else None)
    button_text(page).fill("Ask a human")
    expect(page.locator("#kapa-handoff-admin-preview .kapa-handoff-button")).to_have_text("Ask a human")
    site.config["FORGETS_SESSIONS"] = True
    save_button(page).click()
    alert = page.get_by_role("alert").filter(has_text="Your session has expired, so nothing was saved.")
    expect(alert).to_be_focused()
    expect(button_text(page)).to_have_value("Ask a human")
    assert len(sent) == 2
    only_statuses(page)


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}])
def test_each_state_shows_without_backgrounds(
    page: Page, site: Flask, serve: Serve, media: dict[str, Any], mail_server: MailServer
) -> None:
    """In forced colours and on paper: the switch, radios and boxes are the browser's own, and lines mark the rest."""
    save_desk(site)
    go_to(page, serve(site))
    page.emulate_media(**media)

    def styles(shown: Locator, name: str) -> list[str]:
        found: list[str] = shown.evaluate_all("(all, name) => all.map((one) => getComputedStyle(one)[name])", name)
        return found

    switch = page.get_by_role("switch")
    assert styles(switch, "appearance") == ["auto"]
    on = switch.screenshot()
    switch.uncheck(force=True)
    assert switch.screenshot() != on
    for choice in (page.get_by_label("Every answer"), page.get_by_label("Uncertain answers")):
        assert styles(choice, "appearance") in (["radio"], ["checkbox"], ["auto"])
    tabs = page.locator(".handoff-tabs a")
    marks = styles(tabs, "borderBottomColor")
    assert marks[0] not in marks[1:]
    desks = page.locator(".handoff-desks a")
    assert styles(desks, "outlineStyle") == ["solid", "none", "none"]
    badge = page.locator(".handoff-badge")
    assert "0, 0, 0, 0" not in styles(badge, "borderTopColor")[0]
    assert badge.locator("svg").is_visible()
    if "media" in media:
        expect(page.locator(TOAST)).to_be_hidden()
        assert styles(page.locator(".handoff-save, .handoff-preview"), "position") == ["static", "static"]
        expect(page.get_by_role("button", name="Save changes")).to_be_hidden()
