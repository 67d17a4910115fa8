"""The documentation says what the code does: what the README names exists, the guides' lists are complete."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, render_template_string
from flask.testing import FlaskClient

import flask_kapa_handoff
from flask_kapa_handoff import QuestionAnswer, Source, cli
from flask_kapa_handoff.conversation import REACTIONS
from flask_kapa_handoff.fields import PACKAGE_FIELDS
from flask_kapa_handoff.site_fields import RESERVED
from flask_kapa_handoff.testing import send_ticket
from flask_kapa_handoff.triggers import TABLE, reported_facts

CHECKOUT = Path(__file__).parent.parent
README = (CHECKOUT / "README.md").read_text()
PYTHON_PAGE = CHECKOUT / "docs" / "python.md"


def blocks(language: str, page: str = README) -> list[str]:
    """A page's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_commands_of_the_first_screen_are_targets_of_the_makefile() -> None:
    """`make demo` and `make test` exist, as do the others that the README names."""
    makefile = (CHECKOUT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_is_one_screen() -> None:
    """It says what the package is; the pages in docs/ say the rest."""
    assert len(README.splitlines()) <= 120


def test_the_lines_that_mount_it_work(tmp_path: Path) -> None:
    """The README's lines give a site with admin pages, to which docs/your-chat.md connects a chat."""
    chat = (CHECKOUT / "docs" / "your-chat.md").read_text()
    program = "\n".join([*blocks("python"), *blocks("python", chat)]) + (
        "\nfrom flask import render_template_string"
        "\nwith app.test_request_context():"
        "\n    conversation = load_conversation('t1')"
        f"\n    print(render_template_string({blocks('jinja', chat)[0]!r}, conversation=conversation))"
        "\n    print(render_template_string('{{ kapa_handoff_script() }}'))"
        "\nprint(app.url_map)"
    )
    program = program.replace("Flask(__name__)", f"Flask(__name__, instance_path={str(tmp_path)!r})")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "data-kapa-handoff-open" in done.stdout
    assert "handoff.js" in done.stdout
    assert "/handoff/admin/" in done.stdout


def test_the_jinja_helpers_that_the_pages_call_exist(app: Flask) -> None:
    """Each `{{ kapa_…() }}` of the README and of the guides renders."""
    pages = [README, *(page.read_text() for page in (CHECKOUT / "docs").glob("*.md"))]
    calls = re.findall(r"\{\{ (kapa_(?:handoff_script|widget)\([^…]*?\)) \}\}", "\n".join(pages))
    assert len(calls) >= 10
    with app.test_request_context():
        for call in calls:
            assert "<script" in render_template_string("{{ " + call + " }}")


def test_the_custom_properties_that_the_guides_name_exist() -> None:
    """Each is in the style sheet."""
    style = (CHECKOUT / "flask_kapa_handoff" / "static" / "handoff.css").read_text()
    known = set(re.findall(r"(--kapa-handoff-[\w-]+):", style))
    named = {
        name
        for page in (CHECKOUT / "docs").glob("*.md")
        for name in re.findall(r"--kapa-handoff-\w[\w-]*", page.read_text())
    }
    assert len(named) >= 10
    assert named <= known


def test_the_templates_that_the_guide_names_exist() -> None:
    """docs/templates.md."""
    folder = CHECKOUT / "templates" / "kapa_handoff"
    names = set(re.findall(r"`((?:mail/)?\w+\.(?:html|txt))`", (CHECKOUT / "docs" / "templates.md").read_text()))
    assert len(names) >= 10
    for name in names:
        assert (folder / name).exists(), name


def test_every_relative_link_leads_somewhere() -> None:
    """Files and pictures that the README and the pages under docs/ link to are there."""
    for page in (CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def section(page: str, heading: str) -> str:
    """What is below a heading, up to the next one."""
    return (CHECKOUT / page).read_text().partition(f"\n{heading}\n")[2].partition("\n#")[0]


def row_of(page: str, first_column: str) -> str:
    """The row of a page's table that begins with this column."""
    (row,) = re.findall(rf"^\| {re.escape(first_column)} \|.*$", (CHECKOUT / page).read_text(), re.MULTILINE)
    return str(row)


def test_every_trigger_and_fact_is_where_contributing_asks_for_it() -> None:
    """Configuration, the page about triggers, and the keywords of make_offer()."""
    key = section("docs/configuration.md", "### `KAPA_HANDOFF_TRIGGERS`")
    for trigger in TABLE:
        assert f"`{trigger}`" in key
        assert row_of("docs/triggers.md", f"`{trigger}`")
    for fact in reported_facts():
        assert fact.name in row_of("docs/testing.md", "`make_offer(client, pairs=1, …)`")


def test_every_field_and_every_taken_name_is_where_contributing_asks_for_it() -> None:
    """The page about fields lists what a site cannot use, and the glossary what is the package's."""
    taken = re.search(r"((?:`\w+`(?:, | and|,)?\s*)+) are taken", (CHECKOUT / "docs/fields.md").read_text())
    assert taken
    assert set(re.findall(r"`(\w+)`", taken[1])) == RESERVED
    for field in PACKAGE_FIELDS:
        assert f"`{field.name}`" in row_of("docs/glossary.md", "field")


def test_the_table_of_a_pair_has_each_attribute_and_vote() -> None:
    """What a conversation_loader returns."""
    page = PYTHON_PAGE.read_text().partition("## Signals")[0]
    named = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE)
    assert re.findall(r"\w+", " ".join(named)) == [field.name for field in dataclasses.fields(QuestionAnswer)]
    for vote in REACTIONS:
        assert f"`{vote}`" in row_of("docs/python.md", "`reaction`").replace('"', "")
    attributes = ", ".join(field.name for field in dataclasses.fields(Source))
    assert f"Source({attributes})" in row_of("docs/python.md", "`sources`")


def test_the_keyword_arguments_of_signals_are_those_that_are_sent() -> None:
    """The table against each call of notify()."""
    sent: dict[str, set[str]] = {}
    for path in (CHECKOUT / "flask_kapa_handoff").rglob("*.py"):
        for name, arguments in re.findall(r"[^f] notify\((\w+), [\w.]+, (.*)\)", path.read_text()):
            sent[name] = set(re.findall(r"(\w+)=", arguments))
    assert len(sent) == 6
    for name, arguments in sent.items():
        (row,) = re.findall(rf"^\| [^|]*`{name}`[^|]* \|.*$", PYTHON_PAGE.read_text(), re.MULTILINE)
        assert arguments <= set(re.findall(r"`(\w+)`", row))


def test_the_receiver_in_the_docs_is_called(
    app: Flask, client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the ticket that was created."""
    (program,) = re.findall(r"```python\n(.*?)```", PYTHON_PAGE.read_text(), re.DOTALL)
    space: dict[str, Any] = {"app": app}
    exec(program.replace("from website import app  # your app\n", ""), space)  # noqa: S102 - the page's own code
    ticket = send_ticket(client)
    assert capsys.readouterr().out == f"{ticket.reference} default\n"


def test_the_commands_that_run_single_tests_select_some() -> None:
    """The expressions in CONTRIBUTING.md match names of tests, and not all of the file's."""
    commands = re.findall(r"pytest (tests/\w+\.py) -k \"(.+?)\"", (CHECKOUT / "CONTRIBUTING.md").read_text())
    assert commands
    for file, expression in commands:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--collect-only",
            "-p",
            "no:cacheprovider",
            file,
            "-k",
            expression,
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
        assert re.search(r"[1-9]\d*/\d+ tests collected \([1-9]\d* deselected\)", done.stdout), done.stdout


def test_the_command_that_finds_the_templates_prints_their_folder() -> None:
    """Wherever pip has put them."""
    page = (CHECKOUT / "docs" / "templates.md").read_text()
    (program,) = re.findall(r"^python -c \"(.+)\"$", page, re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (Path(done.stdout.strip()) / "_button.html").is_file()


@pytest.mark.parametrize("name", flask_kapa_handoff.__all__)
def test_public_names_are_documented(name: str) -> None:
    """Each public name has a docstring."""
    assert (getattr(flask_kapa_handoff, name).__doc__ or "").strip()


def invoke(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["kapa-handoff", *words])


def test_every_command_explains_itself(app: Flask) -> None:
    """`--help` of each command works and says what it is for."""
    for name in cli.group.commands:
        assert len(invoke(app, name, "--help").output.splitlines()) > 3


def test_the_tests_that_prove_the_promises_exist() -> None:
    """Each test file that docs/guarantees.md names is there."""
    named = set(re.findall(r"`(test_\w+\.py)`", (CHECKOUT / "docs" / "guarantees.md").read_text()))
    assert named
    assert not named - {path.name for path in (CHECKOUT / "tests" / "faults").iterdir()}


def test_the_recipes_of_nginx_are_those_that_the_tests_walk() -> None:
    """docs/behind-a-proxy.md shows each file of tests/hosts/nginx/ word for word."""
    shown = (CHECKOUT / "docs" / "behind-a-proxy.md").read_text()
    recipes = list((CHECKOUT / "tests" / "hosts" / "nginx").glob("*.conf"))
    assert len(recipes) >= 5
    assert [recipe.name for recipe in recipes if recipe.read_text() not in shown] == []


def test_the_tests_that_the_security_table_names_exist() -> None:
    """Each test file and folder in docs/asvs.md is there, and the counts on top are those of the table."""
    page = (CHECKOUT / "docs" / "asvs.md").read_text()
    named = set(re.findall(r"`((?:\w+/)*(?:test_\w+\.py)?)`", page)) - {""}
    assert len(named) > 20
    assert [path for path in named if not (CHECKOUT / "tests" / path).exists()] == []
    verdicts = re.findall(r"^\| V[\d.]+ \| (?:\*\*)?(pass|partly|fail|the site's)", page, re.MULTILINE)
    counts = [verdicts.count(verdict) for verdict in ("pass", "partly", "fail", "the site's")]
    assert [int(number) for number in re.findall(r"\d+", page.partition("found:")[2])[:4]] == counts
