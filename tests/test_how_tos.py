"""The guides do what they say: the code blocks, files and commands of pages in docs/ are run."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask, render_template_string, request
from jinja2 import Environment

from flask_kapa_handoff import KapaHandoff, cli
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings, make_offer, send_ticket
from tests.helpers.admin import let_pass
from tests.helpers.docs_site import DOCS
from tests.helpers.guides import blocks, files, flask, run_block
from tests.helpers.pages import Page, render

pytestmark = pytest.mark.only("sqlite")

MakeApp = Callable[..., Flask]
GUIDES = ("factory", "blueprints", "your-chat", "from-kapa", "container", "systemd", "csp", "database")


@pytest.mark.parametrize("page", GUIDES)
def test_the_commands_of_the_package_that_a_guide_names_exist(page: str) -> None:
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
