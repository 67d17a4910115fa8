"""Tickets that somebody of the team takes, from their mail and on their pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff, testing
from flask_kapa_handoff.hooks import Visitor
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.removal import delete_tickets, erase_from_history
from tests.helpers.admin import error_at, fields, let_pass, save, shown
from tests.helpers.arrivals import key_of, link_in, mailing_app, press, with_desk
from tests.helpers.outboxes import look_up, rewrite
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket, ticket_fields

MakeApp = Callable[..., Flask]


@pytest.fixture
def site(admin_app: MakeApp, mail_server: MailServer) -> Flask:
    return mailing_app(admin_app, mail_server)


def delivered(site: Flask, server: MailServer) -> tuple[str, str]:
    """Send and deliver a ticket; return its reference and the token in its mail."""
    reference = send_ticket(site.test_client())
    before = len(server.received)
    testing.deliver(site)
    return reference, key_of(link_in(server.wait_for(before + 1)[-1], "take"))


def test_a_ticket_is_taken(site: Flask, mail_server: MailServer) -> None:
    """Opening the link changes nothing. The next one sees who was first, and may take over."""
    with_desk(site, take_link=True)
    reference, key = delivered(site, mail_server)
    client, database, address = site.test_client(), state_of(site).database, f"/handoff/take?key={key}"
    assert "Nobody has taken this ticket yet." in shown(client.get(f"/handoff/admin/tickets/{reference}"))
    assert client.head(address).status_code == 200
    first, second = client.get(address), client.get(address)
    assert look_up(database, reference).taken_at is None
    assert first.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in first.headers
    assert re.search("visitor@|rotate", first.text) is None

    assert f"ticket {reference} is taken" in shown(press(client, first))
    assert look_up(database, reference).taken_by == "support@example.com"
    told = press(client, second)
    assert re.search(r"support@example\.com took this ticket just now\.", shown(told))
    assert "Take it over" in told.text
    for path in (f"/handoff/admin/tickets/{reference}", "/handoff/admin/tickets"):
        assert re.search(r"(took this ticket|Taken) just now", shown(client.get(path))), path

    rewrite(database, reference, taken_by="boss@example.com", taken_at=timedelta(hours=-2))
    assert "boss@example.com took this ticket 2 hours ago." in shown(client.get(address))
    assert "You're on it" in shown(press(client, client.get(address)))
    taken = look_up(database, reference)
    assert taken.taken_by == "support@example.com"
    # Pressed again and again, the button writes nothing.
    press(client, client.get(address))
    assert look_up(database, reference).taken_at == taken.taken_at


@pytest.mark.only("sqlite")
def test_a_mailbox_of_several(site: Flask, mail_server: MailServer) -> None:
    """All of them have the same mail, so who took the ticket is not known."""
    with_desk(site, take_link=True, email="a@example.com, b@example.com")
    reference, key = delivered(site, mail_server)
    client = site.test_client()
    press(client, client.get(f"/handoff/take?key={key}"))
    ticket = look_up(state_of(site).database, reference)
    assert ticket.taken_at is not None
    assert ticket.taken_by is None
    assert "Somebody took this ticket" in shown(client.get(f"/handoff/take?key={key}"))
    assert re.search(r"Taken just now", shown(client.get("/handoff/admin/tickets")))


@pytest.mark.only("sqlite")
def test_a_person_who_is_signed_in_takes_it(make_app: MakeApp, mail_server: MailServer) -> None:
    """By the site's word; another site's page cannot use that person's session."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.visitor_loader(lambda: Visitor("anna@example.com", "Anna"))
    site = mailing_app(make_app, mail_server, handoff=handoff)
    with_desk(site, take_link=True)
    reference, key = delivered(site, mail_server)
    client, database = site.test_client(), state_of(site).database
    for relation, by in (("cross-site", "support@example.com"), ("same-origin", "anna@example.com")):
        rewrite(database, reference, taken_at=None, taken_by=None)
        client.post("/handoff/take", data={"key": key}, headers={"Sec-Fetch-Site": relation})
        assert look_up(database, reference).taken_by == by
    erase_from_history(database, "anna@example.com", keep_as_destination=False)
    ticket = look_up(database, reference)
    assert (ticket.taken_at is not None, ticket.taken_by) == (True, None)


@pytest.mark.only("sqlite")
def test_a_mail_without_the_option_is_as_before(site: Flask, mail_server: MailServer) -> None:
    """It has no link, and its pages say nothing of who takes a ticket."""
    reference = send_ticket(site.test_client())
    testing.deliver(site)
    [mail] = mail_server.wait_for(1)
    assert link_in(mail, "take") is None
    assert "on it" not in mail.body("plain") + mail.body("html")
    client = site.test_client()
    assert "Who's on it" not in shown(client.get(f"/handoff/admin/tickets/{reference}"))
    # The lines around the place where the link would be.
    assert "visitor or the AI.\n\n| It does not work on Tuesdays." in mail.body("plain").replace("\r\n", "\n")


