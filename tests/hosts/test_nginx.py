"""nginx in front of the site, with the recipes in ``nginx/`` that docs/behind-a-proxy.md shows.

The browser sees a name that is not this machine's, so that it leaves ``Sec-Fetch-Site`` out over plain HTTP, as it
does on an intranet; it keeps the usual ports, and gets to those that nginx has here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.browser.conftest import TIMEOUT, watched
from tests.browser.engines import launch
from tests.helpers.servers import MailServer, free_port
from tests.hosts.applications.plain import ADMIN, PASSWORD
from tests.hosts.conftest import Server
from tests.hosts.environments import PINS, python_of
from tests.hosts.visits import NOTE, QUESTION, send

RECIPES = Path(__file__).parent / "nginx"
HTTP, HTTPS = "http://intranet.example", "https://intranet.example"

# The address that visitors know, and what ProxyFix is told to trust.
SITES: dict[str, tuple[str, dict[str, int]]] = {
    "plain": (HTTP, {}),
    "forwarded": (HTTP, {"x_for": 1, "x_proto": 1, "x_host": 1}),
    "tls": (HTTPS, {"x_for": 1, "x_proto": 1}),
    "sub-path": (f"{HTTP}/docs", {"x_for": 1, "x_proto": 1, "x_prefix": 1}),
    "unix-socket": (HTTP, {"x_for": 1, "x_proto": 1}),
}
FORWARDED = [name for name in SITES if name != "plain"]

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
user root;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass
class Site:
    """What a browser sees of a site behind nginx."""

    address: str
    browser: Browser
    server: Server

    def open(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(ignore_https_errors=True, **options)
        context.set_default_timeout(TIMEOUT)
        return context

    def page(self, **options: Any) -> Page:
        return watched(self.open(**options).new_page())

    def office(self, **options: Any) -> Page:
        """A page of a signed-in admin."""
        return self.page(http_credentials={"username": ADMIN, "password": PASSWORD}, **options)


@pytest.fixture
def serve_behind(
    playwright: Playwright, start_site: Callable[..., Server], tmp_path: Path
) -> Iterator[Callable[[str], Site]]:
    """Starts nginx by a recipe, gunicorn behind it, and a browser that knows the site's name."""
    ended: list[Callable[[], Any]] = []

    def start(recipe: str, port: str = "80", **changes: str) -> Site:
        address, trusted = SITES[recipe]
        address += "" if port == "80" else f":{port}"
        ports = {port: free_port(), "443": free_port(), "127.0.0.1:8000": free_port()}
        socket = tmp_path / "site.sock"
        bound = f"unix:{socket}" if recipe == "unix-socket" else f"127.0.0.1:{ports['127.0.0.1:8000']}"
        gunicorn = python_of("servers", PINS).parent / "gunicorn"
        command = [gunicorn, "--threads", "4", "--bind", bound, "applications.wsgi:application"]
        # gunicorn takes the forwarded scheme from a Unix socket's peer only when it is told to.
        server = start_site(command, HANDOFF_PROXY_FIX=json.dumps(trusted), FORWARDED_ALLOW_IPS="*")
        server.wait_for("(Listening at)")
        config = (RECIPES / f"{recipe}.conf").read_text()
        for written, meant in {
            "listen 80": f"listen 127.0.0.1:{ports[port]}",
            "listen 443": f"listen 127.0.0.1:{ports['443']}",
            "127.0.0.1:8000": f"127.0.0.1:{ports['127.0.0.1:8000']}",
            "/run/site.sock": str(socket),
            "/var/cache/nginx": str(tmp_path / "cache"),
            "/etc/ssl/certs/intranet.pem": str(certificate(tmp_path)),
            "/etc/ssl/private/intranet.key": str(tmp_path / "intranet.key"),
            **changes,
        }.items():
            config = config.replace(written, meant)
        (tmp_path / "site.conf").write_text(config)
        (tmp_path / "cache").mkdir()
        (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path))
        nginx = start_site(["/usr/sbin/nginx", "-c", tmp_path / "nginx.conf", "-e", "stderr"])
        nginx.wait_until((tmp_path / "nginx.pid").exists, "nginx")
        mapped = ", ".join(f"MAP intranet.example:{known} 127.0.0.1:{ports[known]}" for known in (port, "443"))
        browser = launch(playwright, f"--host-resolver-rules={mapped}")
        ended.append(browser.close)
        return Site(address, browser, server)

    yield start
    for end in ended:
        end()


