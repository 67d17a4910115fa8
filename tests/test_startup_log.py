"""What a serving process logs once: what is on, what is missing, and how to get it."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.startup_log import PARTS
from flask_kapa_handoff.state import state_of
from tests.helpers.admin import let_pass
from tests.helpers.commands import invoke
from tests.helpers.servers import free_port
from tests.helpers.sites import ROOT, close, new_site

MakeApp = Callable[..., Flask]
Lines = dict[str, int]

ON: dict[str, Any] = {
    "SECRET_KEY": "0f8b1c63d7e94a25b8c0d1e2f3a49576",
    "KAPA_HANDOFF_DELIVERY": "thread",
    "MAIL_SERVER": "smtp.example.com",
    "MAIL_PORT": 587,
    "MAIL_USE_TLS": True,
}


def said(caplog: pytest.LogCaptureFixture, app: Flask) -> Lines:
    """The lines of a site's first request, without the site's name, and their levels."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "flask_kapa_handoff"):
        app.test_client().get("/")
    begins = f"Handoff of {app.name}: "
    found = [one for one in caplog.records if one.name == "flask_kapa_handoff.startup_log"]
    assert all(one.getMessage().startswith(begins) for one in found)
    return {one.getMessage().removeprefix(begins): one.levelno for one in found}


