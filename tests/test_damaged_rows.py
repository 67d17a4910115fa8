"""A damaged row fails alone: all others are listed, claimed, delivered, exported, erased and counted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.health import health
from flask_kapa_handoff.settings import history_rows
from flask_kapa_handoff.state import state_of
from tests.helpers.admin import let_pass, save, shown
from tests.helpers.commands import findings, invoke, left, mailing
from tests.helpers.offers import signed_offer
from tests.helpers.servers import MailServer
from tests.helpers.sites import file_of
from tests.helpers.tickets import send_ticket

DAMAGED = "damaged@example.com"

ROWS = {
    "created_at": ("created_at = 'last Tuesday'", "created_at"),
    "queued_at": ("queued_at = 'zzz'", "queued_at"),
    "attempts": ("attempts = 'many'", "attempts"),
    "submission_id": ("submission_id = 'no-uuid'", "submission_id"),
    "note": ("note = x'00ff'", "note"),
}
"""Damage to a ticket's row that only SQLite lets in: what is set, and the column that the messages name."""


def execute(app: Flask, statement: str, **values: Any) -> None:
    with state_of(app).database.engine.begin() as connection:
        connection.execute(text(statement), values)


def read(app: Flask, query: str, **values: Any) -> list[Any]:
    with state_of(app).database.engine.connect() as connection:
        return list(connection.execute(text(query), values).scalars())


def status_of(app: Flask, reference: str) -> str:
    (found,) = read(app, "SELECT status FROM kapa_handoff_ticket WHERE reference = :at", at=reference)
    return str(found)


@pytest.fixture
def site(make_app: Callable[..., Flask], mail_server: MailServer) -> Flask:
    return mailing(make_app, mail_server, handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_RETENTION_DAYS=1)


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    return site.test_client()


def damaged_and_good(site: Flask, change: str) -> tuple[str, str]:
    """The reference of a damaged ticket, which is due first, and that of a good one."""
    client = site.test_client()
    damaged = send_ticket(client, email=DAMAGED)
    good = send_ticket(client)
    statement = f"UPDATE kapa_handoff_ticket SET {change} WHERE reference = :at"  # noqa: S608  this module's own
    execute(site, statement, at=damaged)
    return damaged, good


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("change", "column"), ROWS.values(), ids=ROWS)
def test_a_damaged_row_fails_alone(
    site: Flask, client: FlaskClient, mail_server: MailServer, change: str, column: str
) -> None:
    """It is marked everywhere, and nothing else is affected."""
    damaged, good = damaged_and_good(site, change)
    assert health(site).queued == 2
    run = invoke(site, "deliver")
    assert (run.exit_code, run.output) == (0, "1 delivered, 0 waiting, 0 failed.\n")
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [good]
    assert status_of(site, damaged) == "failed"
    (error,) = read(site, "SELECT last_error FROM kapa_handoff_ticket WHERE reference = :at", at=damaged)
    assert error == f"The ticket is damaged. The stored values of {column} cannot be read."
    with site.app_context():
        assert outbox.seconds_until_due(state_of(site).database) is None

    listed = shown(client.get("/handoff/admin/tickets"))
    assert f"{damaged} The stored values of {column} cannot be read." in listed
    assert good in listed
    page = client.get(f"/handoff/admin/tickets/{damaged}")
    assert page.status_code == 200
    assert f"Ticket {damaged} is damaged" in shown(page)
    assert client.get(f"/handoff/admin/tickets/{good}").status_code == 200
    assert f"ticket {damaged} ({column})" in findings(site)[1]
    assert client.get("/handoff/admin/doctor").status_code == 200
    assert f"{damaged}  damaged: " in invoke(site, "tickets").output
    assert health(site).failed == 1

    exported = {line["reference"]: line for line in map(json.loads, invoke(site, "export").output.splitlines())}
    assert exported[damaged]["damaged"] == [column]
    assert exported[damaged]["visitor_email"] == DAMAGED
    assert exported[damaged]["conversation"] == exported[good]["conversation"]
    assert "damaged" not in exported[good]
    assert invoke(site, "purge").exit_code == 0
    assert send_ticket(client)
    assert invoke(site, "erase", DAMAGED, "--yes").exit_code == 0
    assert damaged not in left(site)[0]
    assert good in left(site)[0]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("broken", ["broken", "", "zzz", "0192aaaa-0000-7000-8000-000000000000"])
