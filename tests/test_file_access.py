"""An SQLite file that cannot be used: each reason has its message, and the check-up creates nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import VERSION_TABLE, schema
from tests.helpers.commands import findings, invoke
from tests.helpers.sites import file_of
from tests.helpers.tickets import send_ticket

ROOT = Path(__file__).parent.parent
NOBODY = 65534

SENTENCES = {
    "folder": "cannot make {file} in it. ",
    "file": "The file {file} belongs to {owner} (mode 0444), and the user {user}, who runs this process, cannot",
    "log": "SQLite keeps a log beside {file}. The folder belongs to {owner} (mode 0555), and the user {user}, ",
    "is-folder": "{file} is a folder, not a file. ",
    "in-file": "so {file} cannot be made. ",
}

as_root_alone = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file for another user")

# Everything that is imported late is imported while this may still read the installation.
PROGRAM = """
import json, logging, os, sys
from pathlib import Path
from flask import Flask
from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of

def site(file):
    app = Flask("site", instance_path=str(file.parent))
    app.config.update(SECRET_KEY="ab3f92c07d51e864", KAPA_HANDOFF_EMAIL="support@example.com",
                      KAPA_HANDOFF_DELIVERY="external", KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{file}",
                      MAIL_SUPPRESS_SEND=True, MAIL_DEFAULT_SENDER="site@example.com")
    KapaHandoff(app)
    return app

def visit(file):
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logging.getLogger("flask_kapa_handoff").addHandler(handler)
    app = site(file)
    doctor = app.test_cli_runner().invoke(args=["kapa-handoff", "doctor"])
    existed = file.exists()
    status = app.test_client().get("/handoff/offer?pairs=1", headers={"Accept": "application/json"}).status_code
    tickets = app.test_cli_runner().invoke(args=["kapa-handoff", "tickets"])
    state_of(app).database.close()
    return {"doctor": doctor.output, "status": status, "existed": existed, "log": chr(10).join(records),
            "tickets": tickets.output}

files = [Path(name) for name in sys.argv[2:]]
visit(Path(sys.argv[1]) / "warm" / "up.sqlite3")
if os.geteuid() == 0:
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
print(json.dumps([visit(file) for file in files]))
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are for one user alone."""
    with tempfile.TemporaryDirectory(prefix="kapa-handoff-access-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def visits(place: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """What a process of a user who may write nothing there (as root: nobody) says of each case."""
    files = {name: place / name / "tickets.sqlite3" for name in SENTENCES}
    for file in files.values():
        file.parent.mkdir()
    for name in ("file", "log"):
        files[name].touch()
    files["is-folder"].mkdir()
    files["in-file"] = files["in-file"] / "x" / "tickets.sqlite3"
    files["in-file"].parent.parent.touch()
    files["file"].chmod(0o444)
    files["log"].chmod(0o666)
    for name in SENTENCES:
        (place / name).chmod(0o777 if name == "file" else 0o555)
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(place), *map(str, files.values())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    for name in SENTENCES:
        (place / name).chmod(0o755)
    assert done.returncode == 0, done.stderr
    return {name: (files[name], visit) for name, visit in zip(SENTENCES, json.loads(done.stdout), strict=True)}


def me_and_the_other() -> tuple[str, str]:
    import getpass

    return getpass.getuser(), "nobody" if os.geteuid() == 0 else getpass.getuser()


@pytest.mark.parametrize("name", SENTENCES)
def test_an_obstacle_to_the_file_is_named(visits: dict[str, tuple[Path, dict[str, Any]]], name: str) -> None:
    """In the log, by the check-up and by every other command: path, owner, this process's user and the key to set."""
    file, visit = visits[name]
    owner, user = me_and_the_other()
    sentence = SENTENCES[name].format(file=file, owner=owner, user=user)
    assert visit["status"] == 503
    for said in (visit["log"], visit["doctor"], visit["tickets"]):
        assert sentence.strip() in said
        assert "KAPA_HANDOFF_DATABASE_URI" in said
    assert visit["doctor"].splitlines()[1].startswith("problem")


