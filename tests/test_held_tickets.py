"""Held tickets: stored beyond the site's limit, seen by the admin, and sent once released."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Connection, update
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff, health
from flask_kapa_handoff.delivery import requeue
from flask_kapa_handoff.doctor import Level, examine
from flask_kapa_handoff.signals import ticket_created
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status, Ticket
from flask_kapa_handoff.testing import deliver, tickets
from flask_kapa_handoff.unknown import Unknown
from tests.helpers.pages import json_of
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket, ticket_fields


@pytest.fixture
def make_site(make_app: Callable[..., Flask], mail_server: MailServer) -> Callable[..., Flask]:
    """A site with admin pages that are open to everyone, where two tickets an hour are sent at once."""

    def make(**config: object) -> Flask:
        return make_app(
            handoff=KapaHandoff(admin_required=lambda view: view),
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=mail_server.port,
            **{"KAPA_HANDOFF_TICKETS_PER_HOUR": 2, **config},
        )

    return make


@pytest.fixture
def app(make_site: Callable[..., Flask]) -> Flask:
    return make_site()


def statuses(app: Flask) -> list[str]:
    return [str(ticket.status) for ticket in tickets(app)]


def send(app: Flask, **fields: str) -> TestResponse:
    client = app.test_client()
    return client.post(
        "/handoff/tickets", data=ticket_fields(client, **fields), headers={"Accept": "application/json"}
    )


def send_some(app: Flask, count: int) -> list[str]:
    return [send_ticket(app.test_client()) for _ in range(count)]


def make_older(app: Flask, age: timedelta) -> None:
    """Move the creation and the sending of all tickets back in time."""
    times = ("created_at", "queued_at", "next_attempt_at", "delivered_at")

    def shift(connection: Connection, found: Ticket) -> None:
        values = {name: getattr(found, name) - age for name in times if getattr(found, name) is not None}
        connection.execute(update(ticket_table).where(ticket_table.c.id == found.id).values(values))

    for found in tickets(app):
        with state_of(app).database.write() as connection:
            shift(connection, found)


def invoke(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["kapa-handoff", *words])


# --- Stored, and not sent ------------------------------------------------------------------------------------------


def test_beyond_the_sites_limit_a_ticket_is_stored_and_held(app: Flask, mail_server: MailServer) -> None:
    """201 with the status held; it is not due, and the signal says that it was stored."""
    created: list[Status | Unknown] = []

    def receive(sender: Flask, ticket: Ticket) -> None:
        created.append(ticket.status)

    with ticket_created.connected_to(receive, app):
        answers = [send(app) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [json_of(answer)["status"] for answer in answers] == ["queued", "queued", "held"]
    assert created == ["queued", "queued", "held"]
    deliver(app)
    assert statuses(app) == ["delivered", "delivered", "held"]
    assert len(mail_server.received) == 2


def test_a_visitor_whose_ticket_is_held_gets_a_reference_as_any_other(app: Flask) -> None:
    """It was stored, and that is what the visitor is told."""
    send_some(app, 2)
    client = app.test_client()
    page = client.post("/handoff/tickets", data=ticket_fields(client), headers={"Accept": "text/html"})
    assert page.status_code == 201
    assert tickets(app)[-1].reference in page.text
    assert tickets(app)[-1].status is Status.HELD


def test_the_same_form_again_gives_the_held_ticket(app: Flask) -> None:
    """One ticket, and its status as it is now."""
    send_some(app, 2)
    fields = ticket_fields(app.test_client())
    first, again = send(app, **fields), send(app, **fields)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json == {"reference": tickets(app)[-1].reference, "status": "held"}


def test_at_ten_times_the_sites_limit_it_refuses(make_site: Callable[..., Flask]) -> None:
    """429 until the first of them are an hour old."""
    app = make_site(
        KAPA_HANDOFF_TICKETS_PER_HOUR=1,
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=99,
        KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=99,
    )
    started = time.monotonic()
    send_some(app, 10)
    assert statuses(app) == ["queued", *["held"] * 9]
    make_older(app, timedelta(minutes=20))
    refused = send(app)
    passed = time.monotonic() - started
    assert refused.status_code == 429
    assert 40 * 60 - passed - 1 <= int(refused.headers["Retry-After"]) <= 40 * 60 + 1
    assert json_of(refused)["error"]["message"].startswith("We can't take more messages right now.")
    make_older(app, timedelta(seconds=int(refused.headers["Retry-After"])))
    assert send(app).status_code == 201
    make_older(app, timedelta(hours=1))
    assert json_of(send(app))["status"] == "queued"


def test_the_sites_octets_hold_as_well(make_site: Callable[..., Flask]) -> None:
    """A few large tickets are as much as many small ones."""
    app = make_site(KAPA_HANDOFF_TICKETS_PER_HOUR=8, KAPA_HANDOFF_MAX_REQUEST_BYTES=6_000)
    found = [json_of(send(app, note="x" * 4_000))["status"] for _ in range(3)]  # of 12,000
    assert found == ["queued", "queued", "held"]


# --- Released ------------------------------------------------------------------------------------------------------


def test_an_hour_later_held_tickets_go_out_as_far_as_there_is_room(app: Flask, mail_server: MailServer) -> None:
    """Oldest first, and no more than the limit in an hour; the next ones an hour later."""
    references = send_some(app, 5)
    deliver(app)
    assert statuses(app) == ["delivered", "delivered", "held", "held", "held"]
    make_older(app, timedelta(minutes=59))
    deliver(app)
    assert len(mail_server.received) == 2
    make_older(app, timedelta(minutes=2))
    deliver(app)
    assert statuses(app) == ["delivered"] * 4 + ["held"]
    deliver(app)
    assert len(mail_server.received) == 4
    make_older(app, timedelta(minutes=61))
    deliver(app)
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == references


def test_what_waits_leaves_less_room(app: Flask) -> None:
    """While the mail server is down nothing is added to the queue."""
    send_some(app, 4)
    make_older(app, timedelta(minutes=61))
    database = state_of(app).database
    assert requeue.release_held(database, 2) == 0
    assert requeue.release_held(database, 3) == 1
    assert requeue.release_held(database, 3) == 0
    assert statuses(app) == ["queued", "queued", "queued", "held"]


def test_the_age_of_a_released_ticket_starts_over(app: Flask) -> None:
    """It has five days to go out from its release, and the queue's age is not that of its arrival."""
    send_some(app, 3)
    make_older(app, timedelta(hours=30))
    assert requeue.release_held(state_of(app).database, 3) == 1
    released = tickets(app)[-1]
    assert datetime.now(timezone.utc) - released.queued_at < timedelta(minutes=1)
    assert released.next_attempt_at == released.queued_at


