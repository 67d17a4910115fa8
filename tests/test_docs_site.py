"""The documentation's site: it builds, each link resolves, nothing comes from elsewhere, the reference is complete."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from blinker import NamedSignal
from flask import Flask, render_template_string

import flask_kapa_handoff
from docs import generated
from docs.generated import ON_SITE, PARTS, commands, errors, html, javascript, pages, python_api, templates
from flask_kapa_handoff import Conversation, QuestionAnswer, signals, testing
from flask_kapa_handoff.cli import group
from flask_kapa_handoff.config import KEYS, Config
from flask_kapa_handoff.hook_checks import CSP_NONCE, HOOKS
from flask_kapa_handoff.storage import PREFIX
from flask_kapa_handoff.storage.tables import metadata
from flask_kapa_handoff.visitor.requests import EVENT_FIELDS, FACTS, OFFER_FIELDS, ticket_fields
from tests.helpers.docs_site import CHECKOUT, DOCS, Content, build
from tests.helpers.mails import LETTERHEAD, header_names

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory)


@pytest.fixture(scope="session")
def contents(site: Path) -> dict[str, Content]:
    """Every page by its name."""
    return {page.name: Content(page) for page in site.glob("*.html")}


def source(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def section(name: str, title: str) -> str:
    """A part of a page."""
    return source(name).partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_page_is_on_the_site(contents: dict[str, Content]) -> None:
    assert {f"{page.stem}.html" for page in DOCS.glob("*.md")} | {"search.html"} == set(contents)


def test_every_link_leads_to_a_page_and_a_place_in_it(contents: dict[str, Content], site: Path) -> None:
    """Between the site's pages, and to its files."""
    lost = []
    for name, content in contents.items():
        for link in content.links:
            target = urlsplit(link)
            if target.scheme:
                continue
            page, place = unquote(target.path) or name, unquote(target.fragment)
            if not (site / page).is_file() or (place and place not in contents[page].ids):
                lost.append(f"{name}: {link}")
    assert lost == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_anchors_that_other_files_link_exist(name: str, contents: dict[str, Content]) -> None:
    """In the repository, the same headings have the same anchors."""
    links = re.findall(r"\]\(docs/([\w-]+)\.md#([\w-]+)\)", (CHECKOUT / name).read_text())
    assert [link for link in links if link[1] not in contents[f"{link[0]}.html"].ids] == []


def hosts_in_the_sources() -> set[str]:
    texts = [page.read_text() for page in DOCS.glob("*.md")]
    texts += [(CHECKOUT / name).read_text() for name in re.findall(r"make reference: file (.+) -->", "\n".join(texts))]
    return {urlsplit(address).netloc for text in texts for address in re.findall(r"https?://[^\s)>`\"']+", text)}


def test_the_pages_load_and_name_no_other_host(contents: dict[str, Content]) -> None:
    """Only the texts themselves link elsewhere, such as to a helpdesk's documentation."""
    known = hosts_in_the_sources()
    for name, content in contents.items():
        assert "_static/site.css" in " ".join(content.loads)
        assert [address for address in content.loads if urlsplit(address).netloc] == [], name
        assert {urlsplit(link).netloc for link in content.links} - {""} <= known, name


