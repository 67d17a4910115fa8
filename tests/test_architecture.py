"""The pages about the code name only what exists, and every folder of the package."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "flask_kapa_handoff"
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
GLOSSARY = (ROOT / "docs/glossary.md").read_text()

FILES = sorted(set(re.findall(r"(?<![\w./])((?:[a-z_]+/)*[a-z_]+\.py|(?:[a-z_]+/)+)", ARCHITECTURE)))
"""Modules and folders that the page names, by their paths in the package or in the project."""

FUNCTIONS = sorted(set(re.findall(r"(?<![\w/])((?:[a-z_]+/)*[a-z_]+)(?:\.py)? ?[ .]([A-Za-z_]+)\(\)", ARCHITECTURE)))
"""Functions behind the module that they are in."""

IN_CODE = re.findall(r"\| `((?:[a-z_]+\.)*[A-Za-z_]+)` \|$", GLOSSARY, re.M)


@pytest.mark.parametrize("path", FILES)
def test_a_named_file_exists(path: str) -> None:
    """It is in the package, or in the project."""
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


@pytest.mark.parametrize(("module", "function"), FUNCTIONS)
def test_a_named_function_exists(module: str, function: str) -> None:
    """It is in the module that stands before it."""
    path = module.replace("/", ".")
    assert hasattr(importlib.import_module(f"flask_kapa_handoff.{path}"), function)


def test_the_page_names_functions() -> None:
    """Those that a ticket passes are among them."""
    assert {("triggers", "matching"), ("offers", "make_offer"), ("delivery/outbox", "claim")} <= set(FUNCTIONS)


def test_every_folder_of_the_package_is_named() -> None:
    """Whoever opens the listing finds each folder on the page."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {"visitor", "storage"} <= folders
    assert {name for name in folders if f"`{name}/`" not in ARCHITECTURE} == set()


@pytest.mark.parametrize("name", IN_CODE)
def test_a_word_of_the_glossary_is_in_the_code(name: str) -> None:
    """A class or function of a module, or a module."""
    module, _, last = f"flask_kapa_handoff.{name}".rpartition(".")
    found = importlib.import_module(module)
    assert hasattr(found, last) or importlib.import_module(f"{module}.{last}")