def certificate(folder: Path) -> Path:
    """A self-signed certificate."""
    made = folder / "intranet.pem"
    subject = ("-subj", "/CN=intranet.example", "-addext", "subjectAltName=DNS:intranet.example")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    command += ["-keyout", str(folder / "intranet.key"), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def expect_the_mail(site: Site, mail_server: MailServer, reference: str) -> None:
    mail = site.server.wait_until(
        lambda: next((mail for mail in list(mail_server.received) if reference in mail.message["Subject"]), None),
        f"the mail of {reference}",
    )
    for words in (QUESTION, NOTE):
        assert words in mail.body("plain")


@pytest.mark.parametrize("recipe", SITES)
def test_visitors_get_through(recipe: str, serve_behind: Callable[[str], Site], mail_server: MailServer) -> None:
    """With script in both kinds of chat, and without script: the tickets' mails arrive."""
    site = serve_behind(recipe)
    for path, options in (("/chat/", {}), ("/chat/rendered", {}), ("/chat/rendered", {"java_script_enabled": False})):
        page = site.page(**options)
        page.goto(f"{site.address}{path}")
        expect_the_mail(site, mail_server, send(page))
        assert page.problems == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("recipe", FORWARDED)
def test_an_admin_saves(recipe: str, serve_behind: Callable[[str], Site]) -> None:
    """The settings are saved, the check-up finds nothing wrong with the proxy, and visitors' addresses are known."""
    site = serve_behind(recipe)
    visitor = site.page()
    visitor.goto(f"{site.address}/chat/")
    send(visitor)
    for options in ({}, {"java_script_enabled": False}):
        page = site.office(**options)
        page.goto(f"{site.address}/handoff/admin/")
        text = f"Ask a person {options.get('java_script_enabled', True)}"
        page.locator("#kapa-handoff-admin-button_text").fill(text)
        page.locator("#kapa-handoff-admin-save").click()
        newest = page.locator("ol[reversed] > li").first
        expect(newest).to_contain_text(text)
        expect(newest).to_contain_text(ADMIN)
    page.goto(f"{site.address}/handoff/admin/doctor")
    expect(page.locator("main")).not_to_contain_text("ProxyFix")
    expect(page.locator("main")).not_to_contain_text("proxy_set_header")


def test_behind_a_proxy_that_rewrites_the_host_an_admin_reads_what_to_do(serve_behind: Callable[[str], Site]) -> None:
    """Over plain HTTP nothing tells its pages from others: the save is refused, and the check-up has the line."""
    site = serve_behind("plain")
    for options in ({}, {"java_script_enabled": False}):
        page = site.office(**options)
        page.goto(f"{site.address}/handoff/admin/")
        page.locator("#kapa-handoff-admin-button_text").fill("Ask a person")
        page.locator("#kapa-handoff-admin-save").click()
        expect(page.locator("body")).to_contain_text("rewrites the Host header")
        page.goto(f"{site.address}/handoff/admin/")
        expect(page.locator("#kapa-handoff-admin-button_text")).to_have_value("Create ticket")
    page.goto(f"{site.address}/handoff/admin/doctor")
    expect(page.locator("main")).to_contain_text("proxy_set_header Host")


def test_with_a_port_in_the_address_an_admin_saves(serve_behind: Callable[..., Site]) -> None:
    """``$host`` has no port, so the docs name ``$http_host`` for such an address."""
    site = serve_behind("forwarded", port="8080", **{"$host": "$http_host"})
    page = site.office()
    page.goto(f"{site.address}/handoff/admin/")
    page.locator("#kapa-handoff-admin-button_text").fill("Ask a person")
    page.locator("#kapa-handoff-admin-save").click()
    expect(page.locator("ol[reversed] > li").first).to_contain_text("Ask a person")


def test_addresses_stay_below_the_sites_path(serve_behind: Callable[[str], Site]) -> None:
    """Under a sub path no request of a page leaves it."""
    site = serve_behind("sub-path")
    page = site.office()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.address}/chat/")
    send(page)
    page.goto(f"{site.address}/handoff/admin/")
    page.locator("#kapa-handoff-admin-save").click()
    page.wait_for_load_state("networkidle")
    ours = [url for url in asked if url.startswith("http")]
    assert ours
    assert [url for url in ours if not url.startswith(f"{site.address}/")] == []


def test_a_body_that_nginx_refuses_costs_no_text(serve_behind: Callable[[str], Site], mail_server: MailServer) -> None:
    """nginx responds with 413 in its own words: the form says so kindly, keeps the text, and can send less."""
    site = serve_behind("unix-socket")
    page = site.page()
    page.goto(f"{site.address}/chat/")
    page.locator("button.kapa-handoff-button").click()
    form = page.locator("form[action$='/handoff/tickets']")
    form.locator("[name=email]").fill("visitor@example.com")
    form.locator("[name=note]").fill("x" * 70_000)
    form.locator("[type=submit]").last.click()
    expect(form.locator("[role=alert]")).not_to_be_empty()
    expect(form.locator("[role=alert]")).not_to_contain_text("nginx")
    expect(form.locator("[name=note]")).to_have_value("x" * 70_000)
    form.locator("[name=note]").fill(NOTE)
    form.locator("[type=submit]").last.click()
    shown = page.locator("[data-kapa-handoff-reference]")
    expect(shown).to_be_visible()
    expect_the_mail(site, mail_server, shown.get_attribute("data-kapa-handoff-reference") or "")


def test_a_page_that_nginx_keeps_serves_many_visitors(
    serve_behind: Callable[[str], Site], mail_server: MailServer
) -> None:
    """The same page out of nginx's cache, with and without script: each visitor's ticket arrives."""
    site = serve_behind("unix-socket")
    kept: set[str | None] = set()
    references = set()
    for options in ({}, {"java_script_enabled": False}, {}):
        page = site.page(**options)
        page.goto(f"{site.address}/chat/rendered")
        kept.add(page.locator("form [name=offer]").first.get_attribute("value"))
        reference = send(page)
        expect_the_mail(site, mail_server, reference)
        references.add(reference)
    assert len(kept) == 1, "nginx has not kept the page"
    assert len(references) == 3


def test_nginx_keeps_nothing_of_the_admins(serve_behind: Callable[[str], Site]) -> None:
    """After an admin has seen the pages, a stranger is still asked who they are."""
    site = serve_behind("unix-socket")
    page = site.office()
    paths = ("", "tickets", "doctor", "health")
    for path in paths:
        page.goto(f"{site.address}/handoff/admin/{path}")
    stranger = site.page()
    stranger.goto(f"{site.address}/chat/")
    for path in paths:
        asked = f"fetch('/handoff/admin/{path}', {{credentials: 'omit'}}).then(response => response.status)"
        assert stranger.evaluate(asked) == 401, path
