"""The web servers that run Flask sites: the site starts, a ticket is sent, its mail arrives, the server ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sysconfig
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.servers import MailServer, free_port
from tests.hosts.conftest import Server
from tests.hosts.environments import PINS, python_of

StartSite = Callable[..., Server]
OLD_UWSGI = ("pyuwsgi==2.0.26",)
WARM = {"HANDOFF_WARM": "1"}
GUNICORN = ("gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}")
UWSGI = (
    *("pyuwsgi", "--http-socket", "127.0.0.1:{port}", "--master", "--processes", "2", "--die-on-term", "--need-app"),
    *("--module", "applications.wsgi"),
)
WSGI, ASGI = "applications.wsgi:application", "applications.asgi:application"

SERVERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "gunicorn, sync": ((*GUNICORN, WSGI), {}),
    "gunicorn, gthread": ((*GUNICORN, "--threads", "4", WSGI), {}),
    "gunicorn, gevent": ((*GUNICORN, "--worker-class", "gevent", WSGI), {}),
    "gunicorn, sync, preloaded": ((*GUNICORN, "--preload", WSGI), {}),
    "gunicorn, gthread, forked while it delivers": ((*GUNICORN, "--threads", "4", "--preload", WSGI), WARM),
    "uWSGI": (UWSGI, {}),
    "uWSGI, with threads": ((*UWSGI, "--threads", "4"), {}),
    "uWSGI, with threads, forked while it delivers": (
        (*UWSGI, "--threads", "4", "--py-call-uwsgi-fork-hooks"),
        WARM,
    ),
    "waitress": (("waitress-serve", "--listen", "127.0.0.1:{port}", WSGI), {}),
    "uvicorn over a2wsgi": (("uvicorn", "--workers", "2", "--port", "{port}", ASGI), {}),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_ticket_is_delivered_by_the_servers_own_threads(
    name: str, start_site: StartSite, mail_server: MailServer
) -> None:
    """With the defaults: the process that took the ticket, or another one of the server's, sends the mail."""
    command, environment = SERVERS[name]
    port, python = free_port(), python_of("servers", PINS)
    server = start_site(
        [python.parent / part.format(port=port) for part in command[:1]]
        + [part.format(port=port) for part in command[1:]],
        **environment,
    )
    references = [send(server, f"http://127.0.0.1:{port}") for _ in range(4)]
    for reference in references:
        wait_for_mail(server, mail_server, reference)
    assert_ends_cleanly(server)


def test_where_uwsgi_runs_no_threads_the_log_says_so(start_site: StartSite, mail_server: MailServer) -> None:
    """Before 2.0.27 and without `enable-threads`: the ticket is stored, and the log names the cause and the remedy."""
    port, python = free_port(), python_of("old-uwsgi", OLD_UWSGI)
    server = start_site([python.parent / UWSGI[0], *(part.format(port=port) for part in UWSGI[1:])])
    send(server, f"http://127.0.0.1:{port}")
    server.wait_for("(enable-threads)")
    assert "uWSGI runs no threads here" in server.log()
    assert_ends_cleanly(server)


def test_a_ticket_is_delivered_under_apache(start_site: StartSite, mail_server: MailServer, tmp_path: Path) -> None:
    """Debian's mod_wsgi in daemon mode, with its own Python."""
    port, python = free_port(), python_of("mod-wsgi", (), base="/usr/bin/python3")
    packages = sysconfig.get_path("purelib", vars={"base": str(python.parents[1])})
    (tmp_path / "apache.conf").write_text(APACHE.format(folder=tmp_path, port=port, packages=packages))
    if os.geteuid() == 0:  # Apache's processes become this user, who has to get to the folder and write into it
        for folder in takewhile(lambda folder: folder != Path(tempfile.gettempdir()), (tmp_path, *tmp_path.parents)):
            folder.chmod(0o755)
        shutil.chown(tmp_path, "www-data")
    server = start_site(["/usr/sbin/apache2", "-DFOREGROUND", "-f", tmp_path / "apache.conf"])
    wait_for_mail(server, mail_server, send(server, f"http://127.0.0.1:{port}"))
    assert_ends_cleanly(server)


APACHE = """
ServerRoot {folder}
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
WSGISocketPrefix {folder}/wsgi
WSGIDaemonProcess site processes=2 threads=4 home={folder} python-path={folder}:{packages}
WSGIProcessGroup site
WSGIApplicationGroup %{{GLOBAL}}
WSGIScriptAlias / {folder}/applications/wsgi.py
<Directory {folder}>
  Require all granted
</Directory>
"""


def send(server: Server, address: str) -> str:
    """A ticket as a script sends it; returns its reference."""
    asked = urllib.request.Request(f"{address}/handoff/offer?pairs=1", headers={"Accept": "application/json"})
    offer = server.wait_until(lambda: answer(asked), "the site answers")["offer"]
    ticket = {
        "offer": offer,
        "submission_id": str(uuid.uuid4()),
        "email": "visitor@example.com",
        "note": "",
        "conversation": [{"question": "How do I rotate a key?", "answer": "Run `keys rotate`."}],
    }
    headers = {"Content-Type": "application/json"}
    posted = urllib.request.Request(f"{address}/handoff/tickets", json.dumps(ticket).encode(), headers)
    with urllib.request.urlopen(posted, timeout=60) as answered:
        return str(json.load(answered)["reference"])


def answer(asked: urllib.request.Request) -> Any:
    """The site's response; None: it is not listening yet."""
    try:
        with urllib.request.urlopen(asked, timeout=60) as answered:
            return json.load(answered)
    except (ConnectionError, urllib.error.URLError) as error:
        if isinstance(error, urllib.error.HTTPError):
            raise
        return None


def wait_for_mail(server: Server, mail_server: MailServer, reference: str) -> None:
    server.wait_until(
        lambda: any(reference in mail.message["Subject"] for mail in list(mail_server.received)),
        f"the mail of {reference}",
    )


def assert_ends_cleanly(server: Server) -> None:
    """It ends in time, by the signal or with its own status, and without an error in its log."""
    assert server.stop() in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    assert "Traceback" not in server.log(), server.log()
    assert "Error" not in server.log(), server.log()