def test_a_row_with_a_damaged_id_can_still_be_told_and_erased(site: Flask, client: FlaskClient, broken: str) -> None:
    """By what is stored in its place; its conversation and its attempts go with it."""
    damaged, good = damaged_and_good(site, "attempts = 0")
    invoke(site, "deliver")
    with closing(sqlite3.connect(file_of(site))) as connection, connection:  # which does not follow foreign keys
        (found,) = connection.execute("SELECT id FROM kapa_handoff_ticket WHERE reference = ?", [damaged]).fetchone()
        connection.execute("UPDATE kapa_handoff_ticket SET id = ? WHERE id = ?", [broken, found])
        for table in ("transcript", "delivery_attempt"):
            change = f"UPDATE kapa_handoff_{table} SET ticket_id = ? WHERE ticket_id = ?"  # noqa: S608  two tables
            connection.execute(change, [broken, found])
    assert f"{damaged} The stored values of id cannot be read." in shown(client.get("/handoff/admin/tickets"))
    exported = {line["reference"]: line for line in map(json.loads, invoke(site, "export").output.splitlines())}
    assert (exported[damaged]["damaged"], exported[damaged]["id"]) == (["id"], broken)
    assert exported[damaged]["conversation"] == exported[good]["conversation"]
    assert [attempt["number"] for attempt in exported[damaged]["delivery_attempts"]] == [1]
    assert f"ticket {damaged} (id)" in findings(site)[1]
    due_again = "UPDATE kapa_handoff_ticket SET status = 'queued', next_attempt_at = queued_at WHERE id = :id"
    execute(site, due_again, id=broken)
    assert invoke(site, "deliver").output.startswith("0 delivered")
    assert (status_of(site, damaged), status_of(site, good)) == ("failed", "delivered")
    assert invoke(site, "erase", DAMAGED, "--yes").exit_code == 0
    assert left(site) == ([good], 1, 1)


@pytest.mark.only("sqlite")
def test_a_damaged_ticket_is_not_sent_again(site: Flask) -> None:
    """A request for it says why, and the next delivery fails it again."""
    damaged, _ = damaged_and_good(site, "created_at = 'last Tuesday'")
    run = invoke(site, "retry", damaged)
    assert run.exit_code == 1
    assert f"Ticket {damaged} is damaged. The stored values of created_at cannot be read." in run.output
    assert invoke(site, "deliver").output.startswith("1 delivered")
    assert status_of(site, damaged) == "failed"


@pytest.mark.only("sqlite")
def test_a_damaged_lease_ends(site: Flask, client: FlaskClient) -> None:
    """A delivery that was cut off, and nobody knows when: the ticket fails, and can be sent again."""
    damaged, good = damaged_and_good(site, "status = 'sending', leased_until = '0 o''clock', attempts = 1")
    invoke(site, "deliver")
    assert (status_of(site, damaged), status_of(site, good)) == ("failed", "delivered")
    assert "The stored ticket is damaged." in shown(client.get("/handoff/admin/tickets"))
    assert invoke(site, "retry", damaged).exit_code == 0
    invoke(site, "deliver")
    assert status_of(site, damaged) == "delivered"


@pytest.mark.only("sqlite")
def test_a_damaged_time_hides_no_other(site: Flask, client: FlaskClient) -> None:
    """What waits, since when, and what went out last is read from the rows that can be read."""
    damaged, good = damaged_and_good(site, "next_attempt_at = '!', queued_at = '!'")
    execute(site, "UPDATE kapa_handoff_ticket SET next_attempt_at = 'zzz' WHERE reference = :at", at=damaged)
    later = send_ticket(client)
    execute(site, "UPDATE kapa_handoff_ticket SET next_attempt_at = '!' WHERE reference = :at", at=later)
    database = state_of(site).database
    assert outbox.seconds_until_due(database) == 0.0
    waited = health(site).oldest_queued_seconds
    assert waited is not None
    assert waited < 600
    invoke(site, "deliver")
    execute(site, "UPDATE kapa_handoff_ticket SET delivered_at = 'zzz' WHERE reference = :at", at=damaged)
    assert health(site).last_delivered_at is not None
    assert status_of(site, good) == "delivered"


@pytest.mark.parametrize("stored", ["{", "null", "[]", '"text"'], ids=["broken", "null", "empty", "text"])
def test_a_damaged_conversation_fails_alone(
    site: Flask, client: FlaskClient, mail_server: MailServer, stored: str
) -> None:
    """The ticket fails with the reason, its page is there, and the export has what is stored."""
    damaged, good = damaged_and_good(site, "attempts = 0")
    execute(
        site,
        "UPDATE kapa_handoff_transcript SET conversation = :stored WHERE ticket_id = "
        "(SELECT id FROM kapa_handoff_ticket WHERE reference = :at)",
        stored=stored,
        at=damaged,
    )
    assert f"ticket {damaged} (conversation)" in findings(site)[1]
    run = invoke(site, "deliver")
    assert run.output == "1 delivered, 0 waiting, 1 failed.\n"
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [good]
    page = client.get(f"/handoff/admin/tickets/{damaged}")
    assert page.status_code == 200
    assert "the stored conversation cannot be read" in shown(page)
    exported = {line["reference"]: line for line in map(json.loads, invoke(site, "export").output.splitlines())}
    assert exported[damaged]["conversation"] == (stored if stored == "{" else json.loads(stored))
    assert health(site).failed == 1


