"""The admin's pages are for admins: the site's decorator, tokens and origins, headers, and nothing inline."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask, redirect
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from jinja2 import DictLoader

from tests.helpers.admin import fields, offered, save, shown, with_password

# The guard


def test_every_route_is_behind_the_decorator(admin_app: Callable[..., Flask]) -> None:
    """Each rule of the blueprint refuses whom the site's decorator refuses."""
    app = admin_app(admin_required=with_password)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("kapa_handoff_admin.")]
    assert len(rules) == 54
    for rule in rules:
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        url = rule.rule.replace("<reference>", "T-ABCDEF")
        answer = app.test_client().open(url, method=method)
        assert answer.status_code == 401, rule
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_decorator_there_are_no_admin_pages(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Without admin_required the pages do not exist, and the log says how to get them."""
    with caplog.at_level(logging.WARNING):
        client = make_app().test_client()
    assert "admin_required" in caplog.text
    for path in ("/handoff/admin/", "/handoff/admin/tickets"):
        assert client.get(path).status_code == 404
    assert client.post("/handoff/admin/settings").status_code in (404, 405)


def test_a_decorator_that_forgets_the_views_name_is_fine(admin_app: Callable[..., Flask]) -> None:
    """A site's decorator need not use functools.wraps."""

    def careless(view: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        return inner

    client = admin_app(admin_required=careless).test_client()
    assert client.get("/handoff/admin/tickets").status_code == 200


def test_a_sites_redirect_to_its_login_stays(admin_app: Callable[..., Flask]) -> None:
    """Where the decorator leads to a login page, the browser gets that redirect."""
    app = admin_app(admin_required=lambda view: lambda **values: redirect("/login"))
    assert app.test_client().get("/handoff/admin/").location == "/login"


# Forgery


WRITES = ("/handoff/admin/settings", "/handoff/admin/test-mail", "/handoff/admin/tickets/T-ABCDEF/send-again")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("token", [None, "", "forged"])
@pytest.mark.parametrize("config", [{}, {"WTF_CSRF_ENABLED": False}, {"WTF_CSRF_FIELD_NAME": "other"}])
def test_a_save_needs_a_token_whatever_the_sites_switches(
    admin_app: Callable[..., Flask], token: str | None, config: dict[str, Any]
) -> None:
    """A missing or forged token is 400; what was typed stays, with a fresh token that works."""
    client = admin_app(**config).test_client()
    answer = save(client, csrf_token=token, button_text="Typed")
    assert answer.status_code == 400
    assert "Your session has expired" in shown(answer)
    assert 'value="Typed"' in answer.text
    assert offered(client) == "Create ticket"
    fresh = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', answer.text)
    assert fresh
    assert save(client, csrf_token=fresh[1], button_text="Typed").status_code == 303


def test_another_sessions_token_is_refused(admin_app: Callable[..., Flask]) -> None:
    """A token is good for the session that it was made in."""
    app = admin_app()
    stolen = fields(app.test_client())["csrf_token"]
    assert save(app.test_client(), csrf_token=stolen, button_text="x").status_code == 400


def test_a_token_is_good_as_long_as_the_session(admin_app: Callable[..., Flask]) -> None:
    """The page may stay open for longer than the site's WTF_CSRF_TIME_LIMIT."""
    client = admin_app(WTF_CSRF_TIME_LIMIT=-1).test_client()
    assert save(client, button_text="x").status_code == 303


def test_a_site_wide_csrf_protection_is_no_obstacle(admin_app: Callable[..., Flask]) -> None:
    """With a CSRFProtect of the site's own, saving works and forging does not."""
    app = admin_app()
    CSRFProtect(app)
    client = app.test_client()
    assert save(client, csrf_token=None, button_text="x").status_code == 400
    assert save(client, button_text="x").status_code == 303


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("path", [*WRITES, "/handoff/admin/preview"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://docs.example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_is_refused(admin_app: Callable[..., Flask], path: str, headers: dict[str, str]) -> None:
    """Another site's page is 403 even with a good token; KAPA_HANDOFF_ORIGINS is for visitors only."""
    client = admin_app(WTF_CSRF_ENABLED=False, KAPA_HANDOFF_ORIGINS="https://docs.example.com").test_client()
    answer = client.post(path, data=fields(client, button_text="Evil"), headers=headers)
    assert answer.status_code == 403
    assert "Not from this site" in shown(answer)
    assert offered(client) == "Create ticket"


# Headers and layout


def test_headers_of_every_answer(admin: FlaskClient) -> None:
    """Nothing is kept, nothing is framed, and the package's own layout has a strict policy."""
    answers = [
        admin.get("/handoff/admin/"),
        admin.get("/handoff/admin/tickets"),
        admin.get("/handoff/admin/tickets/x"),
    ]
    answers += [save(admin, htmx=True), save(admin, csrf_token=None), save(admin, email="x@")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
        )


def test_nothing_is_inline(admin: FlaskClient) -> None:
    """No style attribute, style element, inline script or event attribute is in a page."""
    page = admin.get("/handoff/admin/").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_a_site_sets_its_own_policy(admin_app: Callable[..., Flask]) -> None:
    """What a site's after_request says stands."""
    app = admin_app()

    @app.after_request
    def policy(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = "default-src https:"
        return response

    assert app.test_client().get("/handoff/admin/").headers.getlist("Content-Security-Policy") == [
        "default-src https:"
    ]


def test_the_pages_are_shown_in_the_sites_own_template(admin_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_ADMIN_TEMPLATE gives the frame; the pages bring their own style and script with them."""
    app = admin_app(KAPA_HANDOFF_ADMIN_TEMPLATE="office.html")
    app.jinja_loader = DictLoader(
        {"office.html": "<title>Office</title><main>{% block content %}{% endblock %}</main>"}
    )
    client = app.test_client()
    for path in ("/handoff/admin/", "/handoff/admin/tickets", "/handoff/admin/tickets/T-NONE"):
        answer = client.get(path)
        assert answer.text.startswith("<title>Office</title><main>")
        assert answer.text.count("<main") == 1
        assert "/handoff/static/admin.css?v=" in answer.text
        assert "/handoff/static/admin.js?v=" in answer.text
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert save(client, button_text="x").status_code == 303


def test_a_site_overrides_a_template_by_its_path(admin_app: Callable[..., Flask]) -> None:
    """A template in the site's own folder takes the place of the package's."""
    app = admin_app()
    app.jinja_loader = DictLoader({"kapa_handoff/admin/_history.html": "<p>Our own history</p>"})
    assert "Our own history" in app.test_client().get("/handoff/admin/").text


def test_the_pages_work_below_a_mount_point(admin: FlaskClient) -> None:
    """Behind a path prefix all addresses carry it."""
    page = admin.get("/handoff/admin/", environ_overrides={"SCRIPT_NAME": "/docs"}).text
    assert 'action="/docs/handoff/admin/settings"' in page
    assert not re.search(r'(?:href|src|action|hx-post)="/handoff', page)


def test_what_an_admin_types_is_escaped(admin: FlaskClient) -> None:
    """Markup in a setting is text everywhere on the page."""
    evil = '"><script>alert(1)</script>'
    for answer in (
        save(admin, htmx=True, button_text=evil),
        save(admin, email=evil, button_text=evil, threshold=evil),
    ):
        assert "<script>alert" not in answer.text
    page = admin.get("/handoff/admin/")
    assert "<script>alert" not in page.text
    assert evil in unescape(page.text)
