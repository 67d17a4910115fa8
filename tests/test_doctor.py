"""The doctor: what is wrong with a set-up, why it matters, how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.storage.models import ticket
from tests.conftest import send_ticket
from tests.servers import MailServer, free_port
from tests.test_cli import invoke, mailing


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
