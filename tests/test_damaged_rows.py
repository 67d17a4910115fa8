"""A damaged row fails alone: all others are listed, claimed, delivered, exported, erased and counted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.health import health
from flask_kapa_handoff.settings import history_rows
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import export, sqlite
from tests.helpers.admin import let_pass, save, shown
from tests.helpers.commands import findings, invoke, left, mailing
from tests.helpers.offers import signed_offer
from tests.helpers.servers import MailServer
from tests.helpers.sites import file_of
from tests.helpers.tickets import send_ticket

DAMAGED = "damaged@example.com"

NOT_UTF8 = "CAST(x'41ff42' AS TEXT)"
"""Text that only SQLite lets in; its driver raises where it meets some."""

SQLITE, POSTGRESQL = pytest.mark.only("sqlite"), pytest.mark.only("postgresql")

ROWS = [
    pytest.param("created_at = 'last Tuesday'", "created_at", marks=SQLITE),
    pytest.param("queued_at = 'zzz'", "queued_at", marks=SQLITE),
    pytest.param("queued_at = '!'", "queued_at", marks=SQLITE),
    pytest.param("attempts = 'many'", "attempts", marks=SQLITE),
    pytest.param("attempts = 2147483647", "attempts"),
    pytest.param("submission_id = 'no-uuid'", "submission_id", marks=SQLITE),
    pytest.param("note = x'00ff'", "note", marks=SQLITE),
    pytest.param(f"note = {NOT_UTF8}", "note", marks=SQLITE),
    pytest.param(f"subject = {NOT_UTF8}, page = {NOT_UTF8}", "subject, page", marks=SQLITE),
    pytest.param(f"queued_at = {NOT_UTF8}", "queued_at", marks=SQLITE),
    pytest.param("created_at = 'infinity', queued_at = 'infinity'", "created_at, queued_at", marks=POSTGRESQL),
    pytest.param("created_at = '0044-03-15 00:00:00 BC'", "created_at", marks=POSTGRESQL),
    pytest.param("queued_at = '-infinity'", "queued_at", marks=POSTGRESQL),
]
"""Damage to a ticket's row that one of the databases lets in: what is set, and the columns that the messages name."""


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


@pytest.mark.parametrize(("change", "column"), ROWS)
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
    assert exported[damaged]["damaged"] == column.split(", ")
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
def test_an_id_that_is_not_utf8_stops_no_delivery_and_no_export(site: Flask, client: FlaskClient) -> None:
    """The driver accepts no such text as a parameter either, and the next page of the export begins after it."""
    damaged, good = damaged_and_good(site, "attempts = 0")
    with closing(sqlite3.connect(file_of(site))) as connection, connection:  # which does not follow foreign keys
        connection.execute(f"UPDATE kapa_handoff_ticket SET id = {NOT_UTF8} WHERE reference = ?", [damaged])  # noqa: S608
    assert invoke(site, "deliver").output.startswith("1 delivered")
    assert (status_of(site, damaged), status_of(site, good)) == ("failed", "delivered")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(export, "PAGE_LENGTH", 1)
        lines = invoke(site, "export").output.splitlines()
    assert [json.loads(line)["reference"] for line in lines] == [good, damaged]
    assert client.get("/handoff/admin/tickets").status_code == 200
    assert invoke(site, "erase", DAMAGED, "--yes").exit_code == 0
    assert left(site)[0] == [good]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("stored", [NOT_UTF8, "x'00ff'"], ids=["not-utf8", "blob"])
@pytest.mark.parametrize(
    ("table", "column", "named"),
    [
        ("ticket", "reference", "reference"),
        ("ticket", "status", "status"),
        ("delivery_attempt", "outcome", "outcome"),
        ("delivery_attempt", "detail", "detail"),
        ("desk", "button_text", "settings of the desk default (button_text)"),
        ("desk", "triggers", "settings of the desk default (triggers)"),
        ("desk", "email", "settings of the desk default (email)"),
        ("desk", "name", 'desk "'),
        ("settings_change", "after", "version 1 of the settings (after)"),
        ("settings_change", "changed_by", "version 1 of the settings (changed_by)"),
        ("refusal", "reason", ""),
        ("refusal", "detail", ""),
    ],
)
def test_what_is_not_text_stops_nothing(
    site: Flask, client: FlaskClient, mail_server: MailServer, table: str, column: str, named: str, stored: str
) -> None:
    """In any table: every page is there, tickets are taken and delivered, and the check-up names the row."""
    save(client, button_text="First", triggers="always", email="desk@example.com")
    damaged = send_ticket(client, email=DAMAGED)
    invoke(site, "deliver")
    client.post("/handoff/tickets", data={"offer": "forged"})
    state_of(site).refusals.write()
    execute(site, f'UPDATE kapa_handoff_{table} SET "{column}" = {stored}')  # noqa: S608  this module's own
    state_of(site).settings_cache.clear()
    good = send_ticket(client)
    for path in ("", "history", "tickets", "doctor", f"tickets/{good}", f"tickets/{damaged}"):
        assert client.get(f"/handoff/admin/{path}").status_code in (200, 404 if column == "reference" else 200), path
    for words in (["tickets"], ["tickets", "--json"], ["deliver"], ["export"], ["export", "--email", DAMAGED]):
        run = invoke(site, *words)
        assert run.exit_code == 0, (words, run.output, run.exception)
    assert status_of(site, good) == "delivered"
    if table != "refusal":  # of which nothing is lost: it only counts
        assert named in findings(site)[1]
    assert health(site).queued == 0
    assert save(client, button_text="Second").status_code == 303
    assert invoke(site, "erase", DAMAGED, "--yes").exit_code == 0