def test_the_styles_load_nothing_from_elsewhere(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        addresses = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", sheet.read_text())
        foreign = [one for pair in addresses for one in pair if urlsplit(one).netloc]
        assert foreign == [], sheet


def test_the_search_knows_every_page(site: Path) -> None:
    index = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", (site / "searchindex.js").read_text())[1])  # type: ignore[index]
    assert set(index["docnames"]) == {page.stem for page in DOCS.glob("*.md")}
    assert "greylist" in index["terms"]


def test_the_files_that_the_site_has_elsewhere_exist() -> None:
    """The table of links for the repository's other pages."""
    for file, page in pages.ON_SITE.items():
        assert (CHECKOUT / file.partition("#")[0]).is_file()
        assert (DOCS / page.partition("#")[0]).is_file()


# The reference.


def test_every_key_is_in_the_reference_with_its_meaning(contents: dict[str, Content]) -> None:
    """A key's heading is an anchor, in the repository, too."""
    assert {key.lower() for key in KEYS} <= contents["configuration.html"].ids


def test_every_public_name_is_in_the_reference(contents: dict[str, Content]) -> None:
    ids = contents["python-api.html"].ids
    assert {f"flask_kapa_handoff.{name}" for name in flask_kapa_handoff.__all__} <= ids
    hooks = {hook.name for hook in HOOKS if hook is not CSP_NONCE}
    assert {f"flask_kapa_handoff.KapaHandoff.{name}" for name in hooks} <= ids
    assert {f"flask_kapa_handoff.testing.{name}" for name in testing.__all__} <= ids


def test_every_signal_is_in_the_reference(contents: dict[str, Content]) -> None:
    text = contents["python-api.html"].text
    names = [name for name, one in vars(signals).items() if isinstance(one, NamedSignal)]
    assert names
    assert [name for name in names if f"{name}(" not in text] == []


def leaves(command: click.Command) -> Iterator[click.Command]:
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from leaves(child)


def test_every_command_and_option_is_in_the_reference(contents: dict[str, Content]) -> None:
    text = contents["commands.html"].text
    shown = {context.command for context in commands.walk(click.Context(group, info_name=commands.PROGRAM))}
    for command in leaves(group):
        assert command in shown or not command.invoke_without_command  # type: ignore[attr-defined]
        for option in command.params:
            assert any(name in text for name in (*option.opts, *(name.upper() for name in option.opts))), option.name


def test_every_route_is_in_the_reference(contents: dict[str, Content]) -> None:
    page = source("http") + errors.admin_routes()
    for methods, path, endpoint in errors.routes(errors.example()):
        for method in methods.split("/"):
            known = f"{method} {path}" in page
            assert known or endpoint == "kapa_handoff_admin.static", (method, path)
    assert "/handoff/admin/tickets/<reference>/send-again" in contents["http.html"].text


def first_column(table: str) -> set[str]:
    """The names in a table's first column."""
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(cells)))


def test_every_field_of_a_request_is_in_the_reference() -> None:
    """And no other."""
    offer = section("http", "Ask for a button")
    assert first_column(offer) == {*FACTS, *EVENT_FIELDS, "language", "direct"} - {"offer", "event"}
    assert [name for name in OFFER_FIELDS if f"`{name}`" not in offer] == []
    assert first_column(section("http", "Send a ticket")) == set(ticket_fields(Config()))


def test_every_error_code_is_in_the_reference(contents: dict[str, Content]) -> None:
    text = contents["http.html"].text
    for kind in errors._kinds(flask_kapa_handoff.errors.RequestProblem):
        assert kind.error_code in text


def test_every_table_and_column_is_in_the_reference_and_the_data_map(contents: dict[str, Content]) -> None:
    """The data map names each column of each table, so that a new one makes somebody think."""
    mapped: dict[str, set[str]] = {}
    for where in re.findall(r"^\|[^|]+\|[^|]+\| (`[^|]+) \|", section("data-map", "In the database"), re.MULTILINE):
        for part in where.split("; "):
            table, _, columns = part.partition(": ")
            mapped.setdefault(table.strip("`"), set()).update(re.findall(r"`(\w+)`", columns))
    text = contents["tables.html"].text
    for table in metadata.tables.values():
        assert table.name in text
        assert mapped[table.name.removeprefix(PREFIX)] == {column.name for column in table.columns}
        assert [column.name for column in table.columns if column.name not in text] == []


def test_every_member_and_type_of_the_script_is_in_the_reference(contents: dict[str, Content]) -> None:
    api = (CHECKOUT / "frontend" / "handoff" / "api.ts").read_text().partition("export const api = {")[2]
    members = set(re.findall(r"^  (?:async |get |set )?(\w+)[(:,]", api, re.MULTILINE)) - set(javascript.INTERNAL)
    assert len(members) >= 7
    text = contents["javascript.html"].text
    assert [member for member in members if f"KapaHandoff.{member}" not in text] == []
    events = re.findall(r'"([\w-]+)"', re.search(r"type EventName = .*", javascript.types())[0])  # type: ignore[index]
    assert [event for event in events if f"`kapa-handoff:{event}`" not in source("javascript")] == []


def test_every_variable_of_the_templates_is_in_the_reference() -> None:
    named = set(
        re.findall(r"`(\w+)[`(]", section("templates", "What visitors see") + section("templates", "The mail"))
    )
    read = set().union(*templates.variables().values())
    assert len(read) > 40
    assert read - named == set()


