"""Pages of sites with other sizes, policies and scripts, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, render_template
from flask_talisman import Talisman
from jinja2 import DictLoader
from playwright.sync_api import BrowserContext, Page, expect

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from tests.browser.conftest import watched
from tests.helpers.admin import let_pass

Serve = Callable[[Any], str]
MakeApp = Callable[..., Flask]

FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{% block title %}Site{% endblock %}</title>
<link rel="stylesheet" href="/site.css"{{ mark }}>{% if script %}<script src="/site.js"></script>{% endif %}</head>
<body id="site"><a id="to-admin" href="/handoff/admin/">Admin</a> <a id="to-page" href="/page">Page</a>
{% block content %}{% endblock %}</body></html>"""
PAGE = """{% extends "frame.html" %}
{% block content %}<p>Answer</p>{{ kapa_handoff_script() }}{{ kapa_handoff_button(conversation) }}{% endblock %}"""

# What Turbo does with a link: it keeps the page, puts the other one's body in and runs its scripts.
VISITS = """addEventListener("click", async (event) => {
  const link = event.target.closest("a");
  if (!link || link.closest("[data-turbo=false]")) return;
  event.preventDefault();
  const text = await (await fetch(link.href)).text();
  history.pushState({}, "", link.href);
  document.body = document.adoptNode(new DOMParser().parseFromString(text, "text/html").body);
  for (const old of document.body.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    old.replaceWith(script);
  }
});"""

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def site(make_app: MakeApp) -> Callable[..., Flask]:
    """Builds sites whose pages, and our admin's, are in one frame."""

    def build(*, css: str = "", script: bool = False) -> Flask:
        app = make_app(handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_ADMIN_TEMPLATE="frame.html")
        app.jinja_loader = DictLoader({"frame.html": FRAME, "page.html": PAGE})
        app.context_processor(lambda: {"script": script})
        shown = Conversation((QuestionAnswer("How?", "So.", "a1"),), "thread-1")
        app.add_url_rule("/page", "page", lambda: render_template("page.html", conversation=shown))
        app.add_url_rule("/site.css", "css", lambda: Response(css, mimetype="text/css"))
        app.add_url_rule("/site.js", "js", lambda: Response(VISITS, mimetype="text/javascript"))
        app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        return app

    return build


SIZES = """() => [...document.querySelectorAll(".kapa-handoff-admin *, .kapa-handoff-dialog, .kapa-handoff-dialog *")]
    .filter((one) => one.checkVisibility() && !one.closest("svg"))
    .map((one) => {
        const { width, height } = one.getBoundingClientRect();
        return [one.className, getComputedStyle(one).fontSize, Math.round(width), Math.round(height)].join(" ");
    })"""


def sizes(context: BrowserContext, address: str) -> list[list[str]]:
    """How large everything of ours is: on the admin's page, and in the dialog."""
    page = context.new_page()
    page.goto(f"{address}/handoff/admin/")
    found = [page.evaluate(SIZES)]
    page.goto(f"{address}/page")
    page.locator(".kapa-handoff-button").click()
    page.locator(".kapa-handoff-dialog [type=email]").wait_for()
    found.append(page.evaluate(SIZES))
    page.close()
    return found


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("root", ["10px", "62.5%"])
def test_nothing_shrinks_where_the_site_makes_its_root_small(
    site: Callable[..., Flask], open_context: Callable[..., BrowserContext], serve: Serve, root: str, width: int
) -> None:
    """Bootstrap 3 sets html to 10px: our pages and our form are as large as anywhere, and no text is below 12px."""
    context = open_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    body = "body { font-size: 14px; }"
    usual = sizes(context, serve(site(css=body)))
    assert sizes(context, serve(site(css=f"html {{ font-size: {root}; }} {body}"))) == usual
    for found in usual:
        assert len(found) > 10
        assert min(float(one.split("px ")[0].split()[-1]) for one in found) >= 12


