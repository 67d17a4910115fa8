"""Simulation and insights in a real browser, under the admin pages' strict Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from benchmarks.insights import fill
from flask_kapa_handoff.state import state_of
from tests.helpers.answers import store

pytestmark = pytest.mark.only("sqlite")

Serve = Callable[[Any], str]
SIMULATION = "#kapa-handoff-admin-simulation"


@pytest.fixture
def site(admin_app: Callable[..., Flask]) -> Flask:
    """100 answers, 12 of them uncertain; the page's icon."""
    app = admin_app()
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    store(app, [{"uncertain": number < 12, "pairs": 1 + number // 90} for number in range(100)])
    return app


def test_the_simulation_follows_what_is_typed(page: Page, site: Flask, serve: Serve) -> None:
    """Each trigger as it is ticked, the threshold as it is typed; nothing is saved, and nothing else asks for it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(f"{serve(site)}/handoff/admin/")
    told = page.locator(SIMULATION)
    expect(told).to_contain_text("under 100 of the last 100 answers")
    page.get_by_label("Only when").check()
    page.get_by_label("Uncertain answers").check()
    expect(told).to_contain_text("under 12 of the last 100 answers")
    page.get_by_label("Long conversations").check()
    page.get_by_label("Show from question number").fill("2")
    expect(told).to_contain_text("under 22 of the last 100 answers")
    page.get_by_role("switch").uncheck()
    expect(told).to_have_text("The button is switched off.")
    asked.clear()
    with page.expect_response("**/preview"):
        page.get_by_label("Button text").fill("Ask us")
    assert "simulation" not in asked
    page.reload()
    expect(told).to_contain_text("under 100 of the last 100 answers")


def test_without_script_a_button_simulates(
    open_context: Callable[..., BrowserContext], site: Flask, serve: Serve
) -> None:
    """It sends the form, and nothing is saved."""
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{serve(site)}/handoff/admin/")
    page.get_by_label("Only when").check()
    page.get_by_label("Uncertain answers").check()
    page.get_by_role("button", name="What would this do?").click()
    expect(page.locator(SIMULATION)).to_contain_text("under 12 of the last 100 answers")
    page.goto(f"{serve(site)}/handoff/admin/")
    expect(page.locator(SIMULATION)).to_contain_text("under 100 of the last 100 answers")


@pytest.mark.parametrize("width", [1280, 360])
def test_the_insights_are_read_at_any_width(page: Page, site: Flask, serve: Serve, width: int) -> None:
    """Charts with their colours under the policy, tables that scroll on their own, rows that open."""
    fill(state_of(site).database, 500, 60, days=20)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{serve(site)}/handoff/admin/insights")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # How many answers the first day has depends on the time of day.
    heights = "bars => Math.max(...bars.map((bar) => bar.getBoundingClientRect().height))"
    assert page.locator("svg rect.handoff-bar-whole").evaluate_all(heights) > 1
    parts = page.locator("svg rect.handoff-bar-part")
    assert parts.evaluate_all(heights) > 1
    assert parts.first.evaluate("bar => getComputedStyle(bar).fill") not in ("rgb(0, 0, 0)", "none")
    ends = page.locator(".handoff-counts").last.evaluate(
        """table => [...table.rows].map(({cells}) => {
            const range = document.createRange();
            range.selectNodeContents(cells[2].querySelector("a") ?? cells[2].firstChild);
            return Math.round(range.getBoundingClientRect().right);
        })"""
    )
    assert len(ends) > 1
    assert len(set(ends)) == 1  # figures are right under their header
    page.locator(".handoff-gaps summary").first.click()
    expect(page.locator(".handoff-gaps details[open] li a").first).to_be_visible()
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
