"""The guides do what they say: the code blocks, files and commands of pages in docs/ are run."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it comes with MkDocs
from flask import Flask, render_template_string, request
from jinja2 import Environment

import flask_kapa_handoff
from flask_kapa_handoff import KapaHandoff, cli
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings, make_offer, send_ticket
from tests.helpers.admin import let_pass
from tests.helpers.docs_site import DOCS
from tests.helpers.pages import Page, render
from tests.helpers.servers import WebServer

pytestmark = pytest.mark.only("sqlite")

MakeApp = Callable[..., Flask]
GUIDES = ("factory", "blueprints", "your-chat", "from-kapa", "container", "systemd", "csp", "database")


def blocks(page: str, language: str) -> list[str]:
    """A page's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)


def files(page: str) -> dict[str, str]:
    """The code blocks of a page that it calls files, by their names."""
    pattern = r"^`([\w./@-]+)`[^\n]*:\n\n```\w+\n(.*?)^```"
    return dict(re.findall(pattern, (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE))


def run_block(code: str, **names: Any) -> dict[str, Any]:
    """Run a page's own code, and return its names."""
    exec(code, names)  # noqa: S102 - our own documentation
    return names


def environment(folder: Path, page: str, name: str, **further: str) -> dict[str, str]:
    """The environment of a process as a page's environment file has it, in which the database is in a folder."""
    lines = dict(line.split("=", 1) for line in files(page)[name].splitlines())
    database = {"FLASK_KAPA_HANDOFF_DATABASE_URI": f"sqlite:///{folder}/handoff.sqlite3"}
    return {**os.environ, **lines, **database, **further}


def flask(command: str, folder: Path, variables: dict[str, str]) -> str:
    """What a command of a page prints."""
    words = shlex.split(command[command.index("flask ") :])
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", GUIDES)
def test_the_commands_of_the_package_that_a_guide_names_exist(page: str) -> None:
    """With their options."""
    database = cli.database_group
    known = {*cli.group.commands, *(f"{database.name} {name}" for name in database.commands)}
    for words in re.findall(r"flask(?: --app \w+)? kapa-handoff ((?:[\w-]+ ?)+)", (DOCS / f"{page}.md").read_text()):
        assert any(words.startswith(name) for name in known), words


def read_ini(text: str) -> None:
    """A unit of systemd has sections, an environment file has none."""
    configparser.ConfigParser(interpolation=None).read_string(
        text if text.startswith("[") else f"[environment]\n{text}"
    )


READERS: dict[str, Callable[[str], object]] = {
    "python": ast.parse,
    "json": json.loads,
    "yaml": yaml.safe_load,
    "ini": read_ini,
    "jinja": Environment(autoescape=True).parse,
}


@pytest.mark.parametrize("language", READERS)
def test_every_block_of_every_page_can_be_read(language: str) -> None:
    """Also those that no test runs."""
    found = [(page.stem, block) for page in DOCS.glob("*.md") for block in blocks(page.stem, language)]
    assert found
    for page, block in found:
        try:
            READERS[language](block)
        except Exception as error:
            raise AssertionError(f"docs/{page}.md: {block}") from error


# docs/factory.md


def test_the_factory_mounts_it(tmp_path: Path) -> None:
    """The site that its files make: tables in its own database, a button, a guarded admin page."""
    for name, content in files("factory").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    # The site's own users.
    with (tmp_path / "website" / "hooks.py").open("a") as hooks:
        hooks.write("\nfrom .extensions import login_manager\n\nlogin_manager.user_loader(lambda name: None)\n")
    variables = {
        **os.environ,
        "FLASK_SECRET_KEY": "ab3f92c07d51e864",
        "FLASK_KAPA_HANDOFF_EMAIL": "support@example.com",
        "FLASK_MAIL_DEFAULT_SENDER": "docs@example.com",
        "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/site.db",
    }
    (commands,) = blocks("factory", "sh")
    upgrade, doctor = commands.splitlines()
    flask(upgrade, tmp_path, variables)
    assert "site.db" in flask(doctor, tmp_path, variables)
    program = (
        "from website import create_app\n"
        "client = create_app(TESTING=True).test_client()\n"
        "print(client.get('/').text, client.get('/handoff/admin/').status_code)\n"
        "from flask_kapa_handoff.state import state_of\n"
        "print(state_of(client.application).hooks.registered.visitor_loader)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "data-kapa-handoff-open" in done.stdout
    assert "401" in done.stdout
    assert "load_visitor" in done.stdout


# docs/blueprints.md


def test_another_path_and_the_links_to_the_admin_pages(make_app: MakeApp) -> None:
    app = make_app(mount=False)
    run_block(blocks("blueprints", "python")[0], app=app)
    KapaHandoff(app, admin_required=let_pass)
    links = Page(render(app, blocks("blueprints", "jinja")[0])).all("a")
    assert [link["href"] for link in links] == ["/support/handoff/admin/", "/support/handoff/admin/tickets"]
    assert [app.test_client().get(link["href"]).status_code for link in links] == [200, 200]


def test_a_desk_for_each_blueprint(make_app: MakeApp) -> None:
    """By the page's address, or by the layout."""
    handoff = KapaHandoff()
    app = make_app(handoff=handoff)
    chooser = run_block(blocks("blueprints", "python")[1], handoff=handoff)["choose_desk"]
    with app.test_request_context(base_url="https://example.com"):
        assert [chooser(f"https://example.com/{path}") for path in ("shop/boots", "docs")] == ["sales", "default"]
        assert 'data-desk="sales"' in render_template_string(blocks("blueprints", "jinja")[1])


def test_a_guard_of_the_whole_site_leaves_visitors_out(make_app: MakeApp) -> None:
    handoff = KapaHandoff(admin_required=let_pass)
    app = make_app(handoff=handoff)
    app.add_url_rule("/", "home", lambda: "home")
    run_block(blocks("blueprints", "python")[2], app=app, request=request, ask_for_login=lambda: ("sign in", 401))
    client = app.test_client()
    assert send_ticket(client).reference
    assert [client.get(path).status_code for path in ("/", "/handoff/admin/")] == [401, 401]


# docs/your-chat.md


def test_what_a_chat_tells_is_in_the_ticket(make_app: MakeApp) -> None:
    """The site's record, the visitor and the context."""
    from flask_login import LoginManager, UserMixin

    handoff = KapaHandoff()
    app = make_app(handoff=handoff)
    person = UserMixin()
    person.id, person.email, person.plan = "ada", "ada@example.com", "Team"
    LoginManager(app).request_loader(lambda request: person)
    code = "\n".join(blocks("your-chat", "python"))
    names = run_block(code, handoff=handoff)
    with app.test_request_context():
        (button,) = blocks("your-chat", "jinja")
        conversation = names["load_conversation"]("t1")
        assert "data-kapa-handoff-open" in render_template_string(button, conversation=conversation)
    client = app.test_client()
    change_settings(app, triggers="uncertainty")
    ticket = send_ticket(client, offer=make_offer(client, thread_id="t1", answer_id="a1"), conversation=None)
    assert (ticket.visitor_email, ticket.context, ticket.transcript_source) == (
        "ada@example.com",
        {"Plan": "Team"},
        "site",
    )


# docs/from-kapa.md


def test_the_moved_attributes_are_those_of_kapas_tag(make_app: MakeApp) -> None:
    """The tag before and the tag after have the same attributes, and the table names each of them."""
    before = Page(blocks("from-kapa", "html")[0]).all("script")[0]
    app = make_app(mount=False)
    run_block(blocks("from-kapa", "python")[0], app=app)
    KapaHandoff(app)
    after = Page(render(app, blocks("from-kapa", "jinja")[0])).all("script")[0]
    attributes = {name: value for name, value in before.items() if name.startswith("data-")}
    assert {name: after.get(name) for name in attributes} == attributes
    assert after["src"] == before["src"]
    page = (DOCS / "from-kapa.md").read_text()
    assert [name for name in attributes if name.startswith("data-handoff") and f"| `{name}` |" not in page] == []


# docs/container.md and docs/systemd.md


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
    assert int(web["stop_grace_period"].removesuffix("s")) > flask_kapa_handoff.config.Config().smtp_timeout


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
    assert int(service["TimeoutStopSec"]) > flask_kapa_handoff.config.Config().smtp_timeout
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


# docs/csp.md


@pytest.mark.parametrize("number", [0, 1])
def test_the_nonces_of_a_policy_are_in_the_tags(number: int, make_app: MakeApp) -> None:
    """Flask-Talisman's, and a function of the site."""
    app = make_app(mount=False, SESSION_COOKIE_SECURE=False)
    run_block(blocks("csp", "python")[number], app=app)
    app.config["SESSION_COOKIE_SECURE"] = False
    KapaHandoff(app)
    app.add_url_rule("/", "page", lambda: render_template_string("{{ kapa_handoff_script() }}"))
    response = app.test_client().get("/", base_url="https://localhost")
    nonce = re.search(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
    assert nonce
    assert response.text.count(f'nonce="{nonce[1]}"') == 2


# docs/database.md


def test_postgresql_needs_one_key(make_app: MakeApp) -> None:
    app = make_app(mount=False)
    run_block(blocks("database", "python")[0], app=app)
    KapaHandoff(app)
    assert state_of(app).config.database_uri.startswith("postgresql")  # type: ignore[union-attr]
    (extra,) = re.findall(r'^pip install "flask-kapa-handoff\[(\w+)\]"$', blocks("database", "sh")[0], re.MULTILINE)
    assert f"\n{extra} =\n" in (DOCS.parent / "setup.cfg").read_text()