def test_a_pair_that_cannot_be_read_is_sent_as_it_is_stored(site: Flask, mail_server: MailServer) -> None:
    """The agent sees what there is."""
    reference = send_ticket(site.test_client())
    pairs = [{"question": "Why?", "answer": "Because."}, {"summary": "later"}, 7]
    execute(site, "UPDATE kapa_handoff_transcript SET conversation = :stored", stored=json.dumps(pairs))
    invoke(site, "deliver")
    (mail,) = mail_server.received
    assert mail.message["X-Kapa-Handoff-Ticket"] == reference
    for words in ("Because.", 'unknown ({"summary": "later"})', "unknown (7)"):
        assert words in mail.body("plain")


@pytest.mark.parametrize("stored", ['{"order": "A-17', "[]", "5"])
def test_damaged_fields_are_shown_as_they_are_stored(site: Flask, mail_server: MailServer, stored: str) -> None:
    """The ticket is sent with them, and the check-up names it."""
    reference = send_ticket(site.test_client())
    execute(site, "UPDATE kapa_handoff_ticket SET fields = :it WHERE reference = :at", it=stored, at=reference)
    assert f"{reference} (fields)" in str(findings(site))
    invoke(site, "deliver")
    assert status_of(site, reference) == "delivered"
    assert stored in mail_server.received[0].body("plain")


@pytest.mark.parametrize("stored", ["{", "[]", '{"triggers": 5}'])
def test_a_damaged_change_of_the_settings_fails_alone(site: Flask, client: FlaskClient, stored: str) -> None:
    """The page shows the others, the check-up names the version, and a person can still be erased from it."""
    for text_of_button in ("First", "Second", "Third"):
        save(client, button_text=text_of_button, email=DAMAGED)
    execute(
        site,
        'UPDATE kapa_handoff_settings_change SET "after" = :stored WHERE version = 2',
        stored=stored.replace("{", '{"email": "' + DAMAGED.title() + '", ', 1) if stored != "[]" else stored,
    )
    page = client.get("/handoff/admin/")
    assert page.status_code == 200
    assert "Version 2 is damaged. The stored values of after cannot be read." in shown(page)
    assert "Button text: First → Second" not in shown(page)
    assert "Button text: Second → Third" in shown(page)
    assert "version 2 of the settings (after)" in findings(site)[1]
    save(client, email="other@example.com")
    assert invoke(site, "export", "--email", DAMAGED).exit_code == 0
    assert invoke(site, "erase", DAMAGED, "--yes").exit_code == 0
    assert DAMAGED not in " ".join(read(site, 'SELECT lower("after") FROM kapa_handoff_settings_change'))


@pytest.mark.only("sqlite")
def test_damaged_settings_follow_the_configuration(site: Flask, client: FlaskClient) -> None:
    """As if nobody had set them; the admin can save again, and the history goes on."""
    save(client, button_text="First")
    execute(site, "UPDATE kapa_handoff_desk SET threshold = 'abc', version = 'x', button_text = x'00'")
    execute(site, "UPDATE kapa_handoff_settings_change SET changed_at = 'once'")
    assert client.get("/handoff/admin/").status_code == 200
    assert "The stored values of changed_at cannot be read." in shown(client.get("/handoff/admin/"))
    assert "version 1 of the settings (changed_at)" in findings(site)[1]
    assert signed_offer(client)
    assert save(client, button_text="Second").status_code == 303
    assert read(site, "SELECT version FROM kapa_handoff_desk") == [2]
    with state_of(site).database.read() as connection:
        assert len(history_rows(connection)) == 2


@pytest.mark.only("sqlite")
def test_a_damaged_attempt_fails_alone(site: Flask, client: FlaskClient) -> None:
    """The ticket's page shows the others and says how many there are more; the export has it as it is stored."""
    reference = send_ticket(client)
    invoke(site, "deliver")
    execute(site, "UPDATE kapa_handoff_delivery_attempt SET started_at = 'once'")
    page = client.get(f"/handoff/admin/tickets/{reference}")
    assert page.status_code == 200
    assert "1 more attempt is damaged and can't be shown." in shown(page)
    (attempt,) = json.loads(invoke(site, "export").output)["delivery_attempts"]
    assert (attempt["damaged"], attempt["started_at"]) == (["started_at"], "once")
    assert "(started_at)" in findings(site)[1]


@pytest.mark.only("sqlite")
def test_a_damaged_time_does_not_break_a_quota(make_app: Callable[..., Flask]) -> None:
    """When there is room again is read from the time of a ticket, which may be damaged."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    client = app.test_client()
    offer = signed_offer(client)
    send_ticket(client, offer=offer)
    execute(app, "UPDATE kapa_handoff_ticket SET created_at = 'zzz'")
    with pytest.raises(AssertionError, match="try again in 61 minutes"):
        send_ticket(client, offer=offer)