def test_every_header_of_a_mail_is_in_the_reference(write: Callable[..., bytes]) -> None:
    headers = header_names(write(letterhead=replace(LETTERHEAD, auto_submitted=True), thread_id="t1"))
    table = section("mail", "Headers")
    assert len(headers) > 9
    assert [name for name in headers if f"`{name}`" not in table] == []


def test_the_lines_of_the_title_page_mount_it(make_app: Callable[..., Flask]) -> None:
    """Into a site that has a login."""
    (program,) = re.findall(r"```python\n(.*?)```", source("index"), re.DOTALL)
    (button,) = re.findall(r"```jinja\n(.*?)```", source("index"), re.DOTALL)
    site = make_app(mount=False)
    exec(program, {"app": site, "login_required": lambda view: view})  # noqa: S102 - the page's own code
    conversation = Conversation((QuestionAnswer("How?", "So."),))
    with site.test_request_context():
        assert "data-kapa-handoff-open" in render_template_string(button, conversation=conversation)
    assert site.test_client().get("/handoff/admin/").status_code == 200


# The extension.


def test_a_part_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        generated.written("# Page\n\n<!-- make reference: no such part -->\n<!-- end -->\n")
    assert all(part().strip() for part in PARTS.values())
    assert set(ON_SITE) <= set(PARTS)


@pytest.mark.parametrize("name", sorted(page.stem for page in DOCS.glob("*.md")))
def test_the_parts_that_come_from_the_code_are_committed(name: str) -> None:
    """So that pages are complete in the repository. `make reference` writes what has changed."""
    assert source(name) == generated.written(source(name))


def test_every_part_is_on_a_page() -> None:
    everything = "".join(page.read_text() for page in DOCS.glob("*.md"))
    assert [name for name in PARTS if f"<!-- make reference: {name} -->" not in everything] == []


def test_a_part_is_written_between_its_comments() -> None:
    """What is around it stays, and so does a part that is already there."""
    once = generated.written("a\n<!-- make reference: file LICENSE -->\nold\n<!-- end -->\nb\n")
    assert once == "a\n<!-- make reference: file LICENSE -->\n\nSee [LICENSE](../LICENSE).\n\n<!-- end -->\nb\n"
    assert generated.written(once) == once
    assert "Permission is hereby granted" in generated.complete("page", once)


def test_links_lead_to_the_pages_of_the_site() -> None:
    """A file that the site does not have becomes its words."""
    linked = pages.with_links_of_site("docs/page.md", "[a](../README.md) [b](x.md#y) [c](../Makefile)")
    assert linked == "[a](index.md) [b](x.md#y) c (`Makefile`)"
    assert pages.with_links_of_site("CONTRIBUTING.md", "[.ci/run](.ci/run)") == "`.ci/run`"
    assert pages.with_links_of_site("CHANGELOG.md", "[a](docs/form.md)") == "[a](form.md)"
    assert pages.with_page_links("see docs/form.md.") == "see :doc:`form`."


def test_a_picture_is_dark_beside_dark_text(contents: dict[str, Content]) -> None:
    """Where there are two of them; the theme shows one."""
    assert {"_images/overview.png", "_images/overview-dark.png"} <= set(contents["index.html"].loads)
    assert pages.with_dark_pictures("![Words](other.png)") == "![Words](other.png)"


def test_the_first_page_of_a_part_lists_its_pages_in_the_same_order() -> None:
    made = pages.with_table_of_contents("reference", "- [B](b.md): x\n- [A](a.md): see [c](c.md)\n")
    assert made.endswith("```{toctree}\n:hidden:\n\nb\na\n```\n")


def test_signatures_name_no_type_variable() -> None:
    """Which only a type checker can use."""
    assert python_api.signature("(loader: ~flask_kapa_handoff._Loader)", "_Loader") == ("(loader)", None)
    assert python_api.signature("(app: Flask)", "None") == ("(app: Flask)", "None")


def test_signatures_and_empty_headings_are_readable() -> None:
    signature = '<span class="sig-paren">(</span>\n\n<dl>\n<dd>a,</dd>\n</dl>\n'
    assert "<dl>" not in html.readable(signature)
    assert html.readable('<th class="head"><p></p></th>') == '<td class="head"></td>'
