"""``flask kapa-handoff ...``"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from click.testing import Result
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.storage import schema
from flask_kapa_handoff.storage.models import delivery_attempt, ticket, transcript
from tests.conftest import environment_of, send_ticket
from tests.servers import MailServer, free_port


def invoke(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["kapa-handoff", *words])


def mailing(make_app: Callable[..., Flask], server: MailServer, **config: object) -> Flask:
    return make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, **config)


def test_deliver_sends_what_is_due(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """One pass sends every due ticket and says how many."""
    app = mailing(make_app, mail_server)
    references = {send_ticket(app.test_client()) for _ in range(3)}
    result = invoke(app, "deliver")
    assert result.output == "3 delivered, 0 to be tried again, 0 failed.\n"
    assert result.exit_code == 0
    assert {mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received} == references


def test_deliver_tells_cron_of_a_failure(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket that failed for good makes the exit code 1; one that waits does not."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["550 no such user", "450 later"]
    for _ in range(2):
        send_ticket(app.test_client())
    result = invoke(app, "deliver")
    assert result.output == "0 delivered, 1 to be tried again, 1 failed.\n"
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


def test_retry_refuses_what_it_cannot_do(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """An unknown reference and a delivered ticket are errors that say so."""
    app = mailing(make_app, mail_server)
    reference = send_ticket(app.test_client())
    invoke(app, "deliver")
    unknown, delivered = invoke(app, "retry", "T-NOBODY"), invoke(app, "retry", reference)
    assert unknown.exit_code == delivered.exit_code == 1
    assert "no ticket T-NOBODY" in unknown.output
    assert "is delivered" in delivered.output


def test_tickets_lists_the_newest_first(app: Flask) -> None:
    """The list shows reference, state, address and question; `--json` gives a line of JSON each; `--limit` cuts."""
    assert invoke(app, "tickets").output == "There are no tickets yet.\n"
    first, second = (send_ticket(app.test_client()) for _ in range(2))
    lines = invoke(app, "tickets").output.splitlines()
    assert [line.split()[0] for line in lines] == [second, first]
    assert "queued" in lines[0]
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


def test_db_upgrade_creates_the_tables_of_a_shared_database(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """A shared engine gets its tables by `db upgrade`, a second run says that there is nothing to do."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'shared.sqlite3'}")
    app = make_app(handoff=KapaHandoff(engine=engine))
    missing = invoke(app, "tickets")
    assert missing.exit_code == 1
    assert "flask kapa-handoff db upgrade" in missing.output
    assert f"now of version {schema.HEAD}" in invoke(app, "db", "upgrade").output
    assert "already" in invoke(app, "db", "upgrade").output
    assert invoke(app, "tickets").exit_code == 0
    engine.dispose()


