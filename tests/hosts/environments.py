"""A separate environment for each application, with the wheel of this checkout; kept in ``.cache/hosts``."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "hosts"
PACKED = ("flask_kapa_handoff", "templates", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
PINS = (
    "gunicorn[gevent]==27.0.1",
    "gevent==26.9.0",
    "pyuwsgi==2.0.30.post1",
    "waitress==3.0.2",
    "uvicorn==0.54.0",
    "a2wsgi==1.10.10",
)


@cache
def wheel() -> Path:
    """The wheel of this checkout, built once for each state of its files."""
    files = [file for name in PACKED for file in _files_of(ROOT / name)]
    digest = _digest(part for file in files for part in (str(file.relative_to(ROOT)).encode(), file.read_bytes()))
    folder = CACHE / "wheels" / digest
    with _alone("wheels"), tempfile.TemporaryDirectory() as copy:
        if not folder.exists():
            for file in files:
                target = Path(copy, file.relative_to(ROOT))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            run(sys.executable, "-m", "build", "--wheel", "--outdir", Path(copy, "dist"), copy)
            shutil.copytree(Path(copy, "dist"), folder)
    return next(folder.glob("*.whl"))


def python_of(name: str, pins: Iterable[str], *, base: str = sys.executable) -> Path:
    """The Python of the environment that holds the pinned packages and the wheel.

    Arguments:
        name: the folder in the cache.
        pins: what is installed beside the wheel, as pip takes it.
        base: the Python that the environment is made of.

    Raises:
        AssertionError: pip cannot install them together; its words are in the message.
    """
    folder = CACHE / name
    python, wanted, installed = folder / "bin" / "python", folder / "wanted", folder / "wheel"
    packed = wheel()
    digest = _digest([*(pin.encode() for pin in pins), _requirements(packed), base.encode()])
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    with _alone(name):
        if not wanted.exists() or wanted.read_text() != digest:
            shutil.rmtree(folder, ignore_errors=True)
            print(f"Installing {' '.join(pins)} into {folder.relative_to(ROOT)}", flush=True)
            run(base, "-m", "venv", "--without-pip", folder)
            run(*pip, *pins, packed)
            wanted.write_text(digest)
        elif installed.read_text() != packed.parent.name:
            run(*pip, "--no-deps", "--force-reinstall", packed)
        installed.write_text(packed.parent.name)
    return python


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let only one of several test processes install at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*command: object, **options: object) -> str:
    """A command's output, which is in the error if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return str(done.stdout)


def _files_of(path: Path) -> list[Path]:
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file for file in found if file.is_file() and "__pycache__" not in file.parts]


def _requirements(packed: Path) -> bytes:
    """The lines of the wheel that decide what pip installs beside it."""
    with zipfile.ZipFile(packed) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).splitlines()
    return b"\n".join(line for line in lines if line.startswith(b"Requires"))


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]
