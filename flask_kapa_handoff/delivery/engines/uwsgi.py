"""Finds out whether the web server lets the delivering threads run."""

from __future__ import annotations

import re
import sys

from ...lazy_text import lazy_gettext as _
from .engine import Obstacle

THREADS_BY_DEFAULT = (2, 0, 27)
"""The first version of uWSGI that runs an application's threads without being told to."""

NO_THREADS = Obstacle(
    _("uWSGI runs no threads here, so tickets wait in the database."),
    _(
        "Tickets are sent by threads in the web processes, and uWSGI runs those threads only while it handles a "
        "request."
    ),
    _(
        "Set `enable-threads = true` in uWSGI's configuration, or set %(code)s and run `flask kapa-handoff worker`.",
        code='`KAPA_HANDOFF_DELIVERY = "external"`',
    ),
)


def runs_no_threads() -> bool:
    """Whether this is a uWSGI process that holds the interpreter between requests, so that no other thread runs."""
    # uWSGI's own module; a site may have one of that name, too.
    uwsgi = sys.modules.get("uwsgi")
    options, version = getattr(uwsgi, "opt", None), getattr(uwsgi, "version", None)
    if not isinstance(options, dict) or not isinstance(version, bytes):
        return False
    if "enable-threads" in options or options.get("threads", b"1") not in (b"0", b"1"):
        return False
    numbers = re.match(rb"(\d+)\.(\d+)\.(\d+)", version)
    return numbers is not None and tuple(map(int, numbers.groups())) < THREADS_BY_DEFAULT
