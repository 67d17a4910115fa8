"""Bundles Kapa's React SDK with a script of ours for browsers; fetches it from npm at fixed versions.

The source tree contains nothing from npm. The packages and the bundles are kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

PACKAGES = {
    "@kapaai/react-sdk": "0.13.1",
    "esbuild": "0.28.2",
    "markdown-to-jsx": "9.10.6",
    "react": "19.3.1",
    "react-dom": "19.3.1",
}

ESBUILD_OPTIONS = ("--bundle", "--minify", "--format=iife", "--jsx=automatic", "--log-level=warning")


class BundleError(Exception):
    """The bundle cannot be built; the message says what is missing and what to do."""


def bundle(entry: Path, packages: Mapping[str, str] = PACKAGES, environment: str = "production") -> Path:
    """The script with everything that it imports, as one classic script.

    It is built once, then comes from the cache until the entry or a version changes.

    Arguments:
        entry: a JavaScript or JSX file that imports only packages, no other files.
        packages: the npm packages and their versions; esbuild is one of them.
        environment: React's; ``development`` includes its checks, such as those of StrictMode.

    Raises BundleError when Node.js, npm, the network or a writable folder is missing, or the entry is wrong.
    """
    modules = install(packages)
    options = [*ESBUILD_OPTIONS, f'--define:process.env.NODE_ENV="{environment}"']
    name = f"{entry.stem}-{_digest([entry.suffix, entry.read_text(encoding='utf-8'), options])}.js"
    folder, script = modules.parent, modules.parent / name
    if script.is_file():
        return script
    # Beside the target, so that renaming is atomic: other processes see a whole bundle or none.
    with tempfile.TemporaryDirectory(dir=folder, prefix="bundle-") as temporary:
        built = Path(temporary) / script.name
        command = [_program("node"), str(modules / "esbuild" / "bin" / "esbuild"), *options]
        # The entry is elsewhere: without NODE_PATH, no package would be found from there.
        _run([*command, f"--outfile={built}", str(entry.resolve())], NODE_PATH=str(modules))
        built.replace(script)
    return script


def install(packages: Mapping[str, str] = PACKAGES) -> Path:
    """The ``node_modules`` folder with these packages, from the cache if they are there."""
    folder = _cache() / f"npm-{_digest(packages)}"
    if not folder.is_dir():
        _install(folder, packages)
    return folder / "node_modules"


def _install(folder: Path, packages: Mapping[str, str]) -> None:
    """Install the packages beside the folder, then rename: several processes may do so at once."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix="installing-"))
    except OSError as error:
        raise BundleError(
            f"Kapa's React SDK is kept in {folder.parent}, which cannot be written to ({error.strerror}). "
            "Set XDG_CACHE_HOME to a folder that can."
        ) from error
    try:
        manifest = {"private": True, "dependencies": packages}
        (temporary / "package.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        npm = [_program("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run([*npm, "--prefix", str(temporary)])
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _cache() -> Path:
    # The XDG Base Directory Specification: a relative path must be ignored.
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (named if named.is_absolute() else Path.home() / ".cache") / "flask-kapa-handoff"
    except RuntimeError as error:
        raise BundleError(
            "Kapa's React SDK needs a folder to be kept in, and this user has no home. "
            "Set XDG_CACHE_HOME to a folder that can be written to."
        ) from error


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BundleError(
            f"{name} was not found. The chat that is built with Kapa's React SDK needs Node.js and its npm, to fetch "
            "the SDK and to bundle it. Install Node.js 18 or newer and try again."
        )
    return found


def _run(command: list[str], **variables: str) -> None:
    done = subprocess.run(  # noqa: S603 - programs and arguments are fixed above
        command, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleError(
            f"{Path(command[0]).name} could not bundle Kapa's React SDK (Node.js 18 or newer and, the first time, "
            f"the network are needed). It said:\n{(done.stderr or done.stdout).strip()}"
        )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
