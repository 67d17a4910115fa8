"""The history in a browser without script: everything there is a form or a link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from flask_kapa_handoff import KapaHandoff
from tests.helpers.admin import let_pass, save

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    return make_app(handoff=KapaHandoff(admin_required=let_pass))


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context(java_script_enabled=False).new_page()


def test_yesterdays_settings_are_two_clicks_away(page: Page, site: Flask, serve: Callable[[Any], str]) -> None:
    """The first says what it reverts; and what that did can be undone."""
    client = site.test_client()
    for text in ("Yesterday", "Today", "Now"):
        save(client, button_text=text)
    page.goto(f"{serve(site)}/handoff/admin/")
    page.get_by_role("link", name="Restore this version… (version 1)").click()
    expect(page.get_by_role("heading", name="This reverts 2 later changes")).to_be_visible()
    page.get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_label("Button text")).to_have_value("Yesterday")
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Button text")).to_have_value("Now")


def test_two_admins_without_script(page: Page, site: Flask, serve: Callable[[Any], str]) -> None:
    """Each difference is picked, and saved with what only one of them changed."""
    page.goto(f"{serve(site)}/handoff/admin/")
    page.get_by_label("Button text").fill("Mine")
    page.get_by_label("Downvoted answers").check()
    save(site.test_client(), button_text="Theirs", email="theirs@example.com")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="Someone else saved while you were editing")).to_be_visible()
    page.get_by_role("group", name="Button text").get_by_role("radio", name="Saved").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status").get_by_text("Saved. Live now.")).to_be_visible()
    expect(page.get_by_label("Button text")).to_have_value("Theirs")
    expect(page.get_by_label("Send tickets to")).to_have_value("theirs@example.com")
    expect(page.get_by_label("Downvoted answers")).to_be_checked()
