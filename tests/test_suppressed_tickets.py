"""Tickets that were not sent because MAIL_SUPPRESS_SEND turns sending off: their own state, and the way out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import flask_mail
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from flask_kapa_handoff import KapaHandoff, health
from flask_kapa_handoff.signals import ticket_delivered, ticket_failed
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import delivery_attempt
from flask_kapa_handoff.storage.tickets import Outcome, Status
from flask_kapa_handoff.testing import record_mails, tickets
from tests.helpers.commands import findings, invoke, left
from tests.helpers.couriers import courier_of, deliver_as_a_worker, ticket_and_attempts
from tests.helpers.outboxes import look_up, rewrite
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket


def test_suppressed_mail_never_counts_as_delivered(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The ticket has a state of its own, which every place shows, and is sent once mail is on."""
    admin = KapaHandoff(admin_required=lambda view: view)
    app = make_app(handoff=admin, MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port, MAIL_SUPPRESS_SEND="True")
    client, database = app.test_client(), state_of(app).database
    first, second = (send_ticket(client) for _ in range(2))
    assert invoke(app, "deliver").output == (
        "0 delivered, 0 waiting, 0 failed.\n2 not sent: sending is turned off on this site (MAIL_SUPPRESS_SEND).\n"
    )
    ticket, [attempt] = ticket_and_attempts(app, first)
    assert (ticket.status, ticket.delivered_at, ticket.next_attempt_at) == (Status.SUPPRESSED, None, None)
    assert (attempt.outcome, attempt.detail) == (Outcome.SUPPRESSED, "not sent: MAIL_SUPPRESS_SEND is on")
    assert courier_of(app).deliver_next() is None  # it is not retried automatically

    found = health(app)
    assert (found.suppressed, found.queued, found.failed, found.last_delivered_at) == (2, 0, 0, None)
    alarm = "2 tickets were not sent, because sending is turned off on this site (MAIL_SUPPRESS_SEND)."
    assert found.alarms == (alarm,)
    assert alarm in findings(app)[1]
    assert "not sent" in invoke(app, "tickets").output
    assert '"status": "suppressed"' in invoke(app, "export").output
    for page in ("", "tickets", f"tickets/{first}", "doctor"):
        assert alarm in client.get(f"/handoff/admin/{page}").text
    assert "Once it is on, send this ticket again" in client.get(f"/handoff/admin/tickets/{first}").text

    app.config["MAIL_SUPPRESS_SEND"] = "False"
    assert invoke(app, "retry", "--suppressed").output == "2 suppressed tickets are due now.\n"
    assert [look_up(database, one).status for one in (first, second)] == [Status.QUEUED] * 2
    assert invoke(app, "deliver").output == "2 delivered, 0 waiting, 0 failed.\n"
    assert len(mail_server.received) == 2
    assert health(app).alarms == ()
    assert "not sent" not in client.get("/handoff/admin/tickets").text.lower()


@pytest.mark.only("sqlite")
def test_a_test_that_records_the_mails_stands_in_for_the_server(make_app: Callable[..., Flask]) -> None:
    """So a site's own tests see what follows a delivery, and nothing else counts as one."""
    app = make_app(TESTING=True)
    first, second = (send_ticket(app.test_client()) for _ in range(2))
    with record_mails(app) as mails:
        delivered = deliver_as_a_worker(app)
    assert (delivered.reference, delivered.status) == (first, Status.DELIVERED)
    assert len(mails) == 1
    kept = deliver_as_a_worker(app)
    assert (kept.reference, kept.status) == (second, Status.SUPPRESSED)


@pytest.mark.only("sqlite")
def test_a_mere_listener_does_not_make_it_delivered(make_app: Callable[..., Flask]) -> None:
    """The site's own record_messages() hears of the mail, and it still was not sent."""
    app = make_app(MAIL_SUPPRESS_SEND=True)
    mail = flask_mail.Mail(app)
    send_ticket(app.test_client())
    with mail.record_messages() as heard:
        kept = deliver_as_a_worker(app)
    assert (kept.status, len(heard)) == (Status.SUPPRESSED, 1)


@pytest.mark.only("sqlite")
def test_the_list_has_a_button_that_sends_all_of_them(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """With the admin's own token only; the ticket's page has one for a single ticket."""
    app = make_app(
        handoff=KapaHandoff(admin_required=lambda view: view),
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mail_server.port,
        MAIL_SUPPRESS_SEND="True",
    )
    client = app.test_client()
    first, *_ = [send_ticket(client) for _ in range(3)]
    invoke(app, "deliver")
    page = client.get("/handoff/admin/tickets").text
    assert "Once sending is turned on again, send the 3 tickets here." in page
    assert page.count("Not sent</span>") == 3
    assert client.post("/handoff/admin/tickets/send-suppressed").status_code == 400
    assert {ticket.status for ticket in tickets(app)} == {Status.SUPPRESSED}

    app.config["MAIL_SUPPRESS_SEND"] = "False"
    assert press(client, f"/handoff/admin/tickets/{first}", f"/handoff/admin/tickets/{first}/send-again")
    assert "2 tickets will be sent now." in press(
        client, "/handoff/admin/tickets", "/handoff/admin/tickets/send-suppressed"
    )
    assert {ticket.status for ticket in tickets(app)} == {Status.QUEUED}
    invoke(app, "deliver")
    assert len(mail_server.received) == 3


def press(client: FlaskClient, path: str, action: str) -> str:
    """Press a button of an admin page; return the page that follows."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert token
    answer = client.post(action, data={"csrf_token": token[1]}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.only("sqlite")
def test_nobody_is_told_that_it_was_delivered_or_failed(make_app: Callable[..., Flask]) -> None:
    """In the request as well: neither signal is sent, and the visitor's ticket is stored."""
    app = make_app(MAIL_SUPPRESS_SEND=True, KAPA_HANDOFF_DELIVERY="inline")
    told: list[str] = []

    def listen(sender: Flask, **values: object) -> None:
        told.append(str(values))

    with ticket_delivered.connected_to(listen, app), ticket_failed.connected_to(listen, app):
        send_ticket(app.test_client())
    assert [ticket.status for ticket in tickets(app)] == [Status.SUPPRESSED]
    assert told == []


def test_they_are_deleted_with_the_old_ones(make_app: Callable[..., Flask]) -> None:
    """After the retention's days, like a ticket that failed; not earlier."""
    app = make_app(MAIL_SUPPRESS_SEND=True, KAPA_HANDOFF_RETENTION_DAYS=30)
    old, young = (send_ticket(app.test_client()) for _ in range(2))
    invoke(app, "deliver")
    database = state_of(app).database
    age_attempts(app, timedelta(days=31))
    rewrite(database, old, queued_at=-timedelta(days=31))
    rewrite(database, young, queued_at=-timedelta(days=29))
    assert invoke(app, "purge").output == "1 ticket older than 30 days was deleted.\n"
    assert left(app)[0] == [young]


def age_attempts(app: Flask, by: timedelta) -> None:
    """Make every delivery attempt earlier."""
    with state_of(app).database.write() as connection:
        for row in connection.execute(select(delivery_attempt)).all():
            values = {"started_at": row.started_at - by, "finished_at": row.finished_at - by}
            connection.execute(update(delivery_attempt).where(delivery_attempt.c.id == row.id).values(values))
