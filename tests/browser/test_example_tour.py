"""The example's tour: from a question to the ticket in the admin's list, each step one button away."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Example
from tests.browser.test_whole_way import BUTTON, create_ticket

pytestmark = pytest.mark.only("sqlite")


def step(page: Page) -> Locator:
    return page.get_by_role("complementary", name=re.compile("^Step"))


def next_step(page: Page, name: str) -> None:
    shown = step(page)
    number = int(re.findall("Step ([0-9])", shown.text_content() or "")[0])
    shown.get_by_role("button", name=name).click()
    expect(shown).to_contain_text(f"Step {number + 1} of 6")


def fits(page: Page) -> None:
    """Nothing is wider than the window, and the step is in it."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(step(page).get_by_role("heading")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740)])
def test_the_tour_leads_from_a_question_to_its_ticket(example: Example, page: Page, width: int, height: int) -> None:
    """By the address that the terminal shows, with the admin signed in; at each step, what it speaks of is there."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(example.tour)
    expect(step(page)).to_contain_text("Step 1 of 6")
    next_step(page, "Ask: How do I restore a single file?")
    expect(page.locator(".answer")).to_have_count(1)
    expect(page.locator(BUTTON)).to_have_count(0)
    fits(page)
    next_step(page, "Ask: Will it rain tomorrow?")
    expect(page.locator(BUTTON)).to_be_in_viewport()
    fits(page)
    reference = create_ticket(page, "I plan a picnic.")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    next_step(page, "I have sent it: the mail")
    if page.url.endswith("/inbox/"):  # it is not there yet
        page.get_by_role("link", name=re.compile(reference)).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(reference)
    fits(page)
    next_step(page, "Now the settings")
    with page.expect_response("**/simulation"):
        page.get_by_role("radio", name="Every answer").check()
    expect(page.locator("#kapa-handoff-admin-simulation")).to_contain_text("answers")
    fits(page)
    page.get_by_label("Button text").fill("Ask a human")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".handoff-toast")).to_contain_text("Saved")
    next_step(page, "Find the ticket")
    expect(page.get_by_role("main")).to_contain_text(reference)
    fits(page)
    step(page).get_by_role("button", name="End the tour").click()
    expect(page.get_by_role("heading", name="See the ticket handoff")).to_be_in_viewport()
    expect(step(page)).to_have_count(0)
    expect(page.locator(".tour")).to_contain_text("Under every answer")
    expect(page.locator(".tour")).to_contain_text("Ask a human")


def test_without_that_address_it_asks_to_sign_in(example: Example, page: Page) -> None:
    """A visitor can begin on the home page, and becomes the admin with the password."""
    page.goto(example.address)
    page.get_by_role("button", name="Take the tour: two minutes").click()
    next_step(page, "Ask: How do I restore a single file?")
    next_step(page, "Ask: Will it rain tomorrow?")
    next_step(page, "I have sent it: the mail")
    next_step(page, "Now the settings")
    expect(step(page)).to_contain_text("Sign in as admin")
    page.get_by_label("User").fill("admin")
    page.get_by_label("Password").fill(example.password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/handoff/admin/$"))
    next_step(page, "Find the ticket")
