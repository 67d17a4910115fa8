"""The admin's check-up page."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_mail
import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from jinja2 import DictLoader
from sqlalchemy import event
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.doctor import examine
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.translation import Language, speak
from tests.helpers.servers import MailServer

LEVEL = re.compile(r'data-level="(\w+)"')


@pytest.fixture
def admin_app(make_app: Callable[..., Flask], mail_server: MailServer) -> Callable[..., Flask]:
    """Builds apps with a mail server and admin pages that are open to everyone."""

    def build(**config: Any) -> Flask:
        mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mail_server.port}
        return make_app(handoff=KapaHandoff(admin_required=lambda view: view), **{**mail, **config})

    return build


def check_up(client: FlaskClient, **options: Any) -> tuple[str, list[str]]:
    """The page's text without its tags, and the levels of its findings."""
    answer = client.get("/handoff/admin/doctor", **options)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
    return text, LEVEL.findall(answer.text)


def test_all_is_well(admin_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Each thing that was looked at is named, and no mail is sent."""
    text, levels = check_up(admin_app().test_client())
    assert "All good" in text
    assert "Tickets go to support@example.com." in text
    assert set(levels) <= {"ok", "note"}  # a note if there are tables: no arrival is confirmed
    assert len(levels) >= 6
    assert mail_server.received == []


def test_the_worst_comes_first(admin_app: Callable[..., Flask]) -> None:
    """Problems, then warnings, then what is well; each with why it matters and how to fix it."""
    app = admin_app(MAIL_DEFAULT_SENDER=None, SECRET_KEY="short")
    text, levels = check_up(app.test_client())
    assert levels == sorted(levels, key=["problem", "warning", "note", "ok"].index)
    assert "1 problem" in text
    assert "1 warning" in text
    assert "All good" not in text
    assert "Problem: There is no sender. Tickets are stored, but they cannot be sent. How to fix it: Send the" in text
    assert "For developers Set KAPA_HANDOFF_SENDER" in text


def test_commands_are_marked_as_code(admin_app: Callable[..., Flask]) -> None:
    """What to type is marked up as code, and so are the names of keys; nothing else is."""
    app = admin_app(SECRET_KEY="short", MAIL_DEFAULT_SENDER=None)
    page = app.test_client().get("/handoff/admin/doctor").text
    found = {unescape(code) for code in re.findall(r"<code>(.*?)</code>", page)}
    command = 'python -c "import secrets; print(secrets.token_hex(32))"'
    assert found == {command, "KAPA_HANDOFF_SENDER", "MAIL_DEFAULT_SENDER"}
    assert "`" not in page.partition("<textarea")[0]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("version", "options", "runs"),
    [
        (b"2.0.23", {}, False),
        (b"2.0.26", {"http": b":8000", "processes": b"4"}, False),
        (b"2.0.23", {"enable-threads": True}, True),
        (b"2.0.23", {"threads": b"1"}, False),
        (b"2.0.23", {"threads": b"2"}, True),
        (b"2.0.22-debian", {}, False),
        ("a site's own module", {}, True),
        (None, None, True),
        (b"2.0.27", {}, True),
        (b"2.0.31", {}, True),
        (b"2.1-dev", {}, True),
    ],
)
def test_a_web_server_without_threads_is_a_problem(
    admin_app: Callable[..., Flask],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: bytes | str | None,
    options: dict[str, Any] | None,
    runs: bool,
) -> None:
    """In a process of uWSGI, which has a module that says so; the log of its first request says it, too."""
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(version=version, opt=options))
    app = admin_app(KAPA_HANDOFF_DELIVERY="thread")
    text, _ = check_up(app.test_client())
    state_of(app).delivery.stop()
    said = "uWSGI runs no threads here, so tickets wait in the database."
    assert (said in text, said in caplog.text) == (not runs, not runs)
    assert said not in check_up(admin_app(KAPA_HANDOFF_DELIVERY="external", name="other").test_client())[0]


def test_the_pages_own_request_tells_of_a_proxy(admin_app: Callable[..., Flask]) -> None:
    """Before the first ticket, too; and ProxyFix fixes it."""
    app = admin_app()
    forwarded = {"X-Forwarded-For": "192.0.2.7"}
    text, levels = check_up(app.test_client(), headers=forwarded)
    assert "A proxy passes on the visitor's address" in text
    assert levels.count("warning") == 1
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    assert set(check_up(app.test_client(), headers=forwarded)[1]) == {"ok", "note"}


def test_a_broken_database_is_a_finding_and_no_error(admin_app: Callable[..., Flask], tmp_path: Path) -> None:
    """The page is there for just that, and the rest is looked at all the same."""
    broken = tmp_path / "broken.sqlite3"
    broken.write_text("this is no database, and long enough for SQLite to see that " * 20)
    text, levels = check_up(admin_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{broken}").test_client())
    assert "Problem: The database cannot be used. No button is shown" in text
    assert levels.count("problem") == 1
    assert "The mail server 127.0.0.1" in text


def test_what_a_server_says_is_text(admin_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Words from outside, a ticket's last error among them, are escaped."""
    app = admin_app()
    app.extensions["mail"] = flask_mail.Mail().init_mail({"MAIL_PORT": "<script>alert(1)</script>"})
    page = app.test_client().get("/handoff/admin/doctor").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_sites_guard_protects_it(make_app: Callable[..., Flask]) -> None:
    """A visitor who is not an admin gets no information."""
    app = make_app(handoff=KapaHandoff(admin_required=lambda view: lambda **values: abort(401)))
    assert app.test_client().get("/handoff/admin/doctor").status_code == 401


def test_the_other_pages_lead_to_it(admin_app: Callable[..., Flask]) -> None:
    """A tab on each of them, marked where one is."""
    client = admin_app().test_client()
    for address in ("/handoff/admin/", "/handoff/admin/tickets"):
        assert '<a href="/handoff/admin/doctor">Check-up</a>' in client.get(address).text
    page = client.get("/handoff/admin/doctor").text
    assert '<a href="/handoff/admin/doctor" aria-current="page">Check-up</a>' in page


@pytest.mark.only("sqlite")
def test_it_is_in_the_admins_language_after_the_sites_templates_were_tried(admin_app: Callable[..., Flask]) -> None:
    """They are tried in a request that is made up within the admin's own, in the site's language."""
    app = admin_app()
    app.jinja_loader = DictLoader({"kapa_handoff/form_page.html": "{{ button_text }}"})
    response = app.test_client().get("/handoff/admin/doctor", headers={"Accept-Language": "de"})
    assert 'lang="de"' in response.text


@pytest.mark.only("sqlite")
def test_its_findings_are_in_the_admins_language_and_its_report_in_english(admin_app: Callable[..., Flask]) -> None:
    """What is well, what is not, why and how to fix it; the developers' report is what the command prints."""
    app = admin_app(
        SECRET_KEY="short",
        MAIL_DEFAULT_SENDER=None,
        MAIL_SERVER=None,
        KAPA_HANDOFF_EMAIL=None,
        KAPA_HANDOFF_SITE_NAME=None,
        KAPA_HANDOFF_ADMIN_TEMPLATE="nowhere.html",
    )
    client = app.test_client()
    client.get("/handoff/admin/")  # creates the tables
    for _ in range(2):
        state_of(app).refusals.count("rate_limited", "client")
    page = client.get("/handoff/admin/doctor", headers={"Accept-Language": "de"}).text
    before, _, rest = page.partition("<textarea")
    report, _, after = rest.partition("</textarea>")
    shown = " ".join(unescape(re.sub(r"<[^>]+>", " ", before + after)).split())
    assert "Problem: Es gibt keinen Absender. Tickets werden gespeichert, können aber nicht gesendet werden." in shown
    assert "In den letzten 24 Stunden abgelehnt: 2 Anfragen über einem Limit (2 x client)." in shown

    with app.test_request_context():
        findings = examine(app, state_of(app))
    assert len(findings) > 8
    for finding in findings:
        for text in (finding.what, finding.why, finding.remedy, finding.for_admins):
            if text is not None:
                with speak(app_language(app, "de")):
                    german = str(text)
                assert german != text.english
                plain = " ".join(text.english.replace("`", "").split())
                assert plain not in shown
        assert finding.what.english in unescape(report)
        assert finding.remedy is None or finding.remedy.english in unescape(report)


def app_language(app: Flask, tag: str) -> Language:
    found = state_of(app).languages.best([tag])
    assert found is not None
    return found


@pytest.mark.only("sqlite")
def test_the_command_speaks_english_on_a_german_site(make_app: Callable[..., Flask]) -> None:
    """So does the log."""
    app = make_app(KAPA_HANDOFF_LANGUAGE="de", MAIL_DEFAULT_SENDER=None)
    output = app.test_cli_runner().invoke(args=["kapa-handoff", "doctor"]).output
    assert "problem  There is no sender.\n         Tickets are stored, but they cannot be sent.\n" in output


@pytest.mark.only("sqlite")
def test_arrivals_are_read_once(admin_app: Callable[..., Flask]) -> None:
    """One query for the finding and for the button, on the first page that a new site serves, too."""
    app = admin_app()
    client, read = app.test_client(), list[str]()
    engine = state_of(app).database.engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: read.append(str(arguments[2])))
    page = client.get("/handoff/admin/doctor").text
    assert "Do mails arrive?" in page
    assert sum("FROM kapa_handoff_arrival" in statement for statement in read) == 1
