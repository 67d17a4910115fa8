"""Addresses of the admin that somebody opens by hand: those that only forms send to, and those that show nothing."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.helpers.admin import save, shown
from tests.helpers.desks import save_desk
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

ADMIN = "/handoff/admin"


def test_an_address_that_only_forms_send_to_leads_to_its_page(admin: FlaskClient) -> None:
    """With the desk or the filter; each of them leads to a page that is there."""
    reference = send_ticket(admin)
    for path, place in {
        "/settings?desk=default&endpoint=x&_anchor=y": "/?desk=default",
        "/test-mail": "/",
        "/desks/remove": "/desks",
        "/tickets/selected?status=failed": "/tickets?status=failed",
        f"/tickets/{reference}/forget?q=maria": f"/tickets/{reference}?q=maria",
    }.items():
        answer = admin.get(f"{ADMIN}{path}")
        assert (answer.status_code, answer.location) == (303, f"{ADMIN}{place}")
    rules = [rule for rule in admin.application.url_map.iter_rules() if rule.rule.startswith(ADMIN)]
    paths = {rule.rule for rule in rules if "POST" in (rule.methods or ())}
    paths -= {f"{ADMIN}/history/restore"}  # has a page of its own, which needs a version
    assert len(paths) > 10
    for path in sorted(paths):
        page = admin.get(path.replace("<reference>", reference), follow_redirects=True)
        assert page.status_code == 200, path


@pytest.mark.parametrize(
    ("path", "told", "place"),
    [
        ("/?desk=nobody", "There is no such desk.", "/desks"),
        ("/history?desk=nobody", "There is no such desk.", "/desks"),
        ("/history/restore?version=77", "There is no such version.", "/history"),
    ],
)
def test_a_desk_or_version_that_is_not_there_is_named_with_a_way_on(
    admin: FlaskClient, path: str, told: str, place: str
) -> None:
    page = admin.get(f"{ADMIN}{path}")
    assert told in shown(page)
    assert "Please check the form" not in page.text
    assert f'class="handoff-back"><a href="{ADMIN}{place}"' in page.text


@pytest.mark.parametrize("act", ["delete", "forget"])
def test_cancel_leads_back_to_the_ticket(admin: FlaskClient, act: str) -> None:
    """With the filter that it was opened from."""
    reference = send_ticket(admin)
    ticket = admin.get(f"{ADMIN}/tickets/{reference}?status=waiting").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', ticket)
    assert token is not None
    asked = admin.post(f"{ADMIN}/tickets/{reference}/{act}?status=waiting", data={"csrf_token": token[1]})
    assert f'href="{ADMIN}/tickets/{reference}?status=waiting">Cancel' in asked.text


def test_a_filter_by_desk_is_there_once_there_are_two_desks(admin: FlaskClient) -> None:
    """Also before the second one has a ticket."""
    assert 'name="desk"' not in admin.get(f"{ADMIN}/tickets").text
    save_desk(admin.application)
    page = admin.get(f"{ADMIN}/tickets").text
    assert re.search(r'<select[^>]* name="desk">.*value="sales"', page, re.DOTALL)


def test_long_addresses_break_where_they_may(admin: FlaskClient) -> None:
    page = admin.get(f"{ADMIN}/tickets/{send_ticket(admin)}").text
    assert "<dd>support@<wbr>example<wbr>.com</dd>" in page


def test_of_several_addresses_the_wrong_one_is_named(admin: FlaskClient) -> None:
    told = "Check the address c@d: something like .com is missing after the @."
    assert told in shown(save(admin, email="a@b.com, c@d"))
    assert "Check the address: something like .com" in shown(save(admin, email="c@d"))


@pytest.mark.parametrize("htmx", [False, True])
def test_a_refused_save_says_how_many_fields_need_a_change(admin: FlaskClient, htmx: bool) -> None:
    """Beside the button; the folded sections that have wrong fields are open."""
    page = save(
        admin, htmx=htmx, email="c@d", tickets_per_hour="0", form_accent="red", reminder_email="x", take_link="false"
    )
    assert page.status_code == 422
    bar = page.text[page.text.index('id="kapa-handoff-admin-bar"') :]
    assert "Nothing was saved: 4 fields need a change." in bar
    for name in ("desk", "form", "arrival"):
        assert re.search(rf'id="kapa-handoff-admin-more-{name}" open', page.text), name
    assert "Nothing was saved: 1 field needs a change." in save(admin, email="c@d").text


def test_a_preview_is_no_success(admin: FlaskClient) -> None:
    """Its notice is neutral, and counts no wrong fields."""
    page = admin.get(f"{ADMIN}/").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    answer = admin.post(f"{ADMIN}/preview", data={"csrf_token": token[1], "version": "0", "button_text": "Mine"})
    notice = answer.text[: answer.text.index("This is a preview. Nothing is saved yet.")].rpartition("<div")[2]
    assert 'class="handoff-notice" ' in notice