def test_the_size_is_the_sites_to_set(
    site: Callable[..., Flask], open_context: Callable[..., BrowserContext], serve: Serve
) -> None:
    """--kapa-handoff-size is a custom property as the colours are."""
    context = open_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{serve(site(css=':root { --kapa-handoff-size: 20px; }'))}/page")
    page.locator(".kapa-handoff-button").click()
    expect(page.locator(".kapa-handoff-dialog .kapa-handoff-panel")).to_have_css("font-size", "20px")


def test_a_frameworks_picture_does_not_cover_a_wrong_field(
    page: Page, site: Callable[..., Flask], serve: Serve
) -> None:
    """Pico marks fields with aria-invalid by a background of its own."""
    css = """input:not([type=checkbox], [type=radio])[aria-invalid] {
            background: repeating-linear-gradient(red, blue 3px);
        }
        [type=checkbox][role=switch]::before { content: ""; display: block; width: 99px; height: 99px; }"""
    address = serve(site(css=css))
    page.goto(f"{address}/page")
    page.locator(".kapa-handoff-button").click()
    page.locator(".kapa-handoff-dialog .kapa-handoff-primary").click()
    wrong = page.locator(".kapa-handoff-dialog [aria-invalid]")
    expect(wrong).to_have_css("background-image", "none")
    page.goto(f"{address}/handoff/admin/")
    page.locator("#kapa-handoff-admin-email").fill("x@")
    page.locator("#kapa-handoff-admin-save").click()
    wrong = page.locator("#kapa-handoff-admin-email[aria-invalid=true]")
    expect(wrong).to_have_css("background-image", "none")
    assert all("422" in problem for problem in page.problems)  # type: ignore[attr-defined]
    page.problems.clear()  # type: ignore[attr-defined]


FONT = "html, body { margin: 0; padding: 0; font: 14px/1.5 sans-serif; }"
HOSTILE = """* { box-sizing: content-box; margin: 7px; padding: 7px; border-radius: 0; line-height: 3; }
body { font-style: italic; font-weight: 700; letter-spacing: 3px; word-spacing: 9px; text-align: right;
    text-transform: uppercase; text-indent: 2em; white-space: pre; cursor: wait; visibility: hidden; }
body > * { visibility: visible; }
#site :is(dialog, main, div, form, p, h2, a, button, input, textarea, label, span, details, summary, ol, li, strong) {
    display: flex; float: right; position: relative; inset: 3px; width: 20%; min-width: 9em; max-width: 10em;
    height: 9px; padding: 20px; border: 9px solid red; background: red; color: lime; font-size: 30px; opacity: .5; }
#site button:hover, #site button:focus-visible { outline: 9px solid red; transform: scale(2); }
#site [hidden] { display: block; }"""
STYLES = """() => [...document.querySelectorAll("dialog, dialog *, form.kapa-handoff-offer, .kapa-handoff-offer *")]
    .filter((one) => one.matches("svg") || !one.closest("svg"))
    .map((one) => {
        const style = getComputedStyle(one);
        // An icon keeps its attributes; the dialog hands down nothing.
        const few = one.matches("svg, dialog") && ["display", "width", "height", "margin", "padding", "opacity"];
        const names = few || [...style];
        const values = Object.fromEntries(names.map((name) => [name, style[name]]));
        return [one.getAttribute("class") || one.localName, values];
    })"""


def styles(context: BrowserContext, address: str) -> list[list[Any]]:
    """How the browser draws each of our elements, in the form with its review and its errors."""
    page = context.new_page()
    page.goto(f"{address}/page")
    page.locator(".kapa-handoff-button").click()
    page.locator(".kapa-handoff-dialog [type=email]").fill("x")
    page.locator(".kapa-handoff-dialog .kapa-handoff-primary").click()
    page.locator(".kapa-handoff-dialog [aria-invalid]").wait_for()
    page.locator(".kapa-handoff-dialog summary").first.click()
    page.locator(".kapa-handoff-pair").wait_for()
    page.mouse.move(0, 0)
    found: list[list[Any]] = page.evaluate(STYLES)
    page.close()
    return found


