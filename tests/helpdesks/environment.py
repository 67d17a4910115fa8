"""An environment with the helpdesks that PyPI has; kept in ``.cache/helpdesks``, apart from everything of ours."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "helpdesks"
PROGRAMS = Path(__file__).parent / "programs"
PINS = (
    "django-helpdesk==2.6.1",
    "Django==5.2.19",
    "email-reply-parser==0.5.12",
    "mail-parser-reply==1.36",
    "quotequail==0.5.4",
    "roundup==2.6.0",
)


def python() -> Path:
    """The Python of the environment, installed if need be.

    Raises:
        AssertionError: pip cannot install it; its words are in the message.
    """
    wanted = hashlib.sha256("\n".join((*PINS, sys.executable, sys.version)).encode()).hexdigest()[:16]
    folder = CACHE / wanted
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # only one of several test processes installs
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for old in CACHE.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            print(f"Installing {' '.join(PINS)} into {folder.relative_to(ROOT)}", flush=True)
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
            _run([*pip, "--quiet", "--disable-pip-version-check", *PINS])
            (folder / "installed").touch()
    return folder / "bin" / "python"


def ask(program: str, *arguments: object, **question: Any) -> Any:
    """What a program of :data:`PROGRAMS` answers; both are JSON."""
    command = [str(python()), str(PROGRAMS / program), *map(str, arguments)]
    return json.loads(_run(command, input=json.dumps(question)))


def _run(command: list[str], input: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=input)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


if __name__ == "__main__":
    python()
