"""What the web server does to the threads that deliver."""

from __future__ import annotations

import re
import sys

THREADS_BY_DEFAULT = (2, 0, 27)
"""The first version of uWSGI that runs an application's threads without being told to."""

NO_THREADS = "uWSGI runs no threads here, so tickets wait in the database."
REMEDY = (
    "Set `enable-threads = true` in uWSGI's configuration, or KAPA_HANDOFF_DELIVERY=external and run "
    "`flask kapa-handoff worker`."
)


def runs_no_threads() -> bool:
    """Whether this process is one of uWSGI's and holds the interpreter between two requests: no thread gets ahead."""
    uwsgi = sys.modules.get("uwsgi")  # there is such a module inside of uWSGI only
    if uwsgi is None or not {"enable-threads", "threads"}.isdisjoint(uwsgi.opt):
        return False
    version = re.match(r"(\d+)\.(\d+)\.(\d+)", uwsgi.version.decode())
    return version is not None and tuple(map(int, version.groups())) < THREADS_BY_DEFAULT
