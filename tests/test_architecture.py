"""The pages about the code name only what exists: its modules, classes, functions, floors and statuses."""

from __future__ import annotations

import importlib
import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from flask_kapa_handoff.admin.labels import STATUSES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "flask_kapa_handoff"
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
GLOSSARY = (ROOT / "docs/glossary.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()

PATH = r"(?<![\w./])((?:\w+/)*\w+\.(?:py|ts)|(?:[a-z_.]+/)+)(?![\w./])"
FILES = sorted({*re.findall(PATH, ARCHITECTURE), *re.findall(PATH, CONTRIBUTING)})
"""Files and folders that the pages name, by their paths in the package or in the project."""

NAMES = sorted(set(re.findall(r"(?<![\w/])((?:[a-z_]+/)*[a-z_]+)(?:\.py )(\w+)", ARCHITECTURE)))
"""Functions and classes behind the module that they are in."""

WORDS = re.findall(r"^\| ([a-z-]+) \| .* \| (–|`.*`) \|$", GLOSSARY, re.M)
IN_CODE = [name.strip("`") for _, name in WORDS if name != "–"]


@pytest.mark.parametrize("path", FILES)
def test_a_named_file_exists(path: str) -> None:
    """It is in the package, or in the project; folders that tools make are not asked for."""
    made = {".venv/", ".cache/"}
    assert path in made or (PACKAGE / path).exists() or (ROOT / path).exists()


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_named_function_or_class_exists(module: str, name: str) -> None:
    """It is defined in the module that stands before it, not only imported there."""
    found = getattr(importlib.import_module(f"flask_kapa_handoff.{module.replace('/', '.')}"), name)
    assert found.__module__ == f"flask_kapa_handoff.{module.replace('/', '.')}"


def test_the_way_of_a_ticket_is_read_here() -> None:
    """Each step of it names what does it, and this test finds it."""
    way = ARCHITECTURE.split("```")[1]
    steps = [line for line in way.splitlines() if re.match(r"  \w", line)]
    assert len(steps) >= 10
    assert {("offers", "make_offer"), ("submission", "open_ticket"), ("delivery/courier", "Courier")} <= set(NAMES)


def test_every_function_is_in_a_file_that_is_named() -> None:
    """Methods, scripts and those that stand far from their file are looked for as well."""
    named = [base / path for path in FILES for base in (PACKAGE, ROOT) if (base / path).is_file()]
    code = "\n".join(path.read_text() for path in named)
    functions = set(re.findall(r"(\w+)\(\)", ARCHITECTURE))
    assert len(functions) > 15
    assert {name for name in functions if not re.search(rf"\b(def|function) {name}\(", code)} == set()


def test_the_floors_are_those_of_the_contract() -> None:
    """Every module of setup.cfg's contract is on the page, from the top down."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    contract = setup["importlinter:contract:floors"]["layers"].split()
    layers = [re.findall(r"\w+", layer) for layer in re.sub(r"\s*\|\s*", "|", " ".join(contract)).split()]
    rows = re.findall(r"^\| ((?:`\w+`[ >|\\]*)+) \| ", ARCHITECTURE.partition("## The floors")[2], re.M)
    shown = [re.findall(r"\w+", floor) for row in rows for floor in row.split(" > ")]
    assert [sorted(floor) for floor in shown] == [sorted(layer) for layer in layers]


def test_every_folder_of_the_package_is_named() -> None:
    """The listing on the page has each folder."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {"visitor", "storage"} <= folders
    assert {name for name in folders if f"`{name}`" not in ARCHITECTURE} == set()


@pytest.mark.parametrize("name", IN_CODE)
def test_a_word_of_the_glossary_is_in_the_code(name: str) -> None:
    """A class, function or table of a module, or a module."""
    module, _, last = f"flask_kapa_handoff.{name}".rpartition(".")
    found = importlib.import_module(module)
    assert hasattr(found, last) or importlib.import_module(f"{module}.{last}")


def test_the_glossary_says_each_word_once() -> None:
    """In one row."""
    words = [word for word, _ in WORDS]
    assert len(words) > 25
    assert len(set(words)) == len(words)


def test_the_glossary_has_every_status_as_people_read_it() -> None:
    """As the admin pages say it."""
    table = GLOSSARY.partition("## What a ticket's status is called")[2]
    said = {
        status: people
        for people, statuses in re.findall(r"^\| (\w+) \| (.*) \|$", table, re.M)
        for status in re.findall(r"`(\w+)`", statuses)
    }
    assert said == {status.value: label for status, label in STATUSES.items()}
