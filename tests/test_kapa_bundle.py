"""Kapa's React SDK, fetched and bundled for the example app and for the tests of the bridge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from example_app.kapa_bundle import BundleError, bundle

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    script = tmp_path / "entry.jsx"
    script.write_text('import { useChat } from "@kapaai/react-sdk";\nwindow.shown = <p>{String(useChat)}</p>;\n')
    return script


def test_a_bundle_is_one_script_that_imports_nothing(entry: Path) -> None:
    """The SDK, React and the entry's JSX come out as one script for a browser."""
    script = bundle(entry).read_text()
    assert "useChat must be used within a KapaProvider" in script
    assert "process.env" not in script
    assert not script.startswith("import")


def test_the_same_entry_is_built_once_and_a_changed_one_again(entry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle is taken from the cache, without Node.js even, until the entry changes."""
    built = bundle(entry)
    when = built.stat().st_mtime_ns
    with monkeypatch.context() as without_programs:
        without_programs.setenv("PATH", "")
        assert bundle(entry) == built
    assert built.stat().st_mtime_ns == when
    entry.write_text("window.shown = 'something else';")
    assert "something else" in bundle(entry).read_text()


def test_two_processes_that_begin_at_once_both_get_the_bundle(
    entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an empty cache, two processes install at once: both succeed, and nothing half done is left."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code = (
        "import sys; from pathlib import Path; from example_app.kapa_bundle import bundle; bundle(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(entry)]
    processes = [subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    (folder,) = (tmp_path / "cache" / "flask-kapa-handoff").iterdir()
    assert len(list(folder.glob("*.js"))) == 1
    assert not list(folder.glob("bundle-*"))


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_without_node_the_error_says_what_to_install(
    missing: str, entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Node.js or npm is not installed, the message names it, its purpose and the remedy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if missing == "node":  # the packages were installed earlier, on a machine that had it
        bundle(entry)
        entry.write_text("window.shown = 'not yet built';")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BundleError, match=rf"^{missing} was not found\. .* Install Node\.js 18 or newer"):
        bundle(entry)


def test_a_cache_that_cannot_be_written_to_is_named(
    entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cache folder cannot be made, the message says which variable moves it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BundleError, match="XDG_CACHE_HOME"):
        bundle(entry)


def test_a_mistake_in_the_entry_is_shown(entry: Path) -> None:
    """What the bundler says about a broken script is in the message."""
    entry.write_text('import "no-such-package";')
    with pytest.raises(BundleError, match="no-such-package"):
        bundle(entry)