def test_deliver_from_cron_releases(app: Flask, mail_server: MailServer) -> None:
    """Every way of delivery checks for held ones."""
    send_some(app, 3)
    invoke(app, "deliver")
    make_older(app, timedelta(minutes=61))
    assert invoke(app, "deliver").output == "1 delivered, 0 waiting, 0 failed.\n"


@pytest.mark.only("sqlite")
def test_a_thread_looks_for_held_ones_once_a_minute(app: Flask) -> None:
    """Not for each ticket."""
    statements: list[str] = []
    state = state_of(app)
    send_some(app, 2)
    state.database.engine  # noqa: B018 - opened, so that it can be listened to
    from sqlalchemy import event

    event.listen(
        state.database.engine, "before_cursor_execute", lambda *arguments: statements.append(str(arguments[3]))
    )
    deliver(app)
    assert sum("'held'" in statement for statement in statements) == 1


# --- By hand -------------------------------------------------------------------------------------------------------


def token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_an_admin_releases_one(app: Flask, mail_server: MailServer) -> None:
    """The ticket's page says why it is held, and has a button."""
    reference = send_some(app, 3)[-1]
    client = app.test_client()
    page = client.get(f"/handoff/admin/tickets/{reference}")
    assert "more tickets came in than the hourly limit allows" in page.text
    assert "Release</button>" in page.text
    answer = client.post(
        f"/handoff/admin/tickets/{reference}/send-again", data={"csrf_token": token(page)}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert statuses(app) == ["queued"] * 3


def test_an_admin_releases_all(app: Flask) -> None:
    """The list says how many are held, until none is."""
    send_some(app, 4)
    client = app.test_client()
    page = client.get("/handoff/admin/tickets")
    assert "2 tickets are held." in page.text
    answer = client.post(
        "/handoff/admin/tickets/release-held", data={"csrf_token": token(page)}, follow_redirects=True
    )
    assert "Released 2 held tickets." in answer.text
    assert "Release all" not in answer.text
    assert statuses(app) == ["queued"] * 4


def test_releasing_needs_the_admins_own_form(app: Flask) -> None:
    """Without its token nothing is released."""
    send_some(app, 3)
    assert app.test_client().post("/handoff/admin/tickets/release-held").status_code == 400
    assert statuses(app) == ["queued", "queued", "held"]


def test_retry_releases_one_or_all(app: Flask) -> None:
    """`retry REFERENCE` and `retry --held`; failed ones stay as they are."""
    references = send_some(app, 6)
    assert invoke(app, "retry", references[2]).output == f"Ticket {references[2]} is due now.\n"
    assert invoke(app, "retry", "--held").output == "3 held tickets are due now.\n"
    assert statuses(app) == ["queued"] * 6
    assert invoke(app, "retry", "--held", references[0]).exit_code == 2


# --- Seen ----------------------------------------------------------------------------------------------------------


def test_held_tickets_are_seen(app: Flask) -> None:
    """In the list of tickets, on the command line, by the check-up, in the health and in the export."""
    send_some(app, 3)
    assert "Held</span>" in app.test_client().get("/handoff/admin/tickets").text
    assert "held" in invoke(app, "tickets").output.splitlines()[0]
    assert json.loads(invoke(app, "export").output.splitlines()[-1])["status"] == "held"
    assert (health(app).held, health(app).queued) == (1, 2)
    (finding,) = [found for found in examine(app, state_of(app)) if " held: " in str(found.what)]
    assert finding.level is Level.WARNING
    assert str(finding.what) == "1 ticket is held: more came in than the site's hourly limit (2)."


def test_a_visitors_held_tickets_are_erased_and_no_purge_takes_them(make_site: Callable[..., Flask]) -> None:
    """`erase` takes them all, whatever their state; `purge` takes none that is still to be sent."""
    app = make_site(KAPA_HANDOFF_RETENTION_DAYS=1)
    send_some(app, 3)
    make_older(app, timedelta(days=30))
    assert invoke(app, "purge").exit_code == 0
    assert statuses(app) == ["queued", "queued", "held"]
    assert invoke(app, "erase", "visitor@example.com", "--yes").exit_code == 0
    assert tickets(app) == []
