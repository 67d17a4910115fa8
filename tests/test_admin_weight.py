"""What the admin pages weigh on their way to a browser that asks for them for the first time."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask

from benchmarks.insights import fill
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from tests.helpers.desks import save_desk, save_rules

pytestmark = pytest.mark.only("sqlite")

MOST_OCTETS = 60_000
"""The most octets of a page with its scripts and style sheets, htmx included, as a web server compresses them."""

ADMIN = "/handoff/admin/"
PAGES = (
    *("", "?desk=sales", "desks", "tickets", "tickets?q=backup", "insights", "history", "doctor", "trouble"),
    *("history/restore?version=1&desk=sales", "tickets/{reference}"),
)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_page_is_heavy(admin_app: Callable[..., Flask], language: str) -> None:
    """Full lists, 90 days of insights, some desks and rules; in languages whose letters take more octets, too."""
    app = admin_app()
    fill(state_of(app).database, 1_000, 200, days=89)
    save_desk(app)
    save_desk(app, button_text="Ask sales")
    save_rules(app, *((f"/pages/{number}/*", "sales") for number in range(30)))
    client = app.test_client()
    for page in (*PAGES, "insights?from={first}"):
        path = page.format(reference=tickets(app)[0].reference, first=f"{tickets(app)[0].created_at:%Y-%m-%d}")
        response = client.get(ADMIN + path, headers={"Accept-Language": language})
        assert response.status_code == 200, path
        needed = set(re.findall(r'(?:src|href|data-htmx)="([^"]*/static/[^"]*)"', response.text))
        assert any("htmx.min.js" in address for address in needed)
        weight = len(gzip.compress(response.data, 6))
        for address in needed:
            with client.get(unescape(address)) as file:
                weight += len(gzip.compress(file.data, 6))
        assert weight <= MOST_OCTETS, (path, weight)