def test_a_sites_rules_do_not_reach_in(
    site: Callable[..., Flask], open_context: Callable[..., BrowserContext], serve: Serve
) -> None:
    """Not by inheritance, by elements, nor by ids: all is drawn as elsewhere."""
    context = open_context(reduced_motion="reduce")
    usual = styles(context, serve(site(css=FONT)))
    hostile = styles(context, serve(site(css=FONT + HOSTILE)))
    assert len(usual) > 50
    assert [name for name, _ in hostile] == [name for name, _ in usual]
    different = [
        (name, property, there[property], value)
        for (name, here), (_, there) in zip(usual, hostile, strict=True)
        for property, value in here.items()
        if there[property] != value
    ]
    assert different == []


@pytest.mark.parametrize("scripts", ["", "'strict-dynamic'"])
def test_everything_runs_under_a_policy_with_nonces_only(
    page: Page, site: Callable[..., Flask], serve: Serve, scripts: str
) -> None:
    """Scripts and styles carry the site's nonce, htmx in a site's frame as well; the console stays empty."""
    app = site()
    policy = {"default-src": "'none'", "script-src": scripts, "style-src": "", "connect-src": "'self'"}
    Talisman(
        app,
        content_security_policy={**policy, "img-src": "'self'", "form-action": "'self'"},
        content_security_policy_nonce_in=["script-src", "style-src"],
        force_https=False,
        session_cookie_secure=False,
    )
    nonce: Any = app.jinja_env.globals["csp_nonce"]
    app.context_processor(lambda: {"mark": app.jinja_env.filters["safe"](f' nonce="{nonce()}"')})
    address = serve(app)
    # Until htmx has come: to ask the page for it again and again would need eval, which the policy forbids.
    page.goto(f"{address}/handoff/admin/", wait_until="networkidle")
    page.locator("#kapa-handoff-admin-button_text").fill("Ask a human")
    expect(page.locator("#kapa-handoff-admin-preview .kapa-handoff-button")).to_have_text("Ask a human")
    expect(page.locator("#kapa-handoff-admin-preview .kapa-handoff-button")).to_have_css("cursor", "pointer")
    page.locator("#kapa-handoff-admin-save").click()
    expect(page.locator(".handoff-toast")).to_contain_text("Saved")
    page.goto(f"{address}/page")
    page.locator(".kapa-handoff-button").click()
    expect(page.locator(".kapa-handoff-dialog .kapa-handoff-panel")).to_have_css("font-size", "16px")


def test_the_admin_page_works_where_turbo_opens_it(
    open_context: Callable[..., BrowserContext], site: Callable[..., Flask], serve: Serve
) -> None:
    """Twice, without loading a page: htmx is at work, and Turbo is told to keep no copy."""
    page = watched(open_context().new_page())
    page.goto(f"{serve(site(script=True))}/page")
    page.evaluate("window.kept = true")
    for text in ("Ask once", "Ask twice"):
        page.locator("#to-admin").click()
        page.wait_for_function("window.htmx")
        expect(page.locator("meta[name=turbo-cache-control]")).to_have_attribute("content", "no-cache")
        # htmx marks what it has looked at.
        page.wait_for_function("document.querySelector('#kapa-handoff-admin-form')?.['htmx-internal-data']")
        page.locator("#kapa-handoff-admin-button_text").fill(text)
        page.locator("#kapa-handoff-admin-save").click()
        expect(page.locator(".handoff-toast")).to_contain_text("Saved")
        page.locator("#to-page").click()
        expect(page.locator(".kapa-handoff-button")).to_have_text(text)
    assert page.evaluate("window.kept")
    assert page.problems == []  # type: ignore[attr-defined]