@pytest.mark.only("sqlite")
def test_a_mail_that_holds_only_a_link_has_the_button(site: Flask, mail_server: MailServer) -> None:
    """The policy stays: no content."""
    with_desk(site, take_link=True, mail_content="link")
    reference, key = delivered(site, mail_server)
    mail = mail_server.received[-1]
    assert "Tuesdays" not in mail.body("plain") + mail.body("html")
    assert f"/handoff/admin/tickets/{reference}" in mail.body("plain")
    assert "I'm on it: http" in mail.body("plain")
    client = site.test_client()
    assert "You're on it" in shown(press(client, client.get(f"/handoff/take?key={key}")))


@pytest.mark.only("sqlite")
def test_the_raw_mail_has_no_link(site: Flask, mail_server: MailServer) -> None:
    """Those who may only read the admin's pages could take the ticket with it."""
    with_desk(site, take_link=True)
    reference, _key = delivered(site, mail_server)
    raw = site.test_client().get(f"/handoff/admin/tickets/{reference}/mail.eml")
    assert raw.status_code == 200
    assert "handoff/take" not in raw.text.replace("=\r\n", "").replace("=\n", "")


@pytest.mark.only("sqlite")
def test_a_link_of_a_deleted_ticket(site: Flask, mail_server: MailServer) -> None:
    with_desk(site, take_link=True)
    reference, key = delivered(site, mail_server)
    delete_tickets(state_of(site).database, [reference])
    client = site.test_client()
    assert client.get(f"/handoff/take?key={key}").status_code == 403
    assert client.post("/handoff/take", data={"key": key}).status_code == 403


def test_an_admin_takes_a_ticket_and_gives_it_back(site: Flask, mail_server: MailServer) -> None:
    """On its page; a reminder that was not sent starts its hours again."""
    with_desk(site, take_link=True, reminder_email="boss@example.com", reminder_hours=3)
    reference, _key = delivered(site, mail_server)
    client, database = site.test_client(), state_of(site).database
    token = fields(client)["csrf_token"]

    def say(taken: str, csrf_token: str = token) -> int:
        sent = {"csrf_token": csrf_token, "taken": taken}
        return client.post(f"/handoff/admin/tickets/{reference}/taken", data=sent).status_code

    assert "a reminder goes to boss@example.com" in shown(client.get(f"/handoff/admin/tickets/{reference}"))
    assert say("true", "forged") == 400
    assert look_up(database, reference).taken_at is None
    assert say("true") == 303
    ticket = look_up(database, reference)
    assert ticket.taken_at is not None
    assert ticket.remind_at is None
    page = client.get(f"/handoff/admin/tickets/{reference}")
    assert "Nobody has it" in page.text
    assert say("false") == 303
    back = look_up(database, reference)
    assert back.taken_at is None
    assert back.remind_at is not None
    assert client.post("/handoff/admin/tickets/T-NONE/taken", data={"csrf_token": token}).status_code == 404


@pytest.mark.only("sqlite")
def test_the_settings(site: Flask) -> None:
    """Typed wrong, they are refused with a clear error; saved, they are in the history."""
    client = site.test_client()
    wrong = save(client, take_link=["false", "true"], reminder_email="boss@", reminder_hours="1.5")
    assert wrong.status_code == 422
    assert error_at(wrong, "reminder_email").startswith("Check the address:")
    assert error_at(wrong, "reminder_hours") == "Use a whole number from 1 to 200."
    assert save(client, take_link=["false", "true"], reminder_email="boss@example.com").status_code == 303
    settings = state_of(site).desks.present["default"]
    assert settings.reminds
    assert (settings.reminder_email, settings.reminder_hours) == ("boss@example.com", 4)
    page = shown(client.get("/handoff/admin/"))
    assert "boss@example.com" in page
    assert save(client, reminder_hours="8", take_link=["false"]).status_code == 303
    settings = state_of(site).desks.present["default"]
    assert (settings.take_link, settings.reminder_hours, settings.reminds) == (False, 8, False)
    with pytest.raises(ValueError, match="reminder_hours: use a whole number from 1 to 200"):
        with_desk(site, reminder_hours=0)


@pytest.mark.only("sqlite")
def test_where_reminders_go_is_no_visitors_address(site: Flask) -> None:
    """A reply to it would go to the team."""
    with_desk(site, take_link=True, reminder_email="boss@example.com")
    client = site.test_client()
    answer = client.post("/handoff/tickets", data=ticket_fields(client, email="Boss@example.com"))
    assert answer.status_code == 422
    assert "This is our own address." in shown(answer)
