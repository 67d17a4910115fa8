"""The mail server is down, or the process is killed while sending: the ticket's mail still arrives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from pathlib import Path

from flask import Flask

from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.couriers import courier_of, deliver
from tests.helpers.deliveries import look_up, make_due
from tests.helpers.mails import CONVERSATION, send
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.sites import environment_of
from tests.helpers.tickets import ticket_fields


def test_nothing_is_lost_while_smtp_is_down(make_app: Callable[..., Flask]) -> None:
    """With nothing listening the visitor still gets a reference; the mail arrives once the server is back."""
    port = free_port()
    app = make_app(MAIL_PORT=port)
    reference = send(app)
    assert deliver(app).status is Status.QUEUED
    server = MailServer(port).start()
    try:
        assert courier_of(app).deliver_next() is None  # not due yet
        make_due(app, reference)
        assert deliver(app).status is Status.DELIVERED
        assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in server.received] == [reference]
    finally:
        server.stop()


SERVING_PROCESS = """
import sys
from flask import Flask
from werkzeug.serving import make_server
from flask_kapa_handoff import KapaHandoff

app = Flask("site", instance_path=sys.argv[2])
app.config.update(SECRET_KEY="ab3f92c07d51e864", KAPA_HANDOFF_EMAIL="support@example.com",
                  MAIL_DEFAULT_SENDER="Site <site@example.com>", MAIL_PORT=int(sys.argv[1]))
app.config.from_prefixed_env()
KapaHandoff(app)
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def serving(smtp_port: int, app: Flask) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A web server in its own process, which is killed at the end without a clean stop."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVING_PROCESS, str(smtp_port), app.instance_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parent.parent,
        env={**environment_of(app), "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    with process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process
        finally:
            process.send_signal(signal.SIGKILL)


def post_ticket(url: str, app: Flask) -> str:
    """Send a ticket over the network; returns its reference."""
    fields = ticket_fields(app.test_client())
    body = {**fields, "conversation": CONVERSATION}
    request = urllib.request.Request(  # noqa: S310
        f"{url}/handoff/tickets", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        assert answer.status == 201
        document = json.load(answer)
    assert document["status"] == "queued"
    reference: str = document["reference"]
    return reference


def wake(url: str) -> None:
    with urllib.request.urlopen(f"{url}/handoff/offer?pairs=1", timeout=20) as answer:  # noqa: S310
        assert answer.status == 200


def wait_for_attempts(app: Flask, reference: str, count: int) -> None:
    """Wait until the other process has recorded this many attempts; the database has no signal for that."""
    deadline, pause = datetime.now(timezone.utc) + timedelta(seconds=20), threading.Event()
    while (ticket := look_up(app, reference)).attempts < count or ticket.status is Status.SENDING:
        assert datetime.now(timezone.utc) < deadline, ticket
        pause.wait(0.02)


def test_ticket_survives_outage_and_kill(make_app: Callable[..., Flask]) -> None:
    """SMTP is down, the process is killed, another one is started, SMTP comes back: the mail arrives, once."""
    smtp_port = free_port()
    app = make_app()  # looks into the same database
    with serving(smtp_port, app) as (url, _):
        reference = post_ticket(url, app)
        wait_for_attempts(app, reference, 1)
    ticket = look_up(app, reference)
    assert ticket.status is Status.QUEUED
    assert "refused" in (ticket.last_error or "")

    server = MailServer(smtp_port).start()
    try:
        make_due(app, reference)
        with serving(smtp_port, app) as (url, _):
            wake(url)
            (mail,) = server.wait_for(1)
            wait_for_attempts(app, reference, 2)
        assert mail.message["X-Kapa-Handoff-Ticket"] == reference
        assert mail.message["Message-ID"] == f"<{ticket.id}@example.com>"
        assert look_up(app, reference).status is Status.DELIVERED
        assert outbox.claim(state_of(app).database, 30) is None
    finally:
        server.stop()


def test_kill_in_the_middle_of_a_mail(make_app: Callable[..., Flask]) -> None:
    """A process that is killed in mid-mail leaves the ticket to the next one, under the same Message-ID."""
    app = make_app()
    first: list[subprocess.Popen[str]] = []

    def die_here() -> str:
        first[0].send_signal(signal.SIGKILL)
        return "250 taken"

    with ScriptedServer({"END": [die_here]}) as server:
        with serving(server.port, app) as (url, process):
            first.append(process)
            reference = post_ticket(url, app)
            server.wait_for(lambda: "END" in server.verbs())
            process.wait(20)
        assert look_up(app, reference).status is Status.SENDING
        make_due(app, reference, column="leased_until")
        with serving(server.port, app) as (url, _):
            wake(url)
            server.wait_for(lambda: server.verbs().count("END") == 2)
            wait_for_attempts(app, reference, 2)
        assert look_up(app, reference).status is Status.DELIVERED
        copies = [message_from_bytes(mail, policy=policy.default) for mail in server.mails]
    assert len({copy["Message-ID"] for copy in copies}) == 1
    assert [copy["X-Kapa-Handoff-Ticket"] for copy in copies] == [reference] * 2
