"""``flask kapa-handoff init``: the first configuration, and what is still missing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_mail import Mail

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.config import Config
from tests.helpers.admin import let_pass
from tests.helpers.commands import SITE, invoke, invoke_apart
from tests.helpers.servers import MailServer
from tests.helpers.sites import close, file_of

pytestmark = pytest.mark.only("sqlite")

FLAGS = ("--email", "support@example.com", "--sender", "Acme <docs@example.com>", "--site-name", "Acme & Söhne")
KEY = "0f8b1c63d7e94a25b8c0d1e2f3a49576"


@pytest.fixture
def bare(tmp_path: Path) -> Flask:
    """A site that has just mounted the package, and configured nothing."""
    app = Flask("acme", instance_path=str(tmp_path / "instance"))
    KapaHandoff(app)
    return app


def ask(app: Flask, answers: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: click's runner differs from a real end of input."""
    folder = Path(app.instance_path).parent
    config = {key: app.config[key] for key in app.config if key.startswith(("KAPA_HANDOFF_", "MAIL_"))}
    (folder / "wsgi.py").write_text(SITE.format(instance=app.instance_path, config=config))
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "kapa-handoff", "init", *words]
    return subprocess.run(
        command, cwd=folder, input=answers, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def loaded(block: str, folder: Path) -> dict[str, Any]:
    """What a site has that loads this configuration."""
    (folder / "loaded.cfg").write_text(block, encoding="utf-8")
    app = Flask("acme", instance_path=str(folder / "loaded"))
    before = set(app.config)
    app.config.from_pyfile(str(folder / "loaded.cfg"))
    return {key: value for key, value in app.config.items() if key not in before}


def test_the_flags_make_a_configuration_that_a_site_can_load(bare: Flask, tmp_path: Path) -> None:
    """Standard output has only that; what is not set is there as a comment."""
    result = invoke_apart(bare, "init", *FLAGS)
    assert result.exit_code == 0
    assert loaded(result.stdout, tmp_path) == {
        "KAPA_HANDOFF_EMAIL": "support@example.com",
        "KAPA_HANDOFF_SENDER": "Acme <docs@example.com>",
        "KAPA_HANDOFF_SITE_NAME": "Acme & Söhne",
    }
    commented = "\n".join(line.removeprefix("# ") for line in result.stdout.splitlines() if " = " in line)
    keys = loaded(commented, tmp_path)
    assert {"MAIL_SERVER", "MAIL_PORT", "MAIL_USE_TLS", "KAPA_HANDOFF_TRIGGERS"} < set(keys)
    Config.from_mapping(keys)


@pytest.mark.parametrize(
    ("port", "tls"), [(587, {"MAIL_USE_TLS": True}), (465, {"MAIL_USE_SSL": True}), (25, {}), (2525, {})]
)
def test_the_mail_servers_port_decides_about_tls(port: int, tls: dict[str, bool], bare: Flask, tmp_path: Path) -> None:
    """Port 587 is the default."""
    words = ("--mail-port", str(port)) if port != 587 else ()
    result = invoke_apart(bare, "init", *FLAGS, "--mail-server", "nowhere.invalid", *words)
    keys = loaded(result.stdout, tmp_path)
    mail = {key: value for key, value in keys.items() if key.startswith("MAIL_")}
    assert mail == {"MAIL_SERVER": "nowhere.invalid", "MAIL_PORT": port, **tls}
    assert f"The host name of the mail server nowhere.invalid:{port} could not be found" in result.stderr


def test_it_says_what_is_missing_and_how_to_get_it(bare: Flask) -> None:
    """The check-up of the site as it will be; neither the site nor its database is touched."""
    before = dict(bare.config)
    said = invoke_apart(bare, "init", *FLAGS).stderr
    assert "\nWhat is still missing:\nproblem  SECRET_KEY is not set.\n" in said
    assert "-> Pass `admin_required=" in said
    assert "There is no address" not in said  # it is in the configuration that was made
    assert dict(bare.config) == before
    assert not file_of(bare).exists()


def test_with_everything_there_nothing_is_missing(admin_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Even if Flask-Mail was set up before, with another server: the new configuration is what counts."""
    app = admin_app(SECRET_KEY=KEY, MAIL_SERVER="old.invalid")
    Mail(app)
    words = ("--mail-server", "127.0.0.1", "--mail-port", str(mail_server.port))
    said = invoke_apart(app, "init", *FLAGS, *words).stderr
    assert "Nothing is missing." in said
    assert "problem" not in said


def test_a_mail_server_that_is_configured_is_not_asked_for_again(make_app: Callable[..., Flask]) -> None:
    """Its password is not printed either."""
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=1, MAIL_USERNAME="docs", MAIL_PASSWORD="zeisig", SECRET_KEY=KEY)
    result = invoke_apart(app, "init", *FLAGS)
    assert "It is configured already: MAIL_SERVER is set." in result.stdout
    assert "zeisig" not in result.output
    assert KEY not in result.output


def test_a_contradiction_to_the_rest_of_the_configuration_is_named(make_app: Callable[..., Flask]) -> None:
    """Instead of a check-up: such a site does not start."""
    app = make_app(MAIL_USE_SSL=True)
    result = invoke_apart(app, "init", *FLAGS, "--mail-server", "127.0.0.1")
    assert result.exit_code == 1
    assert (
        "Error: With what is configured already, this does not work: MAIL_USE_TLS, MAIL_USE_SSL: use one"
        in result.stderr
    )


# --- a file ----------------------------------------------------------------------------------------------------------


def test_a_file_is_written_and_the_line_that_loads_it_is_shown(bare: Flask, tmp_path: Path) -> None:
    """A site with that line has the configuration, and sends its tickets there."""
    file = tmp_path / "handoff.cfg"
    result = invoke_apart(bare, "init", *FLAGS, "--write", str(file))
    assert result.stdout == ""
    assert f"Written to {file}. Load it before KapaHandoff is set up:" in result.stderr
    (line,) = [line.strip() for line in result.stderr.splitlines() if "from_pyfile" in line]
    app = Flask("acme", instance_path=str(tmp_path / "other"))
    exec(line, {"app": app})  # noqa: S102 - our own output
    app.secret_key = KEY
    KapaHandoff(app, admin_required=let_pass)
    assert "Tickets go to support@example.com." in invoke(app, "doctor").output
    close(app)


@pytest.mark.parametrize("kind", ["file", "folder", "link to nowhere"])
def test_what_exists_is_not_overwritten(kind: str, bare: Flask, tmp_path: Path) -> None:
    """It is said before anything is asked."""
    place = tmp_path / "config.py"
    if kind == "file":
        place.touch()
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    result = ask(bare, "", "--write", str(place))
    assert result.returncode == 1
    assert f"Error: {place} exists already, so nothing was written." in result.stderr
    assert "Where should" not in result.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_missing_is_named(bare: Flask, tmp_path: Path) -> None:
    """And nothing is left behind."""
    result = invoke_apart(bare, "init", *FLAGS, "--write", str(tmp_path / "no" / "handoff.cfg"))
    assert result.exit_code == 1
    assert f"Error: {tmp_path}/no/handoff.cfg cannot be written: No such file or directory." in result.stderr


# --- questions -------------------------------------------------------------------------------------------------------


def test_it_asks_for_what_no_flag_says_until_it_is_right(bare: Flask, tmp_path: Path) -> None:
    """A wrong answer is explained and asked for again."""
    answers = ["support@example", "support@example.com", "Acme", "docs@example.com", "y", "localhost", "0", "2525"]
    result = ask(bare, "\n".join(answers) + "\n")
    assert "'support@example' is not allowed: something like .com is missing" in result.stderr
    assert "0 is not in the range" in result.stderr
    keys = loaded(result.stdout, tmp_path)
    assert keys["KAPA_HANDOFF_EMAIL"] == "support@example.com"
    assert (keys["MAIL_SERVER"], keys["MAIL_PORT"]) == ("localhost", 2525)


def test_what_is_configured_is_the_answer_to_enter(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """The mail server may come later."""
    result = ask(make_app(KAPA_HANDOFF_SENDER="docs@example.com"), "\n\n\n\n")
    assert loaded(result.stdout, tmp_path) == {
        "KAPA_HANDOFF_EMAIL": "support@example.com",
        "KAPA_HANDOFF_SENDER": "docs@example.com",
        "KAPA_HANDOFF_SITE_NAME": "site",
    }


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (FLAGS[2:], "There is nobody to ask here. Give --email."),
        (("--email", "a@b"), "Invalid value for '--email': 'a@b' is not allowed: something like .com is missing"),
        (("--sender", "Acme"), "Invalid value for '--sender': 'Acme' is not allowed: the @ is missing; use docs@"),
        (("--site-name", ""), "Invalid value for '--site-name': '' is not allowed: use text of 1 to 100 characters."),
        (
            ("--mail-server", "smtp://host"),
            "Invalid value for '--mail-server': 'smtp://host' is not allowed: use a host",
        ),
        (("--mail-port", "70000"), "Invalid value for '--mail-port': 70000 is not in the range"),
    ],
)
def test_a_wrong_flag_is_refused_with_what_is_allowed(words: tuple[str, ...], error: str, bare: Flask) -> None:
    """And nothing is printed that could be taken for a configuration."""
    result = ask(bare, "", *words)
    assert result.returncode == 2
    assert error in result.stderr
    assert result.stdout.strip() == ""


def test_the_end_of_input_at_a_question_of_a_terminal_ends_it_quietly(tmp_path: Path) -> None:
    """Ctrl-D: someone is there, and does not want to."""
    (tmp_path / "app.py").write_text(
        "from flask import Flask\nfrom flask_kapa_handoff import KapaHandoff\napp = Flask('acme')\nKapaHandoff(app)\n"
    )
    terminal, end = pty.openpty()
    os.write(terminal, b"\x04")
    command = [sys.executable, "-m", "flask", "kapa-handoff", "init"]
    done = subprocess.run(command, cwd=tmp_path, stdin=end, capture_output=True, text=True, timeout=60, check=False)
    os.close(end)
    os.close(terminal)
    assert done.returncode == 1
    assert done.stdout.strip() == ""  # click 8.1 writes a space to it
    assert "Where should tickets go" in done.stderr
    assert done.stderr.endswith("Aborted!\n")
