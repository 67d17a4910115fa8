"""docs/container.md and docs/systemd.md: their files fit together, and their commands run."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from flask_kapa_handoff.config import Config
from flask_kapa_handoff.state import state_of
from tests.helpers.guides import blocks, environment, files, flask, run_block
from tests.helpers.servers import WebServer

pytestmark = pytest.mark.only("sqlite")


def container_site(folder: Path) -> None:
    (folder / "website.py").write_text(files_of_container()["website.py"])


def files_of_container() -> dict[str, str]:
    (program,) = blocks("container", "python")
    return {**files("container"), "website.py": program}


def dockerfile() -> dict[str, list[str]]:
    """The instructions of the Dockerfile, with what follows each of them."""
    found: dict[str, list[str]] = {}
    for line in files("container")["Dockerfile"].splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction:
            found.setdefault(instruction, []).append(rest)
    return found


def test_the_image_has_what_it_runs() -> None:
    """It copies files of the page, and the database is on the volume, in a folder of the user."""
    image = dockerfile()
    assert {rest.split()[0] for rest in image["COPY"]} == set(files_of_container()) & {
        "requirements.txt",
        "website.py",
    }
    (volume,) = image["VOLUME"]
    (user,) = image["USER"]
    assert f"--owner={user} {volume}" in image["RUN"][0]
    assert dict(word.split("=", 1) for word in image["ENV"][0].split()) == {
        "FLASK_APP": "website",
        "FLASK_KAPA_HANDOFF_DATABASE_URI": f"sqlite:///{volume}/handoff.sqlite3",
    }
    program, *options, module = json.loads(image["CMD"][0])
    assert program in files("container")["requirements.txt"].split()
    assert module == "website:app"
    assert f"--bind=0.0.0.0:{image['EXPOSE'][0]}" in options


def test_the_compose_file_names_what_the_image_has() -> None:
    compose = yaml.safe_load(files("container")["compose.yaml"])
    web = compose["services"]["web"]
    volume, folder = web["volumes"][0].split(":")
    assert volume in compose["volumes"]
    assert folder == dockerfile()["VOLUME"][0]
    assert web["env_file"] in files("container")
    assert web["ports"] == [f"{dockerfile()['EXPOSE'][0]}:8000"]
    assert int(web["stop_grace_period"].removesuffix("s")) > Config().smtp_timeout


def test_the_health_check_fails_with_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of the compose file, against the site of the page."""
    for name, value in environment(tmp_path, "container", "site.env").items():
        monkeypatch.setenv(name, value)
    (program,) = blocks("container", "python")
    app = run_block(program, __name__="website")["app"]
    server = WebServer(app)
    command = yaml.safe_load(files("container")["compose.yaml"])["services"]["web"]["healthcheck"]["test"]
    _, program, option, code = command
    assert (program, option) == ("python", "-c")
    check = [sys.executable, option, code.replace("http://127.0.0.1:8000", server.url)]
    try:
        assert subprocess.run(check, check=False, capture_output=True).returncode == 0
        state_of(app).database.close()
        (tmp_path / "handoff.sqlite3").write_bytes(b"no database" * 1000)
        assert subprocess.run(check, check=False, capture_output=True).returncode == 1
    finally:
        state_of(app).delivery.stop()
        server.stop()


@pytest.mark.parametrize(("page", "variables"), [("container", "site.env"), ("systemd", "/srv/site/environment")])
def test_the_environment_is_enough_for_a_site(page: str, variables: str, tmp_path: Path) -> None:
    """The check-up finds an address, a sender and a mail server in it."""
    container_site(tmp_path)
    said = flask("flask --app website kapa-handoff doctor", tmp_path, environment(tmp_path, page, variables))
    assert "support@example.com" in said
    assert "handoff.sqlite3" in said
    assert "KAPA_HANDOFF_EMAIL is not set" not in said


UNITS = ("/etc/systemd/system/site.service", "/etc/systemd/system/handoff-worker@.service")


@pytest.mark.parametrize("name", UNITS)
def test_the_units_of_systemd(name: str, tmp_path: Path) -> None:
    """They read the page's environment, leave time to finish a mail, and start what is there."""
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(files("systemd")[name])
    service = unit["Service"]
    assert service["EnvironmentFile"] in files("systemd")
    assert int(service["TimeoutStopSec"]) > Config().smtp_timeout
    program = Path(shlex.split(service["ExecStart"])[0])
    assert program.parent == Path(service["WorkingDirectory"], ".venv/bin")
    assert program.name in ("flask", "gunicorn")


def test_the_worker_of_the_unit_starts(tmp_path: Path) -> None:
    """Its command, with --help instead of a run without an end."""
    (line,) = re.findall(r"^ExecStart=\S+/(flask .+)$", files("systemd")[UNITS[1]], re.MULTILINE)
    container_site(tmp_path)
    said = flask(f"{line} --help", tmp_path, environment(tmp_path, "systemd", "/srv/site/environment"))
    assert "Deliver tickets until stopped" in said


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_units(name: str, tmp_path: Path) -> None:
    """Its own check, with a program that is there."""
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", files("systemd")[name], flags=re.MULTILINE)
    unit = tmp_path / Path(name).name.replace("@.", "@1.")
    unit.write_text(re.sub(r"^User=.*$", "User=root", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
