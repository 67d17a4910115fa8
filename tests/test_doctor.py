"""The check-up: what is wrong with a setup, why it matters, how to fix it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from flask import Flask
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_kapa_handoff import Field, KapaHandoff
from flask_kapa_handoff.config_values import DELIVERIES
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.engines import ENGINES
from flask_kapa_handoff.doctor import mail as doctor_of_mail
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import VERSION_TABLE, schema
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import ticket
from tests.helpers.commands import findings, invoke, mailing
from tests.helpers.scripted_smtp import HANG_UP, SILENCE, ScriptedServer, make_certificate, server_context
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket, ticket_fields


def test_doctor_reports_a_good_setup_as_ok(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Where all is well there are only `ok` lines and a note (no arrival is confirmed), and the exit code is 0."""
    app = mailing(make_app, mail_server, handoff=KapaHandoff(admin_required=lambda view: view))
    code, output = findings(app)
    assert code == 0
    assert {line.split()[0] for line in output.splitlines() if not line.startswith(" ")} <= {"ok", "note"}
    assert mail_server.received == []


@pytest.mark.parametrize(
    ("config", "said", "code"),
    [
        ({"MAIL_PORT": free_port()}, "Connection refused", 1),
        ({"MAIL_DEFAULT_SENDER": None}, "There is no sender", 1),
        ({"MAIL_DEFAULT_SENDER": "nobody"}, "is not an address", 1),
        ({"MAIL_DEFAULT_SENDER": "Support <Support@example.com>"}, "both support@example.com", 0),
        ({"KAPA_HANDOFF_EMAIL": None}, "no address to send tickets to", 0),
        ({"SECRET_KEY": None}, "SECRET_KEY is not set", 1),
        ({"MAIL_SUPPRESS_SEND": True}, "Sending is turned off on this site (MAIL_SUPPRESS_SEND", 0),
        ({}, "no admin pages", 0),
    ],
)
def test_doctor_names_what_is_wrong(
    make_app: Callable[..., Flask], mail_server: MailServer, config: dict[str, object], said: str, code: int
) -> None:
    """Each fault is named with why it matters and how to fix it; a problem makes the exit code 1."""
    app = make_app(**{"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mail_server.port, **config})
    found, output = findings(app)
    assert said in output
    assert "->" in output
    assert found == code, output


def test_a_cron_job_prints_only_problems(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """With `--quiet` a good setup says nothing."""
    app = mailing(make_app, mail_server, handoff=KapaHandoff(admin_required=lambda view: view))
    assert invoke(app, "doctor", "--quiet").output == ""
    send_ticket(app.test_client())
    age(app, next_attempt_at=timedelta(hours=1))
    output = invoke(app, "doctor", "--quiet").output
    assert output.startswith("problem ")
    assert "ok  " not in output


# Tickets


def age(app: Flask, status: str = "queued", **by: timedelta) -> None:
    """Let the tickets of a status have these times earlier."""
    with state_of(app).database.write() as connection:
        for name, difference in by.items():
            values = {name: now(connection) - difference}
            connection.execute(ticket.update().where(ticket.c.status == status).values(**values))


def test_an_undelivered_ticket_is_a_problem(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """It is reported after a quarter of an hour, with what to do for the site's way of delivery."""
    app = mailing(make_app, mail_server)
    send_ticket(app.test_client())
    age(app, next_attempt_at=timedelta(minutes=14))
    assert findings(app)[0] == 0
    age(app, next_attempt_at=timedelta(minutes=60, seconds=10))
    code, output = findings(app)
    assert code == 1
    assert "has been due for 60 minutes" in output
    assert "-> Start a worker: `flask kapa-handoff worker`" in output


@pytest.mark.parametrize(
    ("key", "value"),
    [("KAPA_HANDOFF_FIELDS", [Field("order", "Order number")]), ("KAPA_HANDOFF_FIELDS", "x"), ("KAPA_HANDOFF_X", 1)],
)
def test_keys_that_were_set_too_late_are_a_warning(app: Flask, key: str, value: object) -> None:
    """They are read once, when the package is set up."""
    assert "Set after" not in findings(app)[1]
    app.config[key] = value
    assert f"warning  Set after KapaHandoff was set up: {key}." in findings(app)[1]


def test_there_is_a_remedy_for_each_way_of_delivery(app: Flask) -> None:
    """Whatever KAPA_HANDOFF_DELIVERY says, an engine moves the outbox, and says what to do when nobody delivers."""
    state = state_of(app)
    remedies = [make(state).when_overdue for make in ENGINES.values()]
    assert set(ENGINES) == set(DELIVERIES)
    assert len(set(remedies)) == len(DELIVERIES)


def test_an_expired_lease_is_a_problem(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """A worker was killed while sending a mail, and there is no other one."""
    app = mailing(make_app, mail_server)
    send_ticket(app.test_client())
    assert outbox.claim(state_of(app).database, 30)
    assert findings(app)[0] == 0
    age(app, "sending", leased_until=timedelta(hours=3))
    code, output = findings(app)
    assert code == 1
    assert "was cut off 3 hours ago" in output


def test_a_ticket_with_many_failed_attempts_is_a_warning(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """The mail server puts it off repeatedly: the finding has the server's words."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["450 mailbox busy"]
    send_ticket(app.test_client())
    invoke(app, "deliver")
    assert "mailbox busy" not in findings(app)[1]
    age(app, queued_at=timedelta(hours=50))
    code, output = findings(app)
    assert code == 0
    assert "warning  1 ticket could not be sent yet. The mail server is busy" in output
    assert "Details: 450 mailbox busy" in output


def test_tickets_that_failed_are_a_warning(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """With their number, and the command that sends them all again."""
    app = mailing(make_app, mail_server)
    mail_server.replies["RCPT"] = ["550 no such user"] * 2
    for count, said in ((1, "1 ticket could not be delivered"), (2, "2 tickets could not be delivered")):
        send_ticket(app.test_client())
        invoke(app, "deliver")
        code, output = findings(app)
        assert said in output, count
        assert code == 0
    assert "flask kapa-handoff retry --failed" in output


def test_a_proxy_that_hides_the_visitors_is_a_warning(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The latest ticket tells: after ProxyFix was put in, the next one says that all is well."""
    app = mailing(make_app, mail_server)
    assert "by a proxy" not in findings(app)[1]
    client = app.test_client()
    assert client.post("/handoff/tickets", data=ticket_fields(client)).status_code == 201
    assert "ok       Visitor addresses are recognised correctly." in findings(app)[1]
    forwarded = {"X-Forwarded-For": "192.0.2.7"}
    assert client.post("/handoff/tickets", data=ticket_fields(client), headers=forwarded).status_code == 201
    code, output = findings(app)
    assert "warning  A proxy passes on the visitor's address" in output
    assert "they can send only 10 tickets an hour" in output
    assert "ProxyFix" in output
    assert code == 0
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    assert client.post("/handoff/tickets", data=ticket_fields(client), headers=forwarded).status_code == 201
    assert "Visitor addresses are recognised" in findings(app)[1]


# The mail server


LOG_IN = {"MAIL_USERNAME": "docs", "MAIL_PASSWORD": "the secret of this test"}


def at(make_app: Callable[..., Flask], server: ScriptedServer, **config: Any) -> tuple[int, str]:
    """What the check-up says of a server; what it says never holds the password."""
    app = make_app(**{"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": server.port, **config})
    code, output = findings(app)
    assert LOG_IN["MAIL_PASSWORD"] not in output
    assert "MAIL" not in server.verbs()
    return code, output


def test_a_server_that_accepts_the_login_is_ok(make_app: Callable[..., Flask]) -> None:
    """Over loopback the password may be sent unencrypted."""
    with ScriptedServer(extensions=["AUTH PLAIN"]) as server:
        code, output = at(make_app, server, **LOG_IN)
    assert f"ok       The mail server 127.0.0.1:{server.port} responds and accepts the login." in output
    assert "unencrypted" not in output
    assert code == 0


@pytest.mark.parametrize(
    ("ways", "reply"), [("PLAIN", "535 5.7.8 wrong password"), ("PLAIN LOGIN", f"535 5.7.8 wrong password{HANG_UP}")]
)
def test_a_refused_login_is_reported_as_such(make_app: Callable[..., Flask], ways: str, reply: str) -> None:
    """Also if the server hangs up with it, and no other way to log in can be tried."""
    with ScriptedServer({"AUTH": [reply]}, extensions=[f"AUTH {ways}"]) as server:
        code, output = at(make_app, server, **LOG_IN)
    assert "refuses the login." in output
    assert "Details: 535 5.7.8 wrong password" in output
    assert "-> Check MAIL_USERNAME and MAIL_PASSWORD" in output
    assert code == 1


def test_an_untrusted_certificate_is_reported_as_such(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """With checks disabled it works, which is then a warning."""
    certificate = server_context(make_certificate(tmp_path, "IP:127.0.0.1"))
    with ScriptedServer(extensions=["STARTTLS"], starttls=certificate) as server:
        code, output = at(make_app, server, MAIL_USE_TLS=True)
        assert "cannot be trusted" in output
        assert code == 1
        code, output = at(make_app, server, MAIL_USE_TLS=True, KAPA_HANDOFF_SMTP_VERIFY_TLS=False)
    assert "responds, with TLS." in output
    assert f"warning  The certificate of 127.0.0.1:{server.port} is not checked." in output
    assert code == 0


@pytest.mark.parametrize(
    ("config", "script", "said", "details"),
    [
        ({"MAIL_USE_TLS": True}, {}, "does not offer what the configuration asks for.", "STARTTLS"),
        ({"MAIL_USE_SSL": True}, {}, "No secure connection (TLS) to the mail server", "SSL"),
        (LOG_IN, {}, "does not offer what the configuration asks for.", "SMTP AUTH"),
        (
            LOG_IN,
            {"EHLO": ["250-smtp.example\r\n250 AUTH XOAUTH2"]},
            "does not offer a login with a password.",
            "No suitable",
        ),
        ({}, {"CONNECT": ["554 go away"]}, "cannot be used.", "554 go away"),
        ({}, {"EHLO": [HANG_UP]}, "cannot be used.", "Connection unexpectedly closed"),
    ],
)
def test_each_problem_with_the_server_has_its_own_message(
    make_app: Callable[..., Flask], config: dict[str, Any], script: dict[str, Any], said: str, details: str
) -> None:
    """A lasting problem is reported with its remedy."""
    with ScriptedServer(script) as server:
        code, output = at(make_app, server, **config)
    assert said in output
    assert f"Details: {details}" in output
    assert code == 1


def test_a_host_name_that_cannot_be_found_is_reported_as_such(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy is the name, and not the firewall."""

    def unknown(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    app = make_app(MAIL_SERVER="smtp.example.com", MAIL_PORT=25)
    invoke(app, "db", "upgrade")
    send_ticket(app.test_client())
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code, output = findings(app)
    assert "The host name of the mail server smtp.example.com:25 could not be found (DNS)" in output
    assert code == 1


def test_a_silent_server_does_not_delay_the_check_up(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given a few seconds in all, whatever the timeout of the deliveries is."""
    monkeypatch.setattr(doctor_of_mail, "PATIENCE", 0.5)
    with ScriptedServer({"CONNECT": [SILENCE]}) as server:
        begun = time.monotonic()
        code, output = at(make_app, server, KAPA_HANDOFF_SMTP_TIMEOUT=60)
        assert time.monotonic() - begun < 50
    assert "did not respond in time" in output
    assert code == 1


def test_an_unencrypted_password_is_a_warning(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    """On the way to any other machine than this one."""
    look_up = socket.getaddrinfo

    def at_home(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == "smtp.example.com" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", at_home)
    with ScriptedServer(extensions=["AUTH PLAIN"]) as server:
        code, output = at(make_app, server, MAIL_SERVER="smtp.example.com", **LOG_IN)
    assert f"warning  The password goes to smtp.example.com:{server.port} unencrypted." in output
    assert code == 0


# The database


def test_doctor_says_that_the_database_cannot_be_used(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """A file that is not a database is a problem, not a traceback."""
    broken = tmp_path / "broken.sqlite3"
    broken.write_text("this is no database, and long enough for SQLite to see that " * 20)
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{broken}", MAIL_SUPPRESS_SEND=True)
    code, output = findings(app)
    assert code == 1
    assert "The database cannot be used" in output


@pytest.mark.parametrize(
    ("version", "said", "remedy"),
    [
        (None, "The handoff tables are not in the database yet.", "Create them with: flask kapa-handoff db upgrade"),
        (
            "0001",
            f"The handoff tables are at version 0001; version {schema.HEAD} is needed.",
            "Run: flask kapa-handoff db up",
        ),
        (
            "9999",
            "The handoff tables are at version 9999, which this version of flask-kapa-handoff does not know",
            "Install the newer package",
        ),
    ],
)
def test_tables_of_another_version_are_named_with_the_command(
    make_app: Callable[..., Flask], tmp_path: Path, version: str | None, said: str, remedy: str
) -> None:
    """The version that is there, the one that is needed, and what to do."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'shared.sqlite3'}")
    app = make_app(handoff=KapaHandoff(engine=engine), MAIL_SUPPRESS_SEND=True)
    if version is not None:
        invoke(app, "db", "upgrade")
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE kapa_handoff_ticket DROP COLUMN flag")
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")  # noqa: S608
    code, output = findings(make_app(handoff=KapaHandoff(engine=engine), MAIL_SUPPRESS_SEND=True))
    engine.dispose()
    assert code == 1
    assert f"problem  {said}" in output
    assert f"-> {remedy}" in output


@pytest.mark.parametrize(
    "uri", ["postgresql://docs:hush@127.0.0.1:{}/site", "postgresql://127.0.0.1:{}/site?password=hush"]
)
def test_no_password_is_shown(make_app: Callable[..., Flask], uri: str) -> None:
    """Neither of a database out of reach, nor of the mail server."""
    app = make_app(
        KAPA_HANDOFF_DATABASE_URI=uri.format(free_port()),
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=free_port(),
        **LOG_IN,
    )
    code, output = findings(app)
    assert "The database cannot be used" in output
    assert code == 1
    assert "hush" not in output
    assert LOG_IN["MAIL_PASSWORD"] not in output


@pytest.mark.only("postgresql")
def test_the_databases_address_is_shown_without_its_password(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """Wherever the password is in the address."""
    url = make_url(mailing(make_app, mail_server).config["KAPA_HANDOFF_DATABASE_URI"])
    for secret in (url.set(password="hush"), url.set(query={**url.query, "password": "hush"})):
        shown = mailing(make_app, mail_server, KAPA_HANDOFF_DATABASE_URI=secret.render_as_string(hide_password=False))
        output = findings(shown)[1]
        assert "ok       The database works" in output
        assert "hush" not in output
