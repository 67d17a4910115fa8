"""The sites of ``examples/``, started as their READMEs say, and used in a browser.

That of React is tested in kapa/, that of Flask-AppBuilder in tests/hosts/, where its environment is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import make_url

from tests.browser.chat import BUTTON, fill_and_send, reference
from tests.helpers.examples import EXAMPLES, Example
from tests.helpers.postgres import Postgres
from tests.helpers.servers import MailServer, Received, free_port

FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
QUESTION = "Will it rain?"
SETTINGS = "/handoff/admin/"


@pytest.fixture(autouse=True)
def without_icon(page: Page) -> None:
    """The examples have none, and browsers ask for one."""
    page.context.route("**/favicon.ico", lambda route: route.fulfill(status=204))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def ask_and_send(page: Page, mail_server: MailServer, address: str, *, before: int = 0) -> None:
    """Ask, press the button, send the form, and read the mail, the next one after those ``before``."""
    page.goto(address)
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    page.locator(BUTTON).click()
    fill_and_send(page)
    shown = reference(page)
    (mail,) = mail_server.wait_for(before + 1)[before:]
    assert shown in mail.message["Subject"]
    assert "[Acme]" in mail.message["Subject"]
    assert mail.message["To"] == "support@example.com"
    assert mail.message["Reply-To"] == "visitor@example.com"
    assert QUESTION in plain_text(mail)


def plain_text(mail: Received) -> str:
    part = mail.message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def settings_for(page: Page, address: str) -> int:
    """The status of the settings page for somebody."""
    return page.request.get(f"{address}{SETTINGS}", max_redirects=0).status


def password_of(printed: str, email: str) -> str:
    found = re.search(rf"password of {email} is (\S+)", printed)
    assert found, printed
    return found[1]


def test_an_app_factory(
    tmp_path: Path, page: Page, open_context: Callable[..., BrowserContext], mail_server: MailServer, stack: ExitStack
) -> None:
    """The ticket is in the site's own database; the admin opens the settings, another user does not."""
    port = free_port()
    example = Example("factory", tmp_path, {5000: port, 8025: mail_server.port})
    printed = example.set_up()
    address = stack.enter_context(example.site(port))
    ask_and_send(page, mail_server, address)
    assert "1 delivered" not in example.run(["flask", "kapa-handoff", "deliver"])  # the site has sent it
    assert [file.name for file in (example.folder / "instance").iterdir()] == ["site.db"]
    assert settings_for(page, address) == 302

    for email, status in (("ada@example.com", 200), ("eve@example.com", 403)):
        signed_in = open_context().new_page()
        signed_in.context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        signed_in.goto(f"{address}/sign-in")
        signed_in.get_by_label("Email").fill(email)
        signed_in.get_by_label("Password").fill(password_of(printed, email))
        signed_in.get_by_role("button", name="Sign in").click()
        expect(signed_in.get_by_role("heading", name="Ask the docs")).to_be_visible()
        assert settings_for(signed_in, address) == status
        if status == 200:
            signed_in.goto(f"{address}{SETTINGS}")
            expect(signed_in.locator("[name=button_text]").first).to_be_visible()
            signed_in.goto(f"{address}/?question=Why")
            signed_in.locator(BUTTON).click()
            expect(signed_in.get_by_label("Your email")).to_have_value(email)


def test_flask_security(
    tmp_path: Path, page: Page, open_context: Callable[..., BrowserContext], mail_server: MailServer, stack: ExitStack
) -> None:
    """Admins change the settings, support looks at them, and other users do neither."""
    port = free_port()
    example = Example("security", tmp_path, {5000: port, 8025: mail_server.port})
    example.set_up()
    address = stack.enter_context(example.site(port))
    ask_and_send(page, mail_server, address)
    assert settings_for(page, address) == 403

    passwords = {words[3]: words[5] for words in example.commands if words[:3] == ["flask", "users", "create"]}
    for email, status in (("ada@example.com", 200), ("bob@example.com", 200), ("eve@example.com", 403)):
        signed_in = open_context().new_page()
        signed_in.goto(f"{address}/login")
        signed_in.get_by_label("Email Address").fill(email)
        signed_in.locator("#password").fill(passwords[email])
        signed_in.locator("#submit").click()
        expect(signed_in.get_by_role("heading", name="Ask the docs")).to_be_visible()
        assert settings_for(signed_in, address) == status
        if status == 200:
            signed_in.goto(f"{address}{SETTINGS}")
            may_save = email == "ada@example.com"
            expect(signed_in.get_by_role("button", name="Save").first).to_be_visible(visible=may_save)


def test_a_static_site_on_another_origin(
    tmp_path: Path, page: Page, mail_server: MailServer, stack: ExitStack
) -> None:
    """Its pages have the tags that the snippet prints, and a ticket is sent from them."""
    help_port, docs_port = free_port(), free_port()
    example = Example("static_site", tmp_path, {5000: help_port, 8000: docs_port, 8025: mail_server.port})
    for tag in example.set_up().splitlines():
        assert tag in (example.folder / "docs" / "index.html").read_text()
    address = stack.enter_context(example.site(help_port, "flask --app help run"))
    stack.enter_context(example.running("python -m http.server", "Serving HTTP"))
    ask_and_send(page, mail_server, f"http://127.0.0.1:{docs_port}/")
    check_password(page, example, address)


def check_password(page: Page, example: Example, address: str) -> None:
    """The admin pages open with the password of the README alone, in a browser that asks for it."""
    assert settings_for(page, address) == 401
    browser = page.context.browser
    assert browser is not None
    for password, status in ((example.environment["FLASK_ADMIN_PASSWORD"], 200), ("wrong", 401)):
        context = browser.new_context(http_credentials={"username": "ada", "password": password})
        response = context.new_page().goto(f"{address}{SETTINGS}")
        assert response is not None
        assert response.status == status
        context.close()


