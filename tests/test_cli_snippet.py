"""``flask kapa-handoff snippet``: the tags for pages that the app does not render."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from click.testing import Result
from flask import Flask

from tests.helpers.commands import invoke_apart
from tests.helpers.pages import Page

ORIGIN = "https://help.example.com"


def snippet(app: Flask, *words: str) -> Result:
    return invoke_apart(app, "snippet", *words)


def addresses(printed: str) -> list[str]:
    page = Page(printed)
    return [page.one("link", rel="stylesheet")["href"], *(script["src"] for script in page.all("script"))]


def test_it_prints_the_two_tags_each_on_its_line(app: Flask) -> None:
    """A style sheet, then a deferred script; other messages do not mix with them."""
    done = snippet(app)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        '<link rel="stylesheet" href="/handoff/static/handoff.css">',
        '<script defer src="/handoff/static/handoff.js"></script>',
    ]
    assert "--origin https://help.example.com" in done.stderr


def test_for_pages_of_another_origin_the_addresses_are_absolute(make_app: Callable[..., Flask]) -> None:
    """With the origin, the mount and the prefix; standard error says what such pages need."""
    app = make_app(KAPA_HANDOFF_ORIGINS="https://docs.example.com")
    done = snippet(app, "--origin", f"{ORIGIN}/")
    assert addresses(done.stdout) == [f"{ORIGIN}/handoff/static/{name}" for name in ("handoff.css", "handoff.js")]
    assert "KAPA_HANDOFF_ORIGINS" in done.stderr
    assert "it names: https://docs.example.com" in done.stderr
    assert f"must allow {ORIGIN} in script-src, style-src and connect-src" in done.stderr


@pytest.mark.only("sqlite")
def test_the_addresses_follow_the_mount_and_the_prefix(make_app: Callable[..., Flask]) -> None:
    """APPLICATION_ROOT and KAPA_HANDOFF_URL_PREFIX; SERVER_NAME is a hint alone, as it may be a development name."""
    app = make_app(APPLICATION_ROOT="/app/", KAPA_HANDOFF_URL_PREFIX="/support/human", SERVER_NAME="acme.example.com")
    done = snippet(app)
    assert addresses(done.stdout)[1] == "/app/support/human/static/handoff.js"
    assert "--origin https://acme.example.com" in done.stderr
    assert addresses(snippet(app, "--origin", ORIGIN).stdout)[1] == f"{ORIGIN}/app/support/human/static/handoff.js"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("way", ["takeover", "button"])
def test_the_bridge_and_the_desk_are_those_of_the_template_helper(app: Flask, way: str) -> None:
    """Kapa's queue, and the bridge's tag with its way; the desk's name is escaped on both scripts."""
    done = snippet(app, "--origin", ORIGIN, "--bridge", way, "--desk", "default")
    script, queue, bridge = Page(done.stdout).all("script")
    assert len(done.stdout.splitlines()) == 4
    assert queue["src"] == f"{ORIGIN}/handoff/static/kapa.js"
    assert (bridge["src"], bridge["data-bridge"]) == (f"{ORIGIN}/handoff/static/bridge.js", way)
    assert script["data-desk"] == bridge["data-desk"] == "default"
    assert bridge["data-requested"]


@pytest.mark.only("sqlite")
def test_a_desk_that_does_not_exist_is_refused(app: Flask) -> None:
    """With those that do."""
    done = snippet(app, "--desk", "sales")
    assert done.exit_code == 2
    assert "'sales' is no desk that pages may name; use one of default." in done.stderr


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "origin", ["help.example.com", f"{ORIGIN}/app", f"{ORIGIN}/?x=1", "ftp://help.example.com", "https://[", "//x", ""]
)
def test_an_invalid_origin_is_refused_with_an_example(app: Flask, origin: str) -> None:
    """A path would be taken for a part of the mount."""
    done = snippet(app, "--origin", origin)
    assert done.exit_code == 2
    assert "give scheme and host, and the port, unless it is 80 or 443" in done.stderr
    assert done.stdout == ""


@pytest.mark.only("sqlite")
def test_a_page_that_was_built_long_ago_gets_todays_files(app: Flask) -> None:
    """The snippet's addresses are checked at each use, and the mark of an old version is no reason to fail."""
    client = app.test_client()
    for address in addresses(snippet(app, "--bridge", "button").stdout):
        path = urlsplit(address).path
        with client.get(path) as plain, client.get(f"{path}?v=000000000000") as old:
            assert (plain.status_code, old.status_code) == (200, 200)
            assert plain.data == old.data
            assert plain.headers["ETag"]
            # Else a browser would keep today's file for the old address, and never see tomorrow's.
            assert not plain.cache_control.max_age
            assert not old.cache_control.max_age
