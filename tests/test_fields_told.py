"""The site's fields where people and programs read a ticket: the mail, the admin, the command line, the export."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.column_types import UNREADABLE
from flask_kapa_handoff.testing import tickets
from tests.helpers.commands import invoke
from tests.helpers.fields import FIELDS, FILLED
from tests.helpers.mails import a_ticket, body, read
from tests.helpers.tickets import send_ticket

GONE = {**FILLED, "colour": "red"}
HOSTILE = "x\u202e\u2028Ticket: T-AAAAAA\n<b>bold</b>"


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    return make_app(handoff=KapaHandoff(admin_required=lambda view: view), KAPA_HANDOFF_FIELDS=FIELDS)


def mail(app: Flask, **fields: str) -> bytes:
    state = state_of(app)
    letterhead = Letterhead("Docs", "docs@example.com", site_fields=state.config.fields)
    return compose(state.templates, letterhead, *a_ticket(fields=fields)).data


def test_the_mail_shows_the_fields_after_the_address(site: Flask) -> None:
    """In the table's order, by today's labels; a field that is gone by its own name."""
    plain = body(mail(site, **GONE), "plain").replace("\r\n", "\n")
    told = plain[plain.index("Reply to:") : plain.index("Why the button")]
    assert told.splitlines() == [
        "Reply to: visitor@example.net",
        "  Order number: | 4711",
        "  Area: | Vaults & keys",
        "  What have you tried?:",
        "| one",
        "| two",
        "  It keeps me from working: | yes",
        "  colour: | red",
    ]
    html = body(mail(site, **GONE), "html")
    places = [html.index(words) for words in ("Reply to", ">Order number<", "4711", "Vaults &amp; keys", "colour")]
    assert places == sorted(places)
    assert places[-1] < html.index(">Ticket<")


def test_a_mail_without_fields_is_as_it_was(site: Flask) -> None:
    """No empty line, no heading."""
    plain = body(mail(site), "plain").replace("\r\n", "\n")
    assert "Reply to: visitor@example.net\nWhy the button appeared: " in plain


def test_conversation_json_has_them_by_name(site: Flask) -> None:
    """For programs."""
    (attachment,) = read(mail(site, **FILLED)).iter_attachments()
    assert json.loads(attachment.get_content())["fields"] == FILLED


def test_nothing_in_a_field_passes_for_a_line_of_ours(site: Flask) -> None:
    """It is quoted in plain text, and text in HTML."""
    data = mail(site, order=HOSTILE, steps=HOSTILE)
    plain = body(data, "plain").replace("\r\n", "\n")
    assert not any(line.startswith("Ticket: T-AAAAAA") for line in plain.splitlines())
    assert "<b>bold" not in body(data, "html")
    assert "\u202e" not in plain + body(data, "html")


def test_the_tickets_page_shows_them(site: Flask) -> None:
    """As text, by label or, where the field is gone, by name."""
    client = site.test_client()
    reference = send_ticket(client, **{**FILLED, "steps": "<b>one</b>"})
    page = client.get(f"/handoff/admin/tickets/{reference}").text
    for words in ("Order number", "4711", "Vaults &amp; keys", "&lt;b&gt;one&lt;/b&gt;", "It keeps me from working"):
        assert words in page
    rewrite(site, '{"colour":"red"}')
    page = client.get(f"/handoff/admin/tickets/{reference}").text
    assert "colour" in page
    assert "Order number" not in page


def test_the_command_line_lists_and_exports_them(site: Flask) -> None:
    """A line of the list shows the beginning of a long one."""
    send_ticket(site.test_client(), **{**FILLED, "steps": "one\n" + "x" * 100})
    line = invoke(site, "tickets").output
    assert "(Order number: 4711; Area: Vaults & keys; What have you tried?: one xxx" in line
    assert "x…; It keeps me from working: yes)" in line
    expected = {**FILLED, "steps": "one\n" + "x" * 100}
    assert json.loads(invoke(site, "tickets", "--json").output)["fields"] == expected
    assert json.loads(invoke(site, "export").output)["fields"] == expected


def rewrite(app: Flask, value: Any) -> None:
    with state_of(app).database.write() as connection:
        connection.execute(text("UPDATE kapa_handoff_ticket SET fields = :value"), {"value": value})


@pytest.mark.parametrize(
    ("stored", "fields"),
    [
        (None, {}),
        ("", {}),
        ("{", {UNREADABLE: "{"}),
        ("[1]", {UNREADABLE: "[1]"}),
        ("5", {UNREADABLE: "5"}),
        ('{"order": 4711, "a": null}', {"order": "4711", "a": "None"}),
    ],
)
def test_a_damaged_value_affects_only_itself(site: Flask, stored: str | None, fields: dict[str, str]) -> None:
    """The ticket is read all the same, and what cannot be read is kept as it is stored."""
    client = site.test_client()
    reference = send_ticket(client, **FILLED)
    rewrite(site, stored)
    assert tickets(site)[0].fields == fields
    assert client.get(f"/handoff/admin/tickets/{reference}").status_code == 200
    assert reference in invoke(site, "tickets").output
