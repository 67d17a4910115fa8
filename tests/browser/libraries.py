"""The libraries that sites build their pages with, from npm at fixed versions and kept in the user's cache."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from example_app.kapa_bundle import PACKAGES, BundleError, bundle, install

LIBRARIES = {
    **{name: PACKAGES[name] for name in ("esbuild", "react", "react-dom")},
    "@hotwired/turbo": "8.0.23",
    "vue": "3.5.45",
}

MODALS = {
    **{name: PACKAGES[name] for name in ("esbuild", "react", "react-dom")},
    "@emotion/react": "11.14.0",
    "@emotion/styled": "11.14.1",
    "@headlessui/react": "2.2.10",
    "@mantine/core": "9.8.1",
    "@mantine/hooks": "9.8.1",
    "@mui/material": "9.5.0",
    "@popperjs/core": "2.11.8",
    "@radix-ui/react-dialog": "1.3.1",
    "bootstrap": "5.3.9",
    "focus-trap": "8.2.4",
    "react-aria-components": "1.22.1",
}

AXE = {"axe-core": "4.14.1"}

# A component of one file becomes a module; vue brings the compiler.
COMPILE_VUE = """
const {parse, compileScript} = require("vue/compiler-sfc");
const {descriptor} = parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(compileScript(descriptor, {id: "answer", inlineTemplate: true}).content);
"""


def turbo() -> bytes:
    """Turbo, as one classic script."""
    return (_modules() / "@hotwired" / "turbo" / "dist" / "turbo.es2017-umd.js").read_bytes()


def app(entry: Path) -> bytes:
    """An app on React, with its checks for developers, or on Vue, as one classic script."""
    _modules()
    return bundle(entry, LIBRARIES, environment="development").read_bytes()


def modals(entry: Path) -> bytes:
    """Chats in the modals of libraries, as one classic script."""
    _modules(MODALS)
    return bundle(entry, MODALS).read_bytes()


def modal_style(path: str) -> bytes:
    """A style sheet of such a library, by its path among the packages."""
    return (_modules(MODALS) / path).read_bytes()


def axe() -> str:
    """axe-core, which finds faults of accessibility, as a classic script."""
    return (_modules(AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def compiled_vue(component: str) -> str:
    """The module of a Vue component."""
    done = subprocess.run(
        ["node", "-e", COMPILE_VUE], input=component, capture_output=True, text=True, check=True, cwd=_modules().parent
    )
    return done.stdout


def _modules(packages: dict[str, str] = LIBRARIES) -> Path:
    try:
        return install(packages)
    except BundleError as error:
        pytest.fail(str(error))
