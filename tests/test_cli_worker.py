"""``flask kapa-handoff worker``: a separate process, several at once, and how it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import delivery_attempt
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from tests.helpers.commands import SITE
from tests.helpers.scripted_smtp import SILENCE, ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

Start = Callable[..., "subprocess.Popen[str]"]
MANY = {"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000, "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000}


@pytest.fixture
def make_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds sites that send to this mail server."""

    def build(server: MailServer | ScriptedServer, **config: Any) -> Flask:
        return make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, **MANY, **config)

    return build


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Start]:
    """Starts workers with a site's configuration."""
    started: list[subprocess.Popen[str]] = []

    def start(app: Flask) -> subprocess.Popen[str]:
        names = ("SECRET_KEY", "MAIL_SERVER", "MAIL_PORT", "MAIL_DEFAULT_SENDER")
        config = {key: app.config[key] for key in app.config if key in names or key.startswith("KAPA_HANDOFF_")}
        (tmp_path / "wsgi.py").write_text(SITE.format(instance=app.instance_path, config=config))
        worker = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "kapa-handoff", "worker"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        if worker.poll() is None:
            worker.kill()
        worker.communicate(timeout=30)


def stop(worker: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> str:
    """Stop a worker; returns what it said."""
    worker.send_signal(how)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert "Stopping." in output
    return output


def states(app: Flask) -> dict[str, int]:
    """How many tickets there are of each status, and how many attempts."""
    with state_of(app).database.read() as connection:
        found = Counter(connection.execute(select(ticket_table.c.status)).scalars())
        found["attempts"] = len(connection.execute(select(delivery_attempt.c.id)).all())
    return dict(found)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_delivers_until_it_is_stopped(
    make_site: Callable[..., Flask], mail_server: MailServer, start_worker: Start, how: signal.Signals
) -> None:
    """The worker sends what is there and what comes later, and ends cleanly when it is told to."""
    app = make_site(mail_server)
    references = [send_ticket(app.test_client())]
    worker = start_worker(app)
    mail_server.wait_for(1)
    references.append(send_ticket(app.test_client()))
    mail_server.wait_for(2)
    stop(worker, how)
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == references


def test_the_current_mail_is_finished_and_no_other_begun(make_site: Callable[..., Flask], start_worker: Start) -> None:
    """When it must stop while the server handles a mail, the worker waits for the reply and records it."""
    reached, said = threading.Event(), threading.Event()

    def reply() -> str:
        reached.set()
        said.wait(60)
        return "250 taken"

    with ScriptedServer({"END": [reply]}) as server:
        app = make_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1)
        for _ in range(3):
            send_ticket(app.test_client())
        worker = start_worker(app)
        assert reached.wait(60)
        worker.send_signal(signal.SIGTERM)
        assert worker.stdout is not None
        heard = ""
        while "Stopping." not in heard:
            line = worker.stdout.readline()
            assert line, heard
            heard += line
        said.set()
        worker.communicate(timeout=60)
        assert worker.returncode == 0
        assert len(server.mails) == 1
    assert states(app) == {"delivered": 1, "queued": 2, "attempts": 1}


def test_a_silent_server_does_not_keep_it_running(make_site: Callable[..., Flask], start_worker: Start) -> None:
    """The worker ends after the SMTP timeout even without a reply; the ticket is still there."""
    with ScriptedServer({"END": [SILENCE]}) as server:
        app = make_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1, KAPA_HANDOFF_SMTP_TIMEOUT=2)
        send_ticket(app.test_client())
        worker = start_worker(app)
        server.wait_for(lambda: "END" in server.lines, 60)
        stop(worker)
        assert len(server.mails) == 1
    assert states(app).get("delivered") is None


def test_two_workers_share_the_tickets(make_site: Callable[..., Flask], start_worker: Start) -> None:
    """Both work at the same time, and each ticket is sent once."""
    both = threading.Barrier(2)

    def reply() -> str:
        both.wait(60)  # each of them has a mail in hand
        return "250 taken"

    with ScriptedServer({"END": [reply, reply]}) as server:
        app = make_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1)
        references = {send_ticket(app.test_client()) for _ in range(40)}
        workers = [start_worker(app) for _ in range(2)]
        server.wait_for(lambda: server.verbs().count("END") == len(references), 60)
        for worker in workers:
            stop(worker)
        sent = Counter(
            line.split(b": ")[1].decode()
            for mail in server.mails
            for line in mail.split(b"\r\n")
            if line.startswith(b"X-Kapa-Handoff-Ticket: ")
        )
    assert sent == dict.fromkeys(references, 1)
    assert not both.broken
    assert states(app) == {"delivered": 40, "attempts": 40}
