"""Delivery by Celery: messages to the broker, and brokers that cannot be reached."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from celery import Task
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery.engines import celery as delivery
from flask_kapa_handoff.delivery.engines import celery_publisher
from flask_kapa_handoff.state import state_of
from tests.helpers.celery_processes import PERSONAL, Watch, arguments, references, run_task
from tests.helpers.celery_site import celery_init_app, description
from tests.helpers.pages import json_of
from tests.helpers.redis_server import RedisServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.sites import ROOT
from tests.helpers.tickets import send_ticket, ticket_fields


def test_message_holds_the_reference_and_nothing_else(make_site: Callable[..., Flask], broker: RedisServer) -> None:
    """The broker sees only the ticket's reference."""
    app = make_site(broker)
    reference = send_ticket(app.test_client())
    (message,) = broker.wait_for_messages(1)
    assert arguments(message)[:2] == [[reference], {}]
    assert message["headers"]["task"] == "kapa_handoff.deliver"
    assert message["headers"]["argsrepr"] == f"({reference!r},)"
    assert not any(word in json.dumps([message, arguments(message)]) for word in PERSONAL)


def test_ticket_that_is_sent_again_is_published_as_well(make_site: Callable[..., Flask], broker: RedisServer) -> None:
    """ "Send again" in the admin does not wait for the sweep."""
    client = make_site(broker).test_client()
    reference = send_ticket(client)
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get("/handoff/admin/").text)
    assert token
    answer = client.post(f"/handoff/admin/tickets/{reference}/send-again", data={"csrf_token": token[1]})
    assert answer.status_code == 303
    assert [arguments(message)[0] for message in broker.wait_for_messages(2)] == [[reference]] * 2


def test_what_an_admin_makes_due_does_not_wait_for_the_sweep(
    make_site: Callable[..., Flask], broker: RedisServer
) -> None:
    """One message, without a reference, has a worker take all that is due."""
    client = make_site(broker).test_client()
    reference = send_ticket(client)
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get("/handoff/admin/").text)
    assert token
    answer = client.post("/handoff/admin/trouble/try-now", data={"csrf_token": token[1]})
    assert answer.status_code == 303
    assert [arguments(message)[0] for message in broker.wait_for_messages(2)] == [[reference], [""]]


def test_process_that_ends_publishes_what_waits(
    tmp_path: Path, make_site: Callable[..., Flask], broker: RedisServer
) -> None:
    """A process that ends right after a ticket still publishes it."""
    printed = run_site(make_site(broker), "print(send_ticket(app.test_client()))")
    assert [arguments(message)[0][0] for message in broker.wait_for_messages(1)] == printed


def run_site(app: Flask, program: str) -> list[str]:
    """Run a program with the same site in a process of its own; the words that it prints."""
    program = (
        "from tests.helpers.celery_site import *; from tests.helpers.tickets import send_ticket; app = flask_app\n"
        f"{program}"
    )
    environment = {**os.environ, "CELERY_SITE": description(app)}
    # Python 3.12 warns of every fork beside threads, which one program here makes.
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


FORKING = """
import sys
import redis

def send():
    print(send_ticket(app.test_client()), flush=True)
    state_of(app).delivery.stop()

# The parent has its connection. The second message says that Celery has done with the first one: after that it imports
# some of its modules, and a child that is forked meanwhile has a half of one for ever.
socket = app.config["CELERY"]["broker_url"].removeprefix("redis+socket://")
with redis.Redis(unix_socket_path=socket) as server:
    for _ in range(2):
        print(send_ticket(app.test_client()), flush=True)
        assert server.brpoplpush("celery", "told", 20)
    while server.rpoplpush("told", "celery"):
        pass
child = os.fork()
if child == 0:
    send()
    os._exit(0)
_, status = os.waitpid(child, 0)
send()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forked_process_publishes_over_its_own_connection(
    make_site: Callable[..., Flask], broker: RedisServer
) -> None:
    """Parent and child of a fork each publish their own tickets, once."""
    printed = run_site(make_site(broker), FORKING)
    told = [arguments(message)[0][0] for message in broker.wait_for_messages(4)]
    assert sorted(told) == sorted(printed)
    assert broker.messages() == []


def test_broker_that_was_restarted_costs_no_message(
    make_site: Callable[..., Flask], broker: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A kept-open connection that a restart of the broker has closed is opened again."""
    app = make_site(broker)
    send_ticket(app.test_client())
    broker.wait_for_messages(1)
    broker.stop()
    broker.start()
    reference = send_ticket(app.test_client())
    assert [arguments(message)[0] for message in broker.wait_for_messages(1)] == [[reference]]
    assert reference not in caplog.text


