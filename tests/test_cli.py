"""``flask kapa-handoff ...``"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import requeue
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import export as storage_export
from flask_kapa_handoff.storage import removal, schema
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import delivery_attempt, ticket, transcript
from flask_kapa_handoff.storage.tickets import Status, Ticket, find_ticket
from tests.helpers.commands import SITE, invoke, left, mailing
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import PAIR, send_ticket


def test_deliver_sends_what_is_due(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """One pass sends every due ticket and says how many."""
    app = mailing(make_app, mail_server)
    references = {send_ticket(app.test_client()) for _ in range(3)}
    result = invoke(app, "deliver")
    assert result.output == "3 delivered, 0 waiting, 0 failed.\n"
    assert result.exit_code == 0
    assert {mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received} == references


def test_deliver_stops_when_the_server_cannot_be_reached(make_app: Callable[..., Flask]) -> None:
    """After three failed attempts, the others wait for the next run instead of for their own time-outs."""
    app = make_app(MAIL_PORT=free_port())
    for _ in range(5):
        send_ticket(app.test_client())
    result = invoke(app, "deliver")
    assert "0 delivered, 3 waiting, 0 failed." in result.output
    assert "could not be reached" in result.output


def test_deliver_reports_a_failure_to_cron(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """If a ticket failed, the exit code is 1; if one only waits, it is 0."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["550 no such user", "450 later"]
    for _ in range(2):
        send_ticket(app.test_client())
    result = invoke(app, "deliver")
    assert result.output == "0 delivered, 1 waiting, 1 failed.\n"
    assert result.exit_code == 1


def test_retry_makes_a_failed_ticket_due(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A failed ticket is sent again after `retry`, in whatever case its reference is typed."""
    app = mailing(make_app, mail_server)
    reference = send_ticket(app.test_client())
    mail_server.replies["RCPT"] = ["550 no such user"]
    invoke(app, "deliver")
    assert invoke(app, "retry", reference.lower()).output == f"Ticket {reference} is due now.\n"
    invoke(app, "deliver")
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [reference]


def test_retry_takes_all_that_failed(
    make_app: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a long outage all that failed goes out, oldest first; what is queued or delivered stays as it is."""
    monkeypatch.setattr(requeue, "BATCH", 2)
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["250 yes", *["550 no such user"] * 5, "450 later"]
    references = [send_ticket(app.test_client()) for _ in range(7)]
    invoke(app, "deliver")
    waiting = look_up(app, references[6]).next_attempt_at
    assert invoke(app, "retry", "--failed").output == "5 failed tickets are due now.\n"
    assert look_up(app, references[6]).next_attempt_at == waiting
    invoke(app, "deliver")
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == references[:6]
    assert invoke(app, "retry", "--failed").output == "0 failed tickets are due now.\n"


def test_retry_ends_though_tickets_fail_again_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker beside it may refuse a ticket as fast as it is queued: each is queued once."""
    monkeypatch.setattr(requeue, "BATCH", 2)
    references = [send_ticket(app.test_client()) for _ in range(5)]
    database = state_of(app).database
    with database.write() as connection:
        connection.execute(ticket.update().values(status="failed"))
    looks: list[str] = []

    def fail_again(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("UPDATE kapa_handoff_ticket SET status"):
            looks.append(statement)
            assert len(looks) < 10
            connection.connection.cursor().execute("UPDATE kapa_handoff_ticket SET status = 'failed'")

    sqlalchemy.event.listen(database.engine, "after_cursor_execute", fail_again)
    assert requeue.send_all_again(database, Status.FAILED) == len(references)


def test_retry_sends_to_the_address_of_today(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The address that the failed tickets had may be what was wrong."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["550 no such user"]
    reference = send_ticket(app.test_client())
    invoke(app, "deliver")
    later = mailing(make_app, mail_server, KAPA_HANDOFF_EMAIL="help@example.com")
    invoke(later, "retry", "--failed")
    assert look_up(later, reference).recipient == "help@example.com"


@pytest.mark.parametrize("words", [[], ["T-234567", "--failed"]])
def test_retry_wants_one_or_all(app: Flask, words: list[str]) -> None:
    """Giving neither or both is an error with a message."""
    result = invoke(app, "retry", *words)
    assert result.exit_code == 2
    assert "--failed" in result.output


def test_retry_refuses_what_it_cannot_do(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """An unknown reference and a delivered ticket are errors that say so."""
    app = mailing(make_app, mail_server)
    reference = send_ticket(app.test_client())
    invoke(app, "deliver")
    unknown, delivered = invoke(app, "retry", "T-NOBODY"), invoke(app, "retry", reference)
    assert unknown.exit_code == delivered.exit_code == 1
    assert "no ticket T-NOBODY" in unknown.output
    assert "is delivered" in delivered.output


def look_up(app: Flask, reference: str) -> Ticket:
    with state_of(app).database.read() as connection:
        found = find_ticket(connection, ticket.c.reference == reference)
    assert found is not None
    return found


def test_tickets_lists_the_newest_first(app: Flask) -> None:
    """The list shows reference, state, address and question; `--json` gives a line of JSON each; `--limit` cuts."""
    assert invoke(app, "tickets").output == "There are no tickets yet.\n"
    first, second = (send_ticket(app.test_client()) for _ in range(2))
    lines = invoke(app, "tickets").output.splitlines()
    assert [line.split()[0] for line in lines] == [second, first]
    assert "waiting" in lines[0]
    assert "visitor@example.com" in lines[0]
    documents = [json.loads(line) for line in invoke(app, "tickets", "--json").output.splitlines()]
    assert [document["reference"] for document in documents] == [second, first]
    assert documents[0]["status"] == "queued"
    assert "client_key" not in documents[0]
    assert len(invoke(app, "tickets", "--limit", "1").output.splitlines()) == 1


def test_test_mail_says_what_the_server_said(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """`test-mail` sends a sample to the address and prints the server's words; a refusal is an error."""
    app = mailing(make_app, mail_server)
    result = invoke(app, "test-mail", "somebody@example.com")
    assert "250 2.0.0 taken" in result.output
    assert mail_server.received[0].recipients == ["somebody@example.com"]
    mail_server.replies["DATA"] = ["554 no thank you"]
    refused = invoke(app, "test-mail", "somebody@example.com")
    assert refused.exit_code == 1
    assert "554 no thank you" in refused.output
    assert invoke(app, "test-mail", "nobody").exit_code == 2


@pytest.mark.only("sqlite")
def test_test_mail_says_what_to_check_as_the_check_up_does(make_app: Callable[..., Flask]) -> None:
    """The person at the shell is the site's operator: server, port and keys are named."""
    port = free_port()
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=port)
    output = invoke(app, "test-mail", "somebody@example.com").output
    assert (
        f"Not sent. The mail server 127.0.0.1:{port} could not be reached.\n-> Check MAIL_SERVER and MAIL_PORT"
        in output
    )
    assert "operator" not in output
    unaddressed = make_app(name="unaddressed", MAIL_DEFAULT_SENDER=None)
    output = invoke(unaddressed, "test-mail", "somebody@example.com").output
    assert "There is no sender.\n-> Set KAPA_HANDOFF_SENDER or MAIL_DEFAULT_SENDER" in output


