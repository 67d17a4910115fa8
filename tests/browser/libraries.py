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


def compiled_vue(component: str) -> str:
    """The module of a Vue component."""
    done = subprocess.run(
        ["node", "-e", COMPILE_VUE], input=component, capture_output=True, text=True, check=True, cwd=_modules().parent
    )
    return done.stdout


def _modules() -> Path:
    try:
        return install(LIBRARIES)
    except BundleError as error:
        pytest.fail(str(error))
