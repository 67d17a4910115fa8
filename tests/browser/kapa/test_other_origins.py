"""The bridge on pages of another origin, such as static docs, that KAPA_HANDOFF_ORIGINS names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, make_response
from playwright.sync_api import Page

from tests.browser.kapa.conftest import Site, ask, conversation_of, hand_off, press_and_send, stored, vote, wait_until
from tests.browser.kapa.pages import CAPTCHA
from tests.browser.kapa.proxy import Answers
from tests.browser.kapa.streams import pair, source
from tests.helpers.servers import WebServer

pytestmark = pytest.mark.only("sqlite")

DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>Docs</title>
<link rel="stylesheet" href="{site}/handoff/static/handoff.css">
<script {loading} src="{site}/handoff/static/handoff.js"></script>
<script {loading} src="{site}/handoff/static/bridge.js" data-bridge="{way}" data-requested="true"></script>
<script id="kapa-recaptcha-script" src="/captcha.js"></script>
<script defer src="/chat.js"></script>
</head>
<body><div id="chat"></div></body>
</html>"""
POLICY = (
    "default-src 'self'; script-src 'self' {site}; style-src 'self' {site}; connect-src {site} https://proxy.kapa.ai"
)


@pytest.fixture
def docs(chat_script: bytes) -> Iterator[tuple[Flask, str]]:
    """Static pages and where they are served."""
    app = Flask("docs")
    app.add_url_rule("/chat.js", "chat", lambda: (chat_script, {"Content-Type": "text/javascript"}))
    app.add_url_rule("/captcha.js", "captcha", lambda: (CAPTCHA, {"Content-Type": "text/javascript"}))
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))

    @app.get("/<way>", defaults={"loading": "defer"})
    @app.get("/<way>/<loading>")
    def page(way: str, loading: str) -> Any:
        site = app.config["SITE"]
        response = make_response(DOCS.format(site=site, way=way, loading=loading))
        response.headers["Content-Security-Policy"] = POLICY.format(site=site)
        return response

    server = WebServer(app)
    yield app, server.url
    server.stop()


@pytest.mark.parametrize("way", ["takeover", "button", "takeover/type=module", "button/type=module"])
def test_a_page_of_another_origin_sends_its_tickets(
    way: str, docs: tuple[Flask, str], make_site: Callable[..., Site], page: Page, kapa: Answers
) -> None:
    """Both ways, also as modules, without cookies, under a strict policy; the ticket names the page."""
    app, address = docs
    site = make_site(KAPA_HANDOFF_ORIGINS=[address])
    app.config["SITE"] = site.url
    page.goto(f"{address}/{way}")
    wait_until(page, "window.chat")
    pairs = [pair(1, sources=[source(1)]), pair(2, uncertain=True)]
    ask(page, kapa, *pairs)
    vote(page, pairs[0], "downvote")
    if way.startswith("button"):
        press_and_send(page, "a2")
    else:
        assert hand_off(page) == {"resolved": None}
    assert conversation_of(site) == stored(*pairs)
    assert site.tickets()[-1].page == f"{address}/{way}"
    assert kapa.to("handoff") == []
    assert page.context.cookies() == []


def test_an_origin_that_is_not_named_leaves_its_tickets_to_kapa(
    docs: tuple[Flask, str], site: Site, page: Page, kapa: Answers
) -> None:
    """The site takes none from it, and the visitor's is not lost."""
    app, address = docs
    app.config["SITE"] = site.url
    page.goto(f"{address}/takeover")
    wait_until(page, "window.chat")
    ask(page, kapa, pair(1))
    assert hand_off(page) == {"resolved": None}
    assert (len(site.tickets()), len(kapa.to("handoff"))) == (0, 1)
    page.problems.clear()  # type: ignore[attr-defined]