@pytest.mark.only("sqlite")
def test_nothing_that_a_visitor_wrote_is_told_by_the_check_up(site: Flask) -> None:
    """The driver's message about text that is not UTF-8 repeats it."""
    damaged_and_good(site, "note = CAST(x'536563726574ff' AS TEXT)")
    code, output = findings(site)
    assert code == 0
    assert "Secret" not in output
    assert "The database works" in output


@pytest.mark.only("sqlite")
def test_the_sites_own_connections_stay_as_they_are(tmp_path: Path) -> None:
    """Text is read our way only while a connection is in our hands."""
    engine = create_engine(f"sqlite:///{tmp_path / 'site.sqlite3'}", poolclass=StaticPool)
    query = text(f"SELECT {NOT_UTF8}")
    with sqlite.connect(engine) as connection:
        assert connection.execute(query).scalar_one() == "A\N{REPLACEMENT CHARACTER}B"
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(query).scalar_one()
    engine.dispose()


@pytest.mark.only("sqlite")
def test_a_conversation_with_a_damaged_letter_is_sent(site: Flask, mail_server: MailServer) -> None:
    """The agent can still read it; the check-up names it."""
    reference = send_ticket(site.test_client())
    stored = b'[{"question": "Wh\xff?", "answer": "Because."}]'.hex()
    execute(site, f"UPDATE kapa_handoff_transcript SET conversation = CAST(x'{stored}' AS TEXT)")  # noqa: S608
    assert f"ticket {reference} (conversation)" in findings(site)[1]
    invoke(site, "deliver")
    assert status_of(site, reference) == "delivered"
    assert "Wh\N{REPLACEMENT CHARACTER}?" in mail_server.received[0].body("plain")


@pytest.mark.parametrize(
    ("status", "column"),
    [
        ("held", "next_attempt_at"),
        ("queued", "next_attempt_at"),
        ("sending", "leased_until"),
        ("delivered", "delivered_at"),
    ],
)
def test_a_missing_time_is_named(site: Flask, client: FlaskClient, status: str, column: str) -> None:
    """The ticket's page is there, and if it still has to be sent, it can be sent from there."""
    damaged, good = damaged_and_good(site, f"status = '{status}', {column} = NULL")
    page = client.get(f"/handoff/admin/tickets/{damaged}")
    assert page.status_code == 200
    assert ("handoff-send" in page.text) == (status != "delivered")
    assert f"ticket {damaged} ({column})" in findings(site)[1]
    invoke(site, "deliver")
    assert (status_of(site, damaged), status_of(site, good)) == (status, "delivered")
    if status != "delivered":
        assert invoke(site, "retry", damaged).exit_code == 0
        invoke(site, "deliver")
        assert status_of(site, damaged) == "delivered"


@pytest.mark.parametrize(("attempts", "year"), [(1, 9999), (-9, 9999), (-9, 2026)])
def test_the_next_attempt_of_a_damaged_ticket_has_a_time(attempts: int, year: int) -> None:
    """Otherwise its delivery would never be recorded, and it would be tried again forever."""
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    due = outbox.next_attempt(attempts, datetime(year, 12, 31, 23, tzinfo=timezone.utc), moment)
    assert due == moment + outbox.BACKOFF[0]


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


@pytest.mark.parametrize("attempts", [0, -9])
def test_a_damaged_number_of_attempts_stops_no_delivery(site: Flask, mail_server: MailServer, attempts: int) -> None:
    """Each attempt of a ticket has a number of its own in the database; the ticket is sent all the same."""
    reference = send_ticket(site.test_client())
    invoke(site, "deliver")
    change = f"UPDATE kapa_handoff_ticket SET attempts = {attempts}, status = 'queued', next_attempt_at = queued_at"  # noqa: S608
    execute(site, change)
    assert invoke(site, "deliver").output.startswith("1 delivered")
    assert len(mail_server.received) == 2
    assert status_of(site, reference) == "delivered"


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


@pytest.mark.parametrize("change", ["DELETE FROM kapa_handoff_desk", "UPDATE kapa_handoff_desk SET name = 'sales'"])
def test_settings_can_be_saved_when_their_row_is_gone(site: Flask, client: FlaskClient, change: str) -> None:
    """The history goes on after its latest version."""
    save(client, button_text="First")
    save(client, button_text="Second")
    execute(site, change)
    state_of(site).settings_cache.clear()
    assert save(client, button_text="Third").status_code == 303
    assert read(site, "SELECT version FROM kapa_handoff_desk WHERE name = 'default'") == [3]
    assert read(site, "SELECT version FROM kapa_handoff_settings_change ORDER BY id") == [1, 2, 3]
    assert "Button text: Create ticket → Third" in shown(client.get("/handoff/admin/"))
    assert save(client, button_text="Fourth").status_code == 303


@pytest.mark.parametrize(
    "stored",
    ["{", "null", "[]", '"text"', pytest.param(b"\x00\xff", marks=SQLITE)],
    ids=["broken", "null", "empty", "text", "blob"],
)
def test_a_damaged_conversation_fails_alone(
    site: Flask, client: FlaskClient, mail_server: MailServer, stored: str | bytes
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
    kept = {"{": "{", b"\x00\xff": repr(b"\x00\xff")}
    assert exported[damaged]["conversation"] == (kept[stored] if stored in kept else json.loads(stored))
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


def test_a_number_that_json_has_not_is_text() -> None:
    """One line of an export would otherwise be unreadable."""
    values = {"pairs": float("inf"), "attempts": float("nan"), "size": 1.5}
    assert export.as_json(values) == {"pairs": "inf", "attempts": "nan", "size": 1.5}
