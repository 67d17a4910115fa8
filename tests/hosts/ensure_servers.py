"""Makes sure that nginx and Apache with mod_wsgi are there: installed already, or Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {"nginx": "nginx-light", "apache2": "apache2"}
MOD_WSGI = Path("/usr/lib/apache2/modules/mod_wsgi.so")


def missing() -> list[str]:
    """Debian's packages for what is not there."""
    # Without /usr/sbin in the PATH, as users' shells have it.
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    packages = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    return packages if MOD_WSGI.exists() else [*packages, "libapache2-mod-wsgi-py3"]


def main() -> int:
    if missing() and shutil.which("apt-get") and os.geteuid() == 0:
        # Started by the tests alone, on ports of their own: not as services.
        environment = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
        print(f"Installing Debian's {' '.join(missing())}.", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing()], check=False, env=environment
        )
    if not missing():
        return 0
    print(
        f"The tests in tests/hosts need {' '.join(missing())}. Install what is missing by hand, for example with "
        f"`sudo apt-get install {' '.join(missing())}`, and run `make test-hosts` again.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