def test_db_upgrade_creates_the_tables_of_a_shared_database(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """A shared engine gets its tables by `db upgrade`, a second run says that there is nothing to do."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'shared.sqlite3'}")
    app = make_app(handoff=KapaHandoff(engine=engine))
    missing = invoke(app, "tickets")
    assert missing.exit_code == 1
    assert "flask kapa-handoff db upgrade" in missing.output
    assert f"now at version {schema.HEAD}" in invoke(app, "db", "upgrade").output
    assert "already" in invoke(app, "db", "upgrade").output
    assert invoke(app, "tickets").exit_code == 0
    engine.dispose()


def test_purge_deletes_old_delivered_tickets_whole(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Delivered tickets older than the limit go, with their transcripts and attempts; one that waits does not."""
    app = mailing(make_app, mail_server, KAPA_HANDOFF_RETENTION_DAYS=30)
    old, fresh = (send_ticket(app.test_client()) for _ in range(2))
    invoke(app, "deliver")
    waiting = send_ticket(app.test_client())
    database = state_of(app).database
    with database.write() as connection:
        row = connection.execute(sqlalchemy.select(ticket.c.delivered_at).where(ticket.c.reference == old)).one()
        long_ago = row.delivered_at - timedelta(days=31)
        for reference in (old, waiting):
            connection.execute(
                ticket.update()
                .where(ticket.c.reference == reference)
                .values(created_at=long_ago, delivered_at=long_ago if reference == old else None)
            )
    assert invoke(app, "purge").output == "1 ticket older than 30 days was deleted.\n"
    with database.read() as connection:
        left = set(connection.execute(sqlalchemy.select(ticket.c.reference)).scalars())
        counts = [
            connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar_one()
            for table in (transcript, delivery_attempt)
        ]
    assert left == {fresh, waiting}
    assert counts == [2, 1]


def test_purge_works_in_short_transactions(
    make_app: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much there is to delete, each transaction deletes a few: submits get their turn in between."""
    monkeypatch.setattr(removal, "BATCH", 2)
    app = mailing(make_app, mail_server, KAPA_HANDOFF_RETENTION_DAYS=30)
    for _ in range(5):
        send_ticket(app.test_client())
    invoke(app, "deliver")
    database = state_of(app).database
    with database.write() as connection:
        connection.execute(ticket.update().values(delivered_at=now(connection) - timedelta(days=31)))
    deleted: list[int] = []

    def watch(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("DELETE FROM kapa_handoff_ticket "):
            deleted.append(cursor.rowcount)

    sqlalchemy.event.listen(database.engine, "after_cursor_execute", watch)
    assert invoke(app, "purge").output == "5 tickets older than 30 days were deleted.\n"
    assert deleted[:3] == [2, 2, 1]


def test_purge_without_a_limit_deletes_nothing(app: Flask) -> None:
    """Without KAPA_HANDOFF_RETENTION_DAYS the command refuses and names the key."""
    result = invoke(app, "purge")
    assert result.exit_code == 1
    assert "KAPA_HANDOFF_RETENTION_DAYS" in result.output


def test_no_other_command_starts_delivery_threads(make_app: Callable[..., Flask]) -> None:
    """A command line process leaves delivery to those whose work it is."""
    app = make_app(KAPA_HANDOFF_DELIVERY="thread")
    invoke(app, "tickets")
    invoke(app, "doctor")
    assert state_of(app).delivery.running is False


def test_export_has_all_that_is_kept(
    make_app: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ticket once, oldest first, over several pages; as `tickets --json` has it, and what belongs to it."""
    monkeypatch.setattr(storage_export, "PAGE_LENGTH", 2)
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["550 no such user"]
    references = [send_ticket(app.test_client())]
    invoke(app, "deliver")
    references += [send_ticket(app.test_client(), note="Grüße 👋") for _ in range(4)]
    documents = [json.loads(line) for line in invoke(app, "export").output.splitlines()]
    assert [document["reference"] for document in documents] == references
    listed = [json.loads(line) for line in invoke(app, "tickets", "--json").output.splitlines()]
    attempts = [document.pop("delivery_attempts") for document in documents]
    assert [document.pop("attachments") for document in documents] == [[]] * 5
    assert [document.pop("conversation")[0]["question"] for document in documents] == [PAIR["question"]] * 5
    assert documents == listed[::-1]
    assert documents[-1]["note"] == "Grüße 👋"
    assert [len(found) for found in attempts] == [1, 0, 0, 0, 0]
    assert (attempts[0][0]["outcome"], attempts[0][0]["detail"]) == ("failed", "550 no such user")


def test_export_since_a_day(app: Flask) -> None:
    """Tickets of the day that is named, and later ones."""
    reference = send_ticket(app.test_client())
    today = look_up(app, reference).created_at
    tomorrow = today + timedelta(days=1)
    assert json.loads(invoke(app, "export", "--since", f"{today:%Y-%m-%d}").output)["reference"] == reference
    assert json.loads(invoke(app, "export", "--since", f"{today:%Y-%m-%dT%H:%M:%S}").output)["reference"] == reference
    assert invoke(app, "export", "--since", f"{tomorrow:%Y-%m-%d}").output == ""
    wrong = invoke(app, "export", "--since", "yesterday")
    assert wrong.exit_code == 2
    assert "'yesterday' is not allowed; use a date such as 2026-01-31 or 2026-01-31T14:30:00." in wrong.output
    assert "%" not in wrong.output + invoke(app, "export", "--help").output


@pytest.mark.parametrize(("stored", "exported"), [("{broken", "{broken"), (None, None)])
def test_export_loses_no_ticket_whose_conversation_is_damaged(
    app: Flask, stored: str | None, exported: str | None
) -> None:
    """What cannot be read is exported as it is stored; a missing conversation is null."""
    send_ticket(app.test_client())
    with state_of(app).database.write() as connection:
        change = transcript.delete() if stored is None else transcript.update().values(conversation=stored)
        connection.execute(change)
    assert json.loads(invoke(app, "export").output)["conversation"] == exported


def test_export_ends_quietly_when_its_reader_stops(app: Flask, tmp_path: Path) -> None:
    """`export | head -n 1` says nothing but the first line."""
    long = [{"question": "How?", "answer": "So. " * 5000}]  # more than a pipe holds
    references = [send_ticket(app.test_client(), conversation=json.dumps(long)) for _ in range(10)]
    config = {key: value for key, value in app.config.items() if key.startswith(("KAPA_HANDOFF_", "SECRET_KEY"))}
    (tmp_path / "wsgi.py").write_text(SITE.format(instance=app.instance_path, config=config))
    export = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "kapa-handoff", "export"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert export.stdout is not None
    assert export.stderr is not None
    assert json.loads(export.stdout.readline())["reference"] == references[0]
    export.stdout.close()
    said = [line for line in export.stderr.read().decode().splitlines() if "has no handoff settings page" not in line]
    export.stderr.close()
    export.wait(60)
    assert said == []


def test_erase_deletes_a_visitors_tickets(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """All tickets of the address, in any state and in upper or lower case, with what belongs to them; no others."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["250 yes", "550 no such user"]
    gone = [send_ticket(app.test_client(), email=email) for email in ("V@example.com", "v@example.com")]
    invoke(app, "deliver")
    gone.append(send_ticket(app.test_client(), email="v@example.com"))
    stays = send_ticket(app.test_client(), email="vv@example.com")
    result = invoke(app, "erase", "V@Example.com", "--yes")
    assert result.output == f"3 tickets ({', '.join(gone)}) with 2 delivery attempts were deleted.\n"
    assert result.exit_code == 0
    assert left(app) == ([stays], 1, 0)
    again = invoke(app, "erase", "v@example.com", "--yes")
    assert again.output == "There are no tickets from v@example.com.\n"
    assert again.exit_code == 0


@pytest.mark.parametrize(("typed", "deleted"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_erase_asks_first(app: Flask, typed: str, deleted: bool) -> None:
    """It names what would go, and only a yes deletes it."""
    reference = send_ticket(app.test_client())
    runner = app.test_cli_runner()
    result = runner.invoke(args=["kapa-handoff", "erase", "visitor@example.com"], input=typed)
    assert f"Delete 1 ticket from visitor@example.com ({reference})?" in result.output
    assert (f"1 ticket ({reference}) with 0 delivery attempts was deleted." in result.output) is deleted
    assert (left(app)[0] == []) is deleted
    assert result.exit_code == (0 if deleted else 1)


def test_erase_requires_an_address(app: Flask) -> None:
    """Anything else is an error with a message, and nothing is deleted."""
    send_ticket(app.test_client())
    assert invoke(app, "erase", "everybody", "--yes").exit_code == 2
    assert len(left(app)[0]) == 1


def test_erase_of_many_tickets_takes_several_transactions(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a visitor with many tickets is left behind."""
    monkeypatch.setattr(removal, "BATCH", 2)
    for _ in range(5):
        send_ticket(app.test_client())
    assert invoke(app, "erase", "visitor@example.com", "--yes").output.startswith("5 tickets (")
    assert left(app) == ([], 0, 0)


def test_erase_while_the_mail_is_on_its_way(make_app: Callable[..., Flask]) -> None:
    """The delivery finds its ticket gone, leaves nothing behind, and goes on with the next one."""
    outputs: list[str] = []

    def erase_and_accept() -> str:
        outputs.append(invoke(app, "erase", "gone@example.com", "--yes").output)
        return "250 taken"

    with ScriptedServer({"END": [erase_and_accept]}) as server:
        app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port)
        gone = send_ticket(app.test_client(), email="gone@example.com")
        stays = send_ticket(app.test_client())
        result = invoke(app, "deliver")
    assert outputs == [
        f"1 ticket ({gone}) with 1 delivery attempt was deleted.\n"
        f"These were being sent, so their mail may still arrive: {gone}\n"
    ]
    assert result.exit_code == 0, result.output
    assert left(app) == ([stays], 1, 1)
    assert look_up(app, stays).status == "delivered"


def test_erase_leaves_no_ticket_that_follows_a_deleted_one(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """Also where a site's own SQLite engine does not enforce foreign keys."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'shared.sqlite3'}")
    app = make_app(handoff=KapaHandoff(engine=engine))
    invoke(app, "db", "upgrade")
    gone = send_ticket(app.test_client(), email="gone@example.com")
    stays = send_ticket(app.test_client())
    with state_of(app).database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 0
        followed = sqlalchemy.select(ticket.c.id).where(ticket.c.reference == gone).scalar_subquery()
        connection.execute(ticket.update().where(ticket.c.reference == stays).values(follows=followed))
    invoke(app, "erase", "gone@example.com", "--yes")
    assert left(app) == ([stays], 1, 0)
    assert look_up(app, stays).follows is None
    engine.dispose()