@pytest.mark.only("sqlite")
def test_a_site_that_has_everything_says_so_in_one_line_for_each_thing(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """All of it is information, nothing of it names a person, and it is said once."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), **ON)
    assert said(caplog, app) == dict.fromkeys(
        (
            "The forms are signed with the site's secret key.",
            "Tickets have an address to go to.",
            "Mail goes through smtp.example.com:587, with TLS.",
            "Threads of this process send tickets.",
            "The admin pages are at /handoff/admin/, guarded by the site's decorator.",
            f"Tickets are kept in {app.instance_path}/kapa_handoff.sqlite3.",
            "Visitors read it in their own language, one of 14.",
        ),
        logging.INFO,
    )
    assert "@" not in caplog.text
    assert said(caplog, app) == {}


# By the thing: what the configuration has instead (...: not even the key), and how the line begins.
MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "secret key": ({"SECRET_KEY": None}, "SECRET_KEY is not set. Set it to a random value,"),
    "address": (
        {"KAPA_HANDOFF_EMAIL": None},
        "There is no address for tickets, so no button is shown. Set KAPA_HANDOFF_EMAIL or enter one on the settings",
    ),
    "sender": ({"MAIL_DEFAULT_SENDER": None}, "There is no sender. Set KAPA_HANDOFF_SENDER or MAIL_DEFAULT_SENDER to"),
    "no mail server": ({"MAIL_SERVER": None}, "No mail server is set. Set MAIL_SERVER and MAIL_PORT."),
    "mail server": (
        {"MAIL_SERVER": ...},
        "MAIL_SERVER is not set, so mail goes to this machine's own mail server (127.0.0.1:25). Set MAIL_SERVER and",
    ),
    "sending": (
        {"MAIL_SUPPRESS_SEND": True},
        "Sending is turned off on this site (MAIL_SUPPRESS_SEND, which TESTING turns on as well). Set ",
    ),
}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("thing", MISSING)
def test_a_missing_thing_is_a_warning_with_its_remedy(
    thing: str, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """One line, beside those of what is on."""
    config, begins = MISSING[thing]
    set_keys = {key: value for key, value in {**ON, "MAIL_PORT": 25, **config}.items() if value is not ...}
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), **set_keys)
    lines = said(caplog, app)
    (warning,) = [line for line, level in lines.items() if level == logging.WARNING]
    assert warning.startswith(begins)
    assert len(lines) >= len(PARTS)


def test_an_address_that_admins_entered_counts(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """The configuration need not have one."""
    app = make_app(handoff=(handoff := KapaHandoff(admin_required=let_pass)), **{**ON, "KAPA_HANDOFF_EMAIL": None})
    if state_of(app).database.file is None:
        invoke(app, "db", "upgrade")
    with app.app_context():
        handoff.settings.save("default", changed_by="ada", email="help@example.com")
    lines = said(caplog, app)
    assert lines["Tickets have an address to go to."] == logging.INFO


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("delivery", "line"),
    [
        ("external", "Another process sends tickets: `flask kapa-handoff worker`, or `deliver` from cron."),
        ("inline", "Each ticket is sent in the request that creates it."),
    ],
)
def test_who_sends_tickets_is_said(
    delivery: str, line: str, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """For each way of delivery that needs nothing else."""
    lines = said(caplog, make_app(**{**ON, "KAPA_HANDOFF_DELIVERY": delivery}))
    assert lines[line] == logging.INFO


@pytest.mark.only("sqlite")
def test_a_fixed_language_is_named(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """Instead of how many there are."""
    assert "Everybody reads it in one language, de." in said(caplog, make_app(KAPA_HANDOFF_LANGUAGE="de", **ON))


# --- the database ----------------------------------------------------------------------------------------------------


@pytest.mark.only("postgresql")
def test_a_database_is_named_without_its_user_and_password(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not asked either: the server need not be there."""
    uri = "postgresql://user-word:secret-word@db.example.com/tickets?password=another-word"
    lines = said(caplog, make_app(KAPA_HANDOFF_DATABASE_URI=uri, **ON))
    (line,) = [line for line in lines if "Tickets are kept in" in line]
    assert "db.example.com/tickets, whose tables `flask kapa-handoff db upgrade` creates." in line
    assert not any(word in caplog.text for word in ("user-word", "secret-word", "another-word"))


@pytest.mark.only("sqlite")
def test_the_sites_own_database_in_memory_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It cannot be shared, and the remedy is a file."""
    app = new_site(tmp_path, **ON, SQLALCHEMY_DATABASE_URI="sqlite://")
    SQLAlchemy(app)
    KapaHandoff(app)
    (line,) = [line for line, level in said(caplog, app).items() if "in memory" in line and level == logging.WARNING]
    assert "set KAPA_HANDOFF_DATABASE_URI" in line
    close(app)


@pytest.mark.only("sqlite")
def test_a_place_that_cannot_be_written_to_is_a_warning(
    make_app: MakeApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As the check-up says it."""
    (tmp_path / "taken").write_text("a file where the folder should be")
    lines = said(caplog, make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}/taken/t.sqlite3", **ON))
    assert lines[
        f"{tmp_path}/taken is not a folder, so {tmp_path}/taken/t.sqlite3 cannot be made. "
        "Set KAPA_HANDOFF_DATABASE_URI to another place."
    ] == (logging.WARNING)


# --- who says it -----------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_a_site_under_test_says_errors_alone(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """Its tests read their own logs."""
    app = make_app(**ON)
    app.testing = True
    assert said(caplog, app) == {}
    app = make_app(**ON, KAPA_HANDOFF_CHANNEL="pager")
    app.testing = True
    (line,) = said(caplog, app).items()
    assert "pager" in line[0]
    assert line[1] == logging.ERROR


@pytest.mark.only("sqlite")
def test_a_failing_part_costs_neither_the_page_nor_the_other_lines(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says that it is incomplete, without the error's message, which may contain anything."""

    def fails(*_: object) -> None:
        raise RuntimeError("zeisig")

    app = make_app(**ON)
    monkeypatch.setattr("flask_kapa_handoff.startup_log.examine_secret", fails)
    with caplog.at_level(logging.INFO, "flask_kapa_handoff"):
        assert app.test_client().get("/handoff/offer?pairs=1").status_code == 200
    assert "The start-up log is incomplete. RuntimeError" in caplog.text
    assert "Threads of this process send tickets." in caplog.text
    assert "zeisig" not in caplog.text


SITE = """
import logging
from flask import Flask
from flask_kapa_handoff import KapaHandoff
logging.basicConfig(level=logging.INFO)
app = Flask("site", instance_path={instance!r})
app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", MAIL_SERVER="127.0.0.1", MAIL_PORT=1,
                  MAIL_DEFAULT_SENDER="site@example.com")
KapaHandoff(app)
"""


def test_a_command_says_nothing(tmp_path: Path) -> None:
    """It serves no request."""
    (tmp_path / "wsgi.py").write_text(SITE.format(instance=str(tmp_path)))
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "kapa-handoff", "tickets"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "There are no tickets yet.\n"
    assert "Handoff of" not in done.stderr


def test_a_server_says_it_once_and_the_reloaders_parent_never(tmp_path: Path) -> None:
    """At the first request, of as many as there are, in the process that serves."""
    (tmp_path / "wsgi.py").write_text(SITE.format(instance=str(tmp_path)))
    port = free_port()
    command = [sys.executable, "-u", "-m", "flask", "--app", "wsgi", "run", "--debug", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        printed = ""
        # The line of the reloader's child, which comes last.
        for line in server.stdout:
            printed += line
            if "Debugger PIN" in line:
                break
        assert "Handoff of" not in printed
        for _ in range(3):
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"http://127.0.0.1:{port}/")
        os.killpg(server.pid, signal.SIGTERM)
        printed = server.stdout.read()
    lines = re.findall(r"(\w+):\S+:Handoff of site: (.*)", printed)
    # This site has no admin pages.
    assert len(lines) == len({said for _, said in lines}) == len(PARTS) - 1
    assert {level for level, _ in lines} == {"INFO", "WARNING"}


def test_the_page_about_the_log_quotes_its_lines(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """As a site says them that has everything but a sender."""
    page = (ROOT / "docs" / "monitoring.md").read_text().partition("## What the log says at start")[2]
    quoted = page.partition("```text\n")[2].partition("```")[0].splitlines()
    lines = said(caplog, make_app(**{**ON, "MAIL_DEFAULT_SENDER": None}))
    assert set(quoted) <= {f"Handoff of site: {line}" for line in lines}
    assert len(quoted) == 2
