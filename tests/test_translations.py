"""The catalogs: complete, with nothing that is no longer used, and no text on a page that they leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from flask_kapa_handoff.template_environment import TEMPLATES
from flask_kapa_handoff.translation import CATALOGS, DOMAIN

ROOT = Path(__file__).parent.parent
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
FILES = sorted(CATALOGS.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
PAGES = sorted((TEMPLATES / "kapa_handoff").rglob("*.*"))

PLACEHOLDER = re.compile(r"%\((\w+)\)s|%")
READ_ALOUD = frozenset(("alt", "aria-label", "aria-description", "placeholder", "title"))
SHOWN_BY_SCRIPTS = re.compile(r"data-[a-z-]+")


@pytest.fixture(scope="module")
def messages() -> dict[str, tuple[str, ...]]:
    """Every message in the code and the templates, with its plural."""
    mapping = ConfigParser()
    mapping.read(ROOT / "babel.cfg", "utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for section in mapping.sections():
        method, folder, pattern = re.fullmatch(r"(\w+): (\w+)/(.+)", section).groups()  # type: ignore[union-attr]
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder, [(pattern, method)], {pattern: dict(mapping[section])}, keywords=KEYWORDS
        ):
            texts = (message,) if isinstance(message, str) else tuple(text for text in message if text is not None)
            found[texts[0]] = texts
    assert len(found) > 200
    return found


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def in_use(catalog: Catalog) -> Iterator[Any]:
    return (message for message in catalog if message.id)


def forms(message: Any) -> list[tuple[str, str]]:
    """Each text of a message with the English one that it stands for."""
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    return [
        (message.id[0] if len(message.string) > 1 and place == 0 else message.id[1], text)
        for place, text in enumerate(message.string)
    ]


def test_there_are_catalogs() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
class TestCatalog:
    def test_it_has_every_message_and_no_other(self, path: Path, messages: dict[str, tuple[str, ...]]) -> None:
        catalog = read(path)
        ids = {message.id if isinstance(message.id, str) else message.id[0] for message in in_use(catalog)}

        assert sorted(messages.keys() - ids) == []
        assert sorted(ids - messages.keys()) == []
        assert not catalog.obsolete
        assert [message.id for message in in_use(catalog) if message.fuzzy] == []
        assert [message.id for message in in_use(catalog) if not all(text for _, text in forms(message))] == []

    def test_its_placeholders_are_those_of_the_message(self, path: Path) -> None:
        for message in in_use(read(path)):
            for source, text in forms(message):
                # A form for exactly one or two things may say it without the number, and one for 1, 21, 31 needs it.
                expected, found = (
                    sorted(name for name in PLACEHOLDER.findall(one) if name != "number") for one in (source, text)
                )
                assert found == expected, text
                assert "%(number)s" in text or isinstance(message.id, tuple) or "%(number)s" not in source, text

    def test_its_plural_forms_are_those_of_the_language(self, path: Path) -> None:
        catalog = read(path)
        number = Catalog(locale=Locale.parse(path.parts[-3])).num_plurals

        assert catalog.num_plurals >= number  # an older Babel knows fewer forms of some
        for message in in_use(catalog):
            if not isinstance(message.id, str):
                assert len(message.string) == catalog.num_plurals, message.id

    def test_its_texts_begin_and_end_as_the_messages_do(self, path: Path) -> None:
        for message in in_use(read(path)):
            for source, text in forms(message):
                assert (text[0].isspace(), text[-1].isspace()) == (source[0].isspace(), source[-1].isspace()), text
                assert "<" not in text, text
                assert source.endswith("…") == text.endswith("…"), text


class _Texts(HTMLParser):
    """Collects what a template itself says to people."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.quiet = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.quiet += tag in ("code", "script", "style", "samp")
        for name, value in attributes:
            words = (value or "").replace(MARK, "")
            is_told = name in READ_ALOUD or (SHOWN_BY_SCRIPTS.fullmatch(name) and " " in words.strip())
            if is_told and re.search(r"[^\W\d_]", words):
                self.found.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self.quiet -= tag in ("code", "script", "style", "samp")

    def handle_data(self, data: str) -> None:
        is_attributes = '="' in data  # of a tag elsewhere, in a macro or a block
        if not self.quiet and not is_attributes and re.search(r"[^\W\d_]", data.replace(MARK, "")):
            self.found.append(data.strip())


MARK = "x0x"
"""Stands for an expression: valid as the name of a tag, too."""

UNITS = ("UTC",)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_says_nothing_that_cannot_be_translated(path: Path) -> None:
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=True)
    source = path.read_text("utf-8")

    html: list[str] = []
    for _, kind, value in environment.lex(source):
        if kind == "data":
            html.append(value)
        elif kind in ("block_begin", "variable_begin"):
            html.append(MARK if kind == "variable_begin" else "")
    texts = _Texts()
    texts.feed("".join(html))
    texts.close()

    assert [text for text in texts.found if text.replace(MARK, "").strip() not in UNITS] == []
    assert [
        text for text in _constants(environment.parse(source)) if re.search(r"[a-z] [a-z]|^[A-Z][a-z]+", text)
    ] == []


def _constants(tree: nodes.Node) -> Iterator[str]:
    """The texts in a template's expressions that do not go through a catalog."""
    for node in tree.iter_child_nodes():
        if isinstance(node, nodes.Call) and getattr(node.node, "name", "") in ("_", "ngettext"):
            for argument in node.kwargs:
                yield from _constants(argument)
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            yield node.value
        else:
            yield from _constants(node)