def test_purge_deletes_old_delivered_tickets_whole(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Only delivered tickets older than the limit go, with their transcripts and attempts."""
    app = mailing(make_app, mail_server, KAPA_HANDOFF_RETENTION_DAYS=30)
    old, fresh = (send_ticket(app.test_client()) for _ in range(2))
    invoke(app, "deliver")
    waiting = send_ticket(app.test_client())
    database = app.extensions["kapa_handoff"].database
    with database.write() as connection:
        row = connection.execute(sqlalchemy.select(ticket.c.delivered_at).where(ticket.c.reference == old)).one()
        long_ago = row.delivered_at - timedelta(days=31)
        for reference in (old, waiting):
            connection.execute(
                ticket.update()
                .where(ticket.c.reference == reference)
                .values(created_at=long_ago, delivered_at=long_ago if reference == old else None)
            )
    assert invoke(app, "purge").output.startswith("1 delivered ticket")
    with database.read() as connection:
        left = set(connection.execute(sqlalchemy.select(ticket.c.reference)).scalars())
        counts = [
            connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar_one()
            for table in (transcript, delivery_attempt)
        ]
    assert left == {fresh, waiting}
    assert counts == [2, 1]


def test_purge_without_a_limit_deletes_nothing(app: Flask) -> None:
    """Without KAPA_HANDOFF_RETENTION_DAYS the command refuses and names the key."""
    result = invoke(app, "purge")
    assert result.exit_code == 1
    assert "KAPA_HANDOFF_RETENTION_DAYS" in result.output


SITE = """
from flask import Flask
from flask_kapa_handoff import KapaHandoff
app = Flask("site", instance_path={instance!r})
app.config.update(
    SECRET_KEY="a secret of this test", KAPA_HANDOFF_EMAIL="support@example.com", KAPA_HANDOFF_DELIVERY="external",
    MAIL_DEFAULT_SENDER="site@example.com", MAIL_SERVER="127.0.0.1", MAIL_PORT={port},
)
app.config.from_prefixed_env()
KapaHandoff(app)
"""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_delivers_until_it_is_stopped(
    make_app: Callable[..., Flask], mail_server: MailServer, tmp_path: Path, stop: signal.Signals
) -> None:
    """The worker, a process of its own, sends what is there, and ends cleanly when it is told to."""
    app = mailing(make_app, mail_server)
    reference = send_ticket(app.test_client())
    (tmp_path / "wsgi.py").write_text(SITE.format(instance=app.instance_path, port=mail_server.port))
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "kapa-handoff", "worker"],
        cwd=tmp_path,
        env={**environment_of(app), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    mail_server.wait_for(1)
    worker.send_signal(stop)
    output, _ = worker.communicate(timeout=30)
    assert worker.returncode == 0, output
    assert "Stopping." in output
    assert mail_server.received[0].message["X-Kapa-Handoff-Ticket"] == reference


def test_no_other_command_starts_delivery_threads(make_app: Callable[..., Flask]) -> None:
    """A command line process leaves delivery to those whose work it is."""
    app = make_app(KAPA_HANDOFF_DELIVERY="thread")
    invoke(app, "tickets")
    invoke(app, "doctor")
    assert app.extensions["kapa_handoff"].threads.running is False


def findings(app: Flask) -> tuple[int, str]:
    result = invoke(app, "doctor")
    return result.exit_code, result.output


def test_doctor_is_content_with_a_good_set_up(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Where all is well there are only `ok` lines, and the exit code is 0."""
    app = mailing(make_app, mail_server, handoff=KapaHandoff(admin_required=lambda view: view))
    code, output = findings(app)
    assert code == 0
    assert {line.split()[0] for line in output.splitlines()} == {"ok"}
    assert mail_server.received == []


@pytest.mark.parametrize(
    ("config", "said", "code"),
    [
        ({"MAIL_PORT": free_port()}, "Connection refused", 1),
        ({"MAIL_DEFAULT_SENDER": None}, "There is no sender", 1),
        ({"MAIL_DEFAULT_SENDER": "nobody"}, "is no address", 1),
        ({"MAIL_DEFAULT_SENDER": "Support <Support@example.com>"}, "both support@example.com", 0),
        ({"KAPA_HANDOFF_EMAIL": None}, "no address that tickets go to", 0),
        ({"SECRET_KEY": None}, "SECRET_KEY is not set", 1),
        ({"MAIL_SUPPRESS_SEND": True}, "MAIL_SUPPRESS_SEND is on", 0),
        ({}, "no admin pages", 0),
    ],
)
def test_doctor_names_what_is_wrong(
    make_app: Callable[..., Flask], mail_server: MailServer, config: dict[str, object], said: str, code: int
) -> None:
    """Each fault is named with why it matters and how to mend it; a problem makes the exit code 1."""
    app = make_app(**{"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mail_server.port, **config})
    found, output = findings(app)
    assert said in output
    assert "->" in output
    assert found == code, output


def test_doctor_sees_tickets_that_wait_or_failed(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket that nobody delivers is a problem, one that failed a warning."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["550 no such user"]
    send_ticket(app.test_client())
    invoke(app, "deliver")
    assert "1 ticket failed for good" in findings(app)[1]
    send_ticket(app.test_client())
    with app.extensions["kapa_handoff"].database.write() as connection:
        row = connection.execute(sqlalchemy.select(ticket).where(ticket.c.status == "queued")).one()
        earlier = row.next_attempt_at - timedelta(hours=1)
        connection.execute(ticket.update().where(ticket.c.id == row.id).values(next_attempt_at=earlier))
    code, output = findings(app)
    assert code == 1
    assert "has been due for 60 minutes" in output
    assert "flask kapa-handoff worker" in output


def test_doctor_says_that_the_database_cannot_be_used(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """A database file that is none is a problem, not a traceback."""
    broken = tmp_path / "broken.sqlite3"
    broken.write_text("this is no database, and long enough for SQLite to see that " * 20)
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{broken}", MAIL_SUPPRESS_SEND=True)
    code, output = findings(app)
    assert code == 1
    assert "The database cannot be used" in output
