"""Delivery inside web processes: real imports, ends and forks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.deliveries import Gate, look_up
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.sites import ROOT, environment_of


def test_import_starts_nothing() -> None:
    """Importing the package starts no thread, opens no connection and leaves SMTP and SSL alone."""
    script = (
        "import sys, threading; import flask; before = set(sys.modules); import flask_kapa_handoff;"
        "print(threading.active_count(), {'smtplib', 'flask_mail'} & (set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "1 set()"


PROCESS_THAT_ENDS = """
import sys
from flask import Flask
from flask_kapa_handoff import KapaHandoff
from tests.helpers.tickets import send_ticket

port, folder = int(sys.argv[1]), sys.argv[2]
app = Flask("site", instance_path=folder)
app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", MAIL_PORT=port,
                  MAIL_DEFAULT_SENDER="site@example.com")
app.config.from_prefixed_env()
KapaHandoff(app)
print(send_ticket(app.test_client()), flush=True)
sys.stdin.readline()
"""


def test_process_that_ends_finishes_the_current_mail(delivering_site: Callable[..., Flask]) -> None:
    """An orderly end of the process lets the current mail arrive and be recorded."""
    gate = Gate()
    with ScriptedServer({"END": [gate]}) as server:
        app = delivering_site(server, KAPA_HANDOFF_DELIVERY="external")
        environment = environment_of(app)
        with run(PROCESS_THAT_ENDS, str(server.port), app.instance_path, environment=environment) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            reference = process.stdout.readline().strip()
            gate.wait()
            process.stdin.close()
            gate.opened.set()
            assert process.wait(30) == 0
        assert look_up(app, reference).status is Status.DELIVERED


def run(script: str, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    root = str(ROOT)
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**(environment or os.environ), "PYTHONPATH": root},
    )


FORKING_PROCESS = """
import os
import sys
import threading
from flask import Flask
from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.signals import ticket_delivered
from tests.helpers.tickets import send_ticket

port, folder = int(sys.argv[1]), sys.argv[2]
app = Flask("site", instance_path=folder)
app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", MAIL_PORT=port,
                  MAIL_DEFAULT_SENDER="site@example.com")
KapaHandoff(app)

def send():
    delivered = threading.Event()
    receive = lambda app, ticket: delivered.set()
    with ticket_delivered.connected_to(receive, app):
        reference = send_ticket(app.test_client())
        assert delivered.wait(30)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("kapa-handoff-")]
    print(reference, len(threads), flush=True)

send()
child = os.fork()
if child == 0:
    before = [thread for thread in threading.enumerate() if thread.name.startswith("kapa-handoff-")]
    assert before == [], before
    send()
    sys.exit(0)
_, status = os.waitpid(child, 0)
send()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forked_process_has_its_own_threads(tmp_path: Path, mail_server: MailServer) -> None:
    """A process that was forked from a serving one delivers with threads of its own, and its parent goes on."""
    process = run(FORKING_PROCESS, str(mail_server.port), str(tmp_path / "site"))
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [line.split() for line in printed.splitlines()]
    assert [count for _, count in lines] == ["2", "2", "2"]
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [line[0] for line in lines]