@as_root_alone
def test_a_file_with_all_tables_that_cannot_be_written_is_a_problem(place: Path) -> None:
    """It can be read, so pages have buttons, and every ticket would fail."""
    file = place / "readable" / "tickets.sqlite3"
    app = Flask("site", instance_path=str(file.parent))
    app.config.update(SECRET_KEY="s", KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{file}", KAPA_HANDOFF_DELIVERY="external")
    KapaHandoff(app)
    state_of(app).database.upgrade()
    state_of(app).database.close()
    file.parent.chmod(0o777)
    file.chmod(0o444)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(place), str(file)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (visit,) = json.loads(done.stdout)
    assert visit["status"] == 200
    problem = next(line for line in visit["doctor"].splitlines() if str(file) in line)
    assert problem.startswith("problem")
    assert "and the user nobody, who runs this process, cannot write to it." in problem


MOUNTED = 'mount -t tmpfs -o ro none "$0" && exec "$@"'


def test_a_file_system_that_is_mounted_read_only_is_named(place: Path) -> None:
    """As of a container whose image must not change."""
    folder = place / "mounted"
    folder.mkdir()
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    mounting = ["unshare", "--mount", *as_root, "sh", "-c", MOUNTED, str(folder)]
    if shutil.which("unshare") is None or subprocess.run([*mounting, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    command = [sys.executable, "-c", PROGRAM, str(place), str(folder / "tickets.sqlite3")]
    done = subprocess.run([*mounting, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (visit,) = json.loads(done.stdout)
    assert f"{folder / 'tickets.sqlite3'} is on a file system that is mounted read-only." in visit["doctor"]


# --- root, on behalf of the web server's user ------------------------------------------------------------------------


@as_root_alone
@pytest.mark.only("sqlite")
def test_what_root_makes_belongs_to_the_user_whose_folder_it_is(
    make_app: Callable[..., Flask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Folders, file and log; root is told. The web server goes on with a file that a command of root's has made."""
    os.chown(tmp_path, NOBODY, NOBODY)
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}/data/tickets/handoff.sqlite3")
    assert send_ticket(app.test_client())
    made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert len(made) == 5
    assert {path.stat().st_uid for path in made} == {NOBODY}
    assert "handoff.sqlite3 for the user nobody, who owns the folder." in caplog.text
    assert findings(app)[1].splitlines()[1].startswith("ok  ")


@as_root_alone
@pytest.mark.only("sqlite")
def test_a_file_that_root_has_made_in_the_web_servers_folder_is_a_problem(app: Flask) -> None:
    """As an earlier version, or another tool, may have; the check-up gives the command."""
    send_ticket(app.test_client())
    os.chown(file_of(app).parent, NOBODY, NOBODY)
    code, output = findings(app)
    assert code == 1
    assert f"The file {file_of(app)} belongs to root (mode 0600), and the user nobody, who owns its folder, " in output
    assert f"`chown nobody {file_of(app)}*`" in output


@as_root_alone
def test_who_else_can_use_a_file_is_told_to_a_user_who_cannot(place: Path) -> None:
    """An engineer who runs the check-up under their own name learns under which one the site's is right."""
    folder = place / "of-daemon"
    folder.mkdir(mode=0o755)
    os.chown(folder, 1, 1)
    command = [sys.executable, "-c", PROGRAM, str(place), str(folder / "tickets.sqlite3")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (visit,) = json.loads(done.stdout)
    assert "warning  The folder" in visit["doctor"]
    assert "such as with `sudo -u daemon`" in visit["doctor"]


# --- the check-up changes nothing
# ---------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_the_check_up_does_not_create_the_file_that_it_looks_for(app: Flask) -> None:
    """It says where it will be."""
    output = findings(app)[1]
    assert "The database is created when it is first used." in output
    assert f"Details: {file_of(app)}" in output
    assert not file_of(app).parent.exists()
    assert invoke(app, "doctor", "--quiet").output.count("created when") == 0


@pytest.mark.only("sqlite")
def test_the_check_up_does_not_upgrade_the_tables_that_it_reads(app: Flask) -> None:
    """An older package may still be running on them."""
    send_ticket(app.test_client())
    database = state_of(app).database
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))  # noqa: S608  a constant
    assert "upgraded from version 0001 when they are next used" in findings(app)[1]
    assert schema.version(database.engine) == "0001"


@pytest.mark.only("sqlite")
def test_a_file_inside_the_virtual_environment_is_named_at_the_start_and_by_the_check_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Flask's instance folder is there once a site is installed as a package."""
    folder = Path(sys.prefix) / "var" / "site-instance"
    app = Flask("site", instance_path=str(folder))
    app.config.update(SECRET_KEY="s", KAPA_HANDOFF_DELIVERY="external", KAPA_HANDOFF_EMAIL="support@example.com")
    KapaHandoff(app)
    said = f"The tickets are kept in {folder / 'kapa_handoff.sqlite3'}, inside the virtual environment: a new "
    assert said in findings(app)[1]
    for _ in range(2):
        app.test_client().get("/")
    assert caplog.text.count(said) == 1
    assert "KAPA_HANDOFF_DATABASE_URI" in caplog.text
    assert not folder.exists()