@pytest.mark.parametrize("name", FOLDERS)
def test_a_readme_installs_what_there_is(name: str) -> None:
    """Each package of its first command is installed here, or has an environment of its own in `make test-hosts`."""
    readme = (EXAMPLES / name / "README.md").read_text()
    assert f"[{name}]({name}/README.md)" in (EXAMPLES / "README.md").read_text()
    for line in re.findall(r"^pip install (.+)$", readme, re.MULTILINE):
        for package in line.split():
            assert package == "flask-appbuilder" or version(package)


# --- containers ------------------------------------------------------------------------------------------------------

COMPOSE = EXAMPLES / "compose"
INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD"}


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of compose.yaml, with its merged keys and the variables of its ``.env``."""
    names = re.findall(r"^(\w+)=$", (COMPOSE / "example.env").read_text(), re.MULTILINE)
    text = (COMPOSE / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == set(names)
    text = re.sub(r"\$\{(\w+):\?[^}]+\}", lambda found: f"the-{found[1].lower()}", text)
    assert "$" not in text
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, one a line, and what follows them."""
    lines = [line for line in (COMPOSE / "Dockerfile").read_text().splitlines() if line.strip()]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_the_compose_file_is_one_by_the_schema_of_its_specification(tmp_path: Path) -> None:
    """As check-jsonschema brings it; a wrong key is refused by it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    assert subprocess.run([*command, COMPOSE / "compose.yaml"], check=False).returncode == 0
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((COMPOSE / "compose.yaml").read_text().replace("healthcheck:", "health_check:"))
    done = subprocess.run([*command, wrong], text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert "health_check" in done.stdout


def test_the_services_fit_together(services: dict[str, Any]) -> None:
    """Those that are named exist, and the address of the database has its name, user and password."""
    for service in services.values():
        for name, what in service.get("depends_on", {}).items():
            assert name in services
            assert what["condition"] != "service_healthy" or "healthcheck" in services[name]
    variables, database = services["web"]["environment"], services["database"]["environment"]
    address = make_url(variables["FLASK_KAPA_HANDOFF_DATABASE_URI"])
    assert address.host in services
    assert variables["FLASK_MAIL_SERVER"] in services
    assert (address.username, address.password, address.database) == (
        database["POSTGRES_USER"],
        database["POSTGRES_PASSWORD"],
        database["POSTGRES_DB"],
    )
    assert services["tables"]["environment"] == services["worker"]["environment"] == variables


def test_the_image_has_what_it_runs(services: dict[str, Any]) -> None:
    """Each file that it copies exists, all that the site needs is copied, and it does not run as root."""
    found = instructions()
    assert {name for name, _ in found} <= INSTRUCTIONS
    copied = [words.split()[0] for name, words in found if name == "COPY"]
    assert all((COMPOSE / name).exists() for name in copied)
    left_out = {path.name for path in COMPOSE.iterdir() if path.suffix != ".pyc"} - set(copied)
    assert left_out - {"__pycache__", "instance"} == {"Dockerfile", "README.md", "compose.yaml", "example.env"}
    assert [words for name, words in found if name == "USER"] == ["site"]
    (port,) = [words for name, words in found if name == "EXPOSE"]
    assert services["web"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_containers_commands_work_together(
    tmp_path: Path, page: Page, mail_server: MailServer, postgres: Postgres, services: dict[str, Any], stack: ExitStack
) -> None:
    """Each service's own command, beside a real PostgreSQL and a mail server: only they are at other addresses."""
    port = free_port()
    example = Example("compose", tmp_path, {8000: port})
    example.environment |= services["web"]["environment"]
    example.environment |= {
        "FLASK_KAPA_HANDOFF_DATABASE_URI": postgres.new_database(template="template1"),
        "FLASK_MAIL_SERVER": "127.0.0.1",
        "FLASK_MAIL_PORT": str(mail_server.port),
    }
    assert "The tables are now at version" in example.run(services["tables"]["command"])
    (command,) = [json.loads(words) for name, words in instructions() if name == "CMD"]
    command = [word.replace("8000", str(port)) for word in command]
    stack.enter_context(example.started(command, "Listening at"))
    worker = stack.enter_context(example.started(services["worker"]["command"], "Delivering over"))
    kind, *check = services["web"]["healthcheck"]["test"]
    assert kind == "CMD"
    example.run([word.replace("8000", str(port)) for word in check])
    ask_and_send(page, mail_server, f"http://127.0.0.1:{port}")
    assert page.request.get(f"http://127.0.0.1:{port}{SETTINGS}").status == 401
    check_password(page, example, f"http://127.0.0.1:{port}")
    worker.terminate()
    assert worker.wait(60) == 0


def test_the_health_check_fails_without_the_database(
    tmp_path: Path, services: dict[str, Any], stack: ExitStack
) -> None:
    """So that the platform says so."""
    port = free_port()
    example = Example("compose", tmp_path, {8000: port})
    example.environment |= services["web"]["environment"]
    example.environment["FLASK_KAPA_HANDOFF_DATABASE_URI"] = f"postgresql://acme@127.0.0.1:{free_port()}/acme"
    stack.enter_context(example.started(["flask", "run", "--port", str(port)], "Running on"))
    _, *check = services["web"]["healthcheck"]["test"]
    with pytest.raises(AssertionError, match="503"):
        example.run([word.replace("8000", str(port)) for word in check])
