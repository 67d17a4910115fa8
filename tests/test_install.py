"""A wheel, an sdist and ``pip install -e`` are complete: templates, static files, migrations."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parent.parent
COPIED = ("flask_kapa_handoff", "templates", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")

# Runs in the fresh environment, outside the checkout: from the button to the mail.
VISIT = """
import json, sys, tempfile, uuid
from pathlib import Path

import flask_kapa_handoff
import flask_mail
from flask import Flask

app = Flask("site", instance_path=tempfile.mkdtemp())
app.config.update(
    TESTING=True, SECRET_KEY="a secret", KAPA_HANDOFF_EMAIL="support@example.com",
    KAPA_HANDOFF_DELIVERY="inline", MAIL_DEFAULT_SENDER="site@example.com",
)
handoff = flask_kapa_handoff.KapaHandoff(app, admin_required=lambda view: view)
mails = []
flask_mail.email_dispatched.connect(lambda app, message: mails.append(message), weak=False)
client = app.test_client()
offer = client.get("/handoff/offer?pairs=1", headers={"Accept": "application/json"}).json["offer"]
answer = client.post("/handoff/tickets", data={
    "offer": offer, "submission_id": str(uuid.uuid4()), "email": "visitor@example.com", "note": "",
    "conversation": json.dumps([{"question": "Q", "answer": "A"}]),
})
print(json.dumps({
    "where": str(Path(flask_kapa_handoff.__file__).parent),
    "form": client.get("/handoff/form", query_string={"offer": offer}).status_code,
    "ticket": answer.status_code,
    "mails": len(mails),
    "html": "Reply to" in mails[0].html,
    "admin": client.get("/handoff/admin/").status_code,
    "static": {
        name: client.get(f"/handoff/static/{name}").status_code
        for name in ("handoff.js", "handoff.css", "admin.css", "vendor/htmx.min.js")
    },
    "typed": (Path(flask_kapa_handoff.__file__).parent / "py.typed").exists(),
}))
"""


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that building leaves nothing in the checkout."""
    copy = tmp_path_factory.mktemp("source")
    for name in COPIED:
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(path, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, copy / name)
    return copy


@pytest.fixture(scope="module")
def distributions(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel built from the sources, and an sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, source, cwd=folder)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


def fresh_environment(folder: Path) -> Path:
    """The Python of a new virtual environment."""
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


def install(python: Path, *arguments: object) -> None:
    """Install into the environment, which needs no pip of its own."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", *arguments, cwd=python.parent)


def lend_dependencies(python: Path) -> None:
    """Let the environment see the dependencies of this one; the package itself has to be installed into it."""
    here = Path(next(path for path in sys.path if path.endswith("site-packages")))
    there = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=here).strip())
    (there / "lent.pth").write_text(f"{here}\n")


def visit(python: Path, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(python, "-W", "error", "-c", VISIT, cwd=folder).splitlines()[-1])
    return found


def assert_whole(found: dict[str, Any]) -> None:
    assert found["form"] == 200
    assert found["ticket"] == 201
    assert found["mails"] == 1
    assert found["html"] is True
    assert found["admin"] == 200
    assert set(found["static"].values()) == {200}
    assert found["typed"] is True


def test_a_wheel_is_complete_and_so_are_its_dependencies(distributions: dict[str, Path], tmp_path: Path) -> None:
    """In an environment with nothing else, `pip install` of the wheel gives a package that works."""
    python = fresh_environment(tmp_path / "env")
    install(python, distributions["wheel"])
    found = visit(python, tmp_path)
    assert_whole(found)
    assert str(tmp_path) in str(found["where"])


def test_an_sdist_brings_everything(distributions: dict[str, Path], tmp_path: Path) -> None:
    """`pip install` of the sdist gives the same as the wheel."""
    python = fresh_environment(tmp_path / "env")
    lend_dependencies(python)
    install(python, "--no-deps", distributions["sdist"])
    found = visit(python, tmp_path)
    assert_whole(found)
    assert str(tmp_path) in str(found["where"])


def test_an_editable_install_finds_the_checkouts_templates(source: Path, tmp_path: Path) -> None:
    """`pip install -e .` works from the sources, where the templates lie beside the package."""
    python = fresh_environment(tmp_path / "env")
    lend_dependencies(python)
    install(python, "--no-deps", "--editable", source)
    found = visit(python, tmp_path)
    assert_whole(found)
    assert Path(str(found["where"])) == source / "flask_kapa_handoff"


def test_the_wheel_holds_every_file_that_the_checkout_has(distributions: dict[str, Path]) -> None:
    """No template, static file or migration of the checkout is missing from the wheel."""
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        packed = set(wheel.namelist())
    package = CHECKOUT / "flask_kapa_handoff"
    expected = {
        str(path.relative_to(CHECKOUT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {
        f"flask_kapa_handoff/templates/{path.relative_to(CHECKOUT / 'templates')}"
        for path in (CHECKOUT / "templates").rglob("*")
        if path.is_file()
    }
    assert expected - packed == set()
    assert not any(name.endswith("templates/__init__.py") for name in packed)