def test_connection_closed_by_the_broker_is_opened_again(
    make_app: Callable[..., Flask], broker: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A library that does not connect again automatically, as that of AMQP, costs no message either."""
    app = make_app(mount=False, KAPA_HANDOFF_DELIVERY="celery", CELERY={"broker_url": broker.url})
    closed: list[Any] = []

    class ClosedOnce(Task):  # type: ignore[misc]  # Celery has no types
        def apply_async(self, *args: Any, connection: Any, **options: Any) -> Any:
            closed.append(connection)
            if len(closed) == 2:
                raise ConnectionResetError("the broker has closed the connection")
            return super().apply_async(*args, connection=connection, **options)

    celery_init_app(app).task_cls = ClosedOnce
    KapaHandoff(app)
    sent = [send_ticket(app.test_client()) for _ in range(2)]
    assert [arguments(message)[0][0] for message in broker.wait_for_messages(2)] == sent
    assert [connection is closed[0] for connection in closed] == [True, True, False]
    assert "could not be told" not in caplog.text


def test_next_broker_is_used_if_the_first_is_unreachable(
    make_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Of several brokers in the Celery configuration, the first that responds gets the message."""
    port = free_port()
    with closing(RedisServer(port).start()) as broker:
        app = make_site(f"redis://127.0.0.1:{free_port()};redis://127.0.0.1:{port}")
        reference = send_ticket(app.test_client())
        assert [arguments(message)[0] for message in broker.wait_for_messages(1)] == [[reference]]
        state_of(app).delivery.stop()
    assert "could not be told" not in caplog.text


def test_broker_that_hangs_and_recovers_is_used_again(
    make_site: Callable[..., Flask],
    broker: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The publisher does not wait forever for a Redis that hangs; when that goes on, so does the publisher."""
    monkeypatch.setattr(delivery, "BROKER_TIMEOUT", 0.2)
    assert broker.process is not None
    app = make_site(broker)
    send_ticket(app.test_client())
    broker.wait_for_messages(1)
    broker.process.send_signal(signal.SIGSTOP)
    try:
        lost = send_ticket(app.test_client())
        wait_for_log(caplog, lost)
    finally:
        broker.process.send_signal(signal.SIGCONT)
    reference = send_ticket(app.test_client())
    told: list[str] = []
    while reference not in told:  # the hanging Redis may have kept the lost one in its socket
        told += [arguments(message)[0][0] for message in broker.wait_for_messages(1)]


def wait_for_log(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Wait until the log says it."""
    said = threading.Event()
    handler = Watch(lambda text: said.set() if words in text else None)
    caplog.handler.addFilter(handler)
    try:
        assert words in caplog.text or said.wait(20), caplog.text
    finally:
        caplog.handler.removeFilter(handler)


@pytest.mark.parametrize("broken", ["silent", "nobody there"])
def test_unreachable_broker_delays_no_visitor(
    make_site: Callable[..., Flask],
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    """With a broker that accepts and stays silent, or is not there, tickets are stored at once and swept later."""
    monkeypatch.setattr(delivery, "BROKER_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if broken == "silent" else free_port()
        app = make_site(f"redis://:secret@127.0.0.1:{port}", MAIL_PORT=mail_server.port)
        sent = [send_ticket(app.test_client()) for _ in range(2)]
        wait_for_log(caplog, f"The broker could not be told about ticket {sent[1]} (OperationalError); the sweep")
        state_of(app).delivery.stop()
    run_task(app, delivery.SWEEP)
    assert references(mail_server) == sent
    assert not any(word in caplog.text for word in (*PERSONAL, "secret"))


def test_submit_waits_for_no_broker(
    make_site: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the publisher waits for a silent broker, tickets are taken; those that it cannot keep are named."""
    monkeypatch.setattr(celery_publisher, "MOST_WAITING", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make_site(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        client = app.test_client()
        publishing = state_of(app).delivery
        first = send_ticket(client)
        silent.settimeout(20)
        with silent.accept()[0]:  # now the thread has taken the first one out, and hangs with it
            fields = [ticket_fields(client) for _ in range(2)]
            answers = [
                client.post("/handoff/tickets", data=one, headers={"Accept": "application/json"}) for one in fields
            ]
            assert [answer.status_code for answer in answers] == [201, 201]
            assert f"not be told about ticket {json_of(answers[1])['reference']} (1 wait already)" in caplog.text
            assert first not in caplog.text
            publishing.stop(0.1)  # drops the waiting ones, too
    for thread in threading.enumerate():
        if thread.name == "kapa-handoff-publisher":
            thread.join(20)


def test_page_does_not_fail_when_no_thread_can_be_started(
    make_site: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process at its limit of threads takes tickets all the same, and says what it could not do."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    app = make_site()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    reference = send_ticket(app.test_client())
    assert f"not be told about ticket {reference} (RuntimeError)" in caplog.text
