"""Celery as the engine of the delivery: real workers, a real broker, and what is left when either is gone."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, Task
from celery.beat import Scheduler, Service
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import delete, update

from flask_kapa_handoff import ConfigurationError, KapaHandoff
from flask_kapa_handoff.delivery import celery as delivery
from flask_kapa_handoff.delivery import outbox, publisher
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.models import delivery_attempt, transcript
from flask_kapa_handoff.storage.models import ticket as ticket_table
from flask_kapa_handoff.storage.records import Status, Ticket, find_ticket
from tests.helpers.celery_site import celery_init_app, description
from tests.helpers.redis_server import RedisServer
from tests.helpers.scripted_smtp import SILENCE, ScriptedServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket, ticket_fields

ROOT = Path(__file__).parent.parent
PERSONAL = ("visitor@example.com", "Tuesdays", "rotate")


@pytest.fixture
def broker() -> Iterator[RedisServer]:
    """A Redis of this test."""
    with closing(RedisServer().start()) as server:
        yield server


@pytest.fixture
def make_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps with a Celery app, which deliver to a mail server of the test."""

    def build(broker: RedisServer | str = "memory://", **config: Any) -> Flask:
        url = broker if isinstance(broker, str) else broker.url
        values = {"KAPA_HANDOFF_DELIVERY": "celery", "CELERY": {"broker_url": url}, "MAIL_PORT": 1, **config}
        app = make_app(mount=False, **values)
        celery_init_app(app)
        KapaHandoff(app, admin_required=lambda view: view)
        return app

    return build


def run_task(app: Flask, name: str, *arguments: str) -> None:
    """What a worker does with a message."""
    app.extensions["celery"].tasks[name].apply(arguments, throw=True)


def look_up(app: Flask, reference: str) -> Ticket:
    with app.extensions["kapa_handoff"].database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


def rewrite(app: Flask, reference: str, **times: timedelta) -> None:
    """Write times, counted from the database's own, into a ticket's row."""
    with app.extensions["kapa_handoff"].database.write() as connection:
        values = {name: database_now(connection) + time for name, time in times.items()}
        connection.execute(update(ticket_table).where(ticket_table.c.reference == reference).values(values))


def references(server: MailServer) -> list[str]:
    return [mail.message["X-Kapa-Handoff-Ticket"] for mail in server.received]


def arguments(message: dict[str, Any]) -> list[Any]:
    """The arguments, keywords and options in a message's body."""
    content: list[Any] = json.loads(base64.b64decode(message["body"]))
    return content


class CeleryProcess:
    """A Celery command: ``celery ...``."""

    def __init__(self, *words: str, folder: Path = ROOT, **environment: str) -> None:
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words, "--loglevel", "INFO"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def wait_for(self, words: str) -> None:
        """Wait until the log says it."""
        with self._news:
            assert self._news.wait_for(lambda: words in self.log, 60), self.log

    def kill(self) -> None:
        """End it and its children without any warning."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end()

    def _end(self) -> None:
        self._process.wait()
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()


@contextmanager
def running(process: CeleryProcess) -> Iterator[CeleryProcess]:
    """Stops it in the end."""
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def worker(app: Flask, *options: str) -> Iterator[CeleryProcess]:
    """A worker with two child processes, for the same site as an app of the test."""
    command = ["celery", "-A", "tests.helpers.celery_site", "worker", "--pool", "prefork", "-c", "2", *options]
    with running(CeleryProcess(*command, CELERY_SITE=description(app))) as process:
        process.wait_for("ready.")
        yield process


@contextmanager
def worker_with_beat(app: Flask) -> Iterator[CeleryProcess]:
    """The same with beat in it, which sweeps every half second."""
    with worker(app, "--beat", "--schedule", f"{app.instance_path}/schedule") as process:
        yield process


# Start


def test_celery_that_is_not_installed_stops_the_start(tmp_path: Path) -> None:
    """Without Celery, asking for it stops the start with the command that installs it; no other mode needs it."""
    program = (
        "import sys; sys.modules['celery'] = None\n"
        "from flask import Flask; from flask_kapa_handoff import KapaHandoff\n"
        "KapaHandoff(Flask('one'))\n"
        "app = Flask('two'); app.config['KAPA_HANDOFF_DELIVERY'] = 'celery'\n"
        "KapaHandoff(app)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "ConfigurationError: KAPA_HANDOFF_DELIVERY" in done.stderr
    assert "pip install flask-kapa-handoff[celery]" in done.stderr


@pytest.mark.parametrize("found", [None, object()])
def test_missing_celery_app_stops_the_start(make_app: Callable[..., Flask], found: object) -> None:
    """Without a Celery app where Flask's documentation puts it, the start stops and says what to do."""
    app = make_app(mount=False, KAPA_HANDOFF_DELIVERY="celery")
    if found is not None:
        app.extensions["celery"] = found
    with pytest.raises(ConfigurationError, match=r'app\.extensions\["celery"\].*before KapaHandoff'):
        KapaHandoff(app)
    celery_init_app_of(app)
    KapaHandoff(app)


def celery_init_app_of(app: Flask) -> Celery:
    app.config["CELERY"] = {"broker_url": "memory://"}
    return celery_init_app(app)


def test_celery_app_of_two_flask_apps_stops_the_start(make_app: Callable[..., Flask]) -> None:
    """One Celery app cannot deliver the tickets of two Flask apps: a reference does not say whose it is."""
    one, two = (make_app(name=name, mount=False, KAPA_HANDOFF_DELIVERY="celery") for name in ("one", "two"))
    two.extensions["celery"] = celery_init_app_of(one)
    KapaHandoff(one)
    with pytest.raises(ConfigurationError, match="a Celery app for each Flask app"):
        KapaHandoff(two)


def test_setting_up_leaves_the_celery_app_as_it_was(make_site: Callable[..., Flask]) -> None:
    """The start reads no Celery configuration and finalises nothing: the site may go on setting its Celery app up."""
    celery_app = make_site().extensions["celery"]
    assert not celery_app.configured
    assert not celery_app.finalized
    celery_app.config_from_object({"broker_url": "memory://", "task_routes": {"kapa_handoff.*": {"queue": "mail"}}})
    assert {delivery.DELIVER, delivery.SWEEP} <= set(celery_app.tasks)
    assert celery_app.conf.task_routes == {"kapa_handoff.*": {"queue": "mail"}}


def schedule_of(celery_app: Celery) -> dict[str, Any]:
    """The schedule that beat works by, once it has started."""
    service = Service(celery_app, scheduler_cls=Scheduler)
    service.stop()  # at once after its start
    service.start()
    schedule: dict[str, Any] = service.scheduler.schedule
    return schedule


@pytest.mark.parametrize("when", ["in the configuration", "after KapaHandoff", "not at all"])
def test_beat_sweeps_every_minute_beside_the_sites_own_entries(make_site: Callable[..., Flask], when: str) -> None:
    """Beat has the sweep whenever and however the site has made its own schedule, which stays."""
    own = {"own": {"task": "site.own", "schedule": 5.0}}
    configured = {"broker_url": "memory://", **({"beat_schedule": own} if when == "in the configuration" else {})}
    celery_app = make_site(CELERY=configured).extensions["celery"]
    if when == "after KapaHandoff":
        celery_app.conf.beat_schedule = own
    schedule = schedule_of(celery_app)
    assert set(schedule) - {"celery.backend_cleanup"} == {"kapa-handoff-sweep"} | (
        set() if when == "not at all" else {"own"}
    )
    sweep = schedule["kapa-handoff-sweep"]
    assert (sweep.task, sweep.schedule.run_every, sweep.options) == (
        "kapa_handoff.sweep",
        timedelta(minutes=1),
        {"expires": 300.0},
    )
    assert list(own) == ["own"]


def test_own_entry_of_the_site_takes_precedence(make_site: Callable[..., Flask]) -> None:
    """A site that wants another rhythm gives an entry of the same name."""
    own = {"kapa-handoff-sweep": {"task": "kapa_handoff.sweep", "schedule": 10.0}}
    celery_app = make_site(CELERY={"broker_url": "memory://", "beat_schedule": own}).extensions["celery"]
    assert schedule_of(celery_app)["kapa-handoff-sweep"].schedule.run_every == timedelta(seconds=10)


def test_other_celery_apps_are_left_alone(make_site: Callable[..., Flask]) -> None:
    """A Celery app without the handoff gets neither tasks nor an entry."""
    make_site()
    other = Celery("other", broker="memory://", set_as_current=False)
    assert delivery.DELIVER not in other.tasks
    assert "kapa-handoff-sweep" not in schedule_of(other)


# Tasks


def test_task_delivers_its_ticket_and_what_else_is_due(make_site: Callable[..., Flask]) -> None:
    """One connection serves the ticket of the message first, then all that are due; a retry waits for its time."""
    with ScriptedServer() as server:
        app = make_site(MAIL_PORT=server.port)
        sent = [send_ticket(app.test_client()) for _ in range(4)]
        rewrite(app, sent[3], next_attempt_at=timedelta(minutes=5))
        run_task(app, delivery.DELIVER, sent[1])
        mails = [mail.split(b"X-Kapa-Handoff-Ticket: ")[1].split(b"\r\n")[0].decode() for mail in server.mails]
        assert (server.connections, mails) == (1, [sent[1], sent[0], sent[2]])
        assert server.verbs()[-1] == "QUIT"
    assert look_up(app, sent[3]).status is Status.QUEUED


def test_sweep_delivers_all_that_is_due(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """The sweep finds tickets without a message, retries whose time has come, and what a killed worker had in hand."""
    app = make_site(MAIL_PORT=mail_server.port)
    database = app.extensions["kapa_handoff"].database
    lost, retried, in_hand = sent = [send_ticket(app.test_client()) for _ in range(3)]
    rewrite(app, retried, next_attempt_at=timedelta(seconds=-1))
    assert outbox.claim(database, 30, reference=in_hand)
    rewrite(app, in_hand, leased_until=timedelta(seconds=-1))
    run_task(app, delivery.SWEEP)
    assert sorted(references(mail_server)) == sorted(sent)
    assert [look_up(app, one).status for one in (lost, retried, in_hand)] == [Status.DELIVERED] * 3


def test_task_ends_in_bounded_time(
    make_site: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is due, a task takes no further ticket when its time is over."""
    app = make_site(MAIL_PORT=mail_server.port)
    sent = [send_ticket(app.test_client()) for _ in range(3)]
    monkeypatch.setattr(delivery, "BATCH_SECONDS", 0.0)
    run_task(app, delivery.DELIVER, sent[2])
    run_task(app, delivery.SWEEP)
    assert references(mail_server) == [sent[2]]


def test_doubled_message_sends_one_mail(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A message that comes twice finds nothing due the second time."""
    app = make_site(MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    for _ in range(3):
        run_task(app, delivery.DELIVER, reference)
    assert references(mail_server) == [reference]


def test_messages_of_unknown_and_erased_tickets_do_nothing(
    make_site: Callable[..., Flask], mail_server: MailServer
) -> None:
    """A reference that there is not, and one of a ticket that was erased meanwhile, end the task in peace."""
    app = make_site(MAIL_PORT=mail_server.port)
    erased = send_ticket(app.test_client())
    ticket = look_up(app, erased)
    with app.extensions["kapa_handoff"].database.write() as connection:
        for table in (delivery_attempt, transcript):
            connection.execute(delete(table).where(table.c.ticket_id == ticket.id))
        connection.execute(delete(ticket_table).where(ticket_table.c.id == ticket.id))
    for reference in (erased, "T-AAAAAA", "", "'; DROP TABLE kapa_handoff_ticket"):
        run_task(app, delivery.DELIVER, reference)
    assert mail_server.received == []


def test_task_without_a_database_ends_quietly(
    make_site: Callable[..., Flask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that is away is named in the log once, and the task does not fail: the next sweep comes anyway."""
    path = tmp_path / "handoff.sqlite3"
    path.write_bytes(b"garbage " * 4096)
    app = make_site(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    run_task(app, delivery.SWEEP)
    assert caplog.text.count("The handoff database cannot be used") == 1
    assert "unexpected" not in caplog.text


@pytest.mark.only("sqlite")
def test_accepted_mail_is_recorded_before_the_task_ends(
    make_site: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server took the mail, the database was locked just then: the task waits to write that down."""
    monkeypatch.setattr("flask_kapa_handoff.storage.sqlite.BUSY_TIMEOUT", 0.2)
    app = make_site(MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    with closing(sqlite3.connect(f"{app.instance_path}/kapa_handoff.sqlite3", isolation_level=None)) as lock:
        watch = _Watch(lambda text: lock.execute("ROLLBACK") if "cannot be used" in text else None)
        engine_log = logging.getLogger("flask_kapa_handoff.storage.engine")
        engine_log.addFilter(watch)
        try:
            with email_dispatched.connected_to(lambda sender, message: lock.execute("BEGIN IMMEDIATE"), app):
                run_task(app, delivery.SWEEP)
        finally:
            engine_log.removeFilter(watch)
    assert look_up(app, reference).status is Status.DELIVERED
    assert references(mail_server) == [reference]


@pytest.mark.only("sqlite")
def test_unexpected_error_ends_the_task_without_its_text(
    make_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody thought of is named in the log, without its text, in which there may be an address."""
    app = make_site()
    send_ticket(app.test_client())
    with app.extensions["kapa_handoff"].database.write() as connection:
        connection.exec_driver_sql("UPDATE kapa_handoff_ticket SET created_at = 'visitor@example.com'")
    run_task(app, delivery.SWEEP)
    assert "after an unexpected ValueError" in caplog.text
    assert "visitor@example.com" not in caplog.text


def test_time_limits_of_the_site_cut_off_no_mail(make_site: Callable[..., Flask]) -> None:
    """A site's limits are for its own tasks; ours lie beyond the longest mail that a task may end with."""
    limits = {"task_time_limit": 5, "task_soft_time_limit": 3}
    celery_app = make_site(CELERY={"broker_url": "memory://", **limits}).extensions["celery"]
    longest = delivery.BATCH_SECONDS + 30 + 2 * outbox.LEASE_MARGIN.total_seconds()
    for name in (delivery.DELIVER, delivery.SWEEP):
        task = celery_app.tasks[name]
        assert task.time_limit == task.soft_time_limit > longest


def test_two_apps_in_one_process_deliver_their_own(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The tasks of each app's Celery app know that app's tickets alone."""
    apps = []
    for name in ("one", "two"):
        app = make_app(name=name, mount=False, KAPA_HANDOFF_DELIVERY="celery", MAIL_PORT=mail_server.port)
        celery_init_app_of(app)
        KapaHandoff(app)
        apps.append((app, send_ticket(app.test_client())))
    for app, reference in reversed(apps):
        run_task(app, delivery.SWEEP)
        assert references(mail_server)[-1] == reference
    assert len(mail_server.received) == 2


# Publishing


def test_message_holds_the_reference_and_nothing_else(make_site: Callable[..., Flask], broker: RedisServer) -> None:
    """What the broker gets to see is the ticket's reference."""
    app = make_site(broker)
    reference = send_ticket(app.test_client())
    (message,) = broker.wait_for_messages(1)
    assert arguments(message)[:2] == [[reference], {}]
    assert message["headers"]["task"] == "kapa_handoff.deliver"
    assert message["headers"]["argsrepr"] == f"({reference!r},)"
    assert not any(word in json.dumps([message, arguments(message)]) for word in PERSONAL)


def test_ticket_that_is_sent_again_is_told_as_well(make_site: Callable[..., Flask], broker: RedisServer) -> None:
    """ "Send again" in the admin does not wait for the sweep."""
    client = make_site(broker).test_client()
    reference = send_ticket(client)
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get("/handoff/admin/").text)
    assert token
    answer = client.post(f"/handoff/admin/tickets/{reference}/send-again", data={"csrf_token": token[1]})
    assert answer.status_code == 303
    assert [arguments(message)[0] for message in broker.wait_for_messages(2)] == [[reference]] * 2


def test_process_that_ends_publishes_what_waits(tmp_path: Path, make_site: Callable[..., Flask], broker: RedisServer):
    """A process that ends right after a ticket still tells the broker."""
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
    app.extensions["kapa_handoff"].publisher.stop()

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
    """Parent and child of a fork each tell their own tickets, each once."""
    printed = run_site(make_site(broker), FORKING)
    told = [arguments(message)[0][0] for message in broker.wait_for_messages(4)]
    assert sorted(told) == sorted(printed)
    assert broker.messages() == []


def test_broker_that_was_restarted_costs_no_message(
    make_site: Callable[..., Flask], broker: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A kept-open connection that a restart of the broker has closed is made anew."""
    app = make_site(broker)
    send_ticket(app.test_client())
    broker.wait_for_messages(1)
    broker.stop()
    broker.start()
    reference = send_ticket(app.test_client())
    assert [arguments(message)[0] for message in broker.wait_for_messages(1)] == [[reference]]
    assert reference not in caplog.text


def test_connection_that_the_broker_has_closed_is_made_anew(
    make_app: Callable[..., Flask], broker: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A library that does not connect again by itself, as that of AMQP, costs no message either."""
    app = make_app(mount=False, KAPA_HANDOFF_DELIVERY="celery", CELERY={"broker_url": broker.url})
    closed: list[Any] = []

    class ClosedOnce(Task):
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
    assert "was not told" not in caplog.text


def test_next_broker_is_told_where_the_first_is_away(
    make_site: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Of several brokers in the Celery configuration the one that answers is told."""
    port = free_port()
    with closing(RedisServer(port).start()) as broker:
        app = make_site(f"redis://127.0.0.1:{free_port()};redis://127.0.0.1:{port}")
        reference = send_ticket(app.test_client())
        assert [arguments(message)[0] for message in broker.wait_for_messages(1)] == [[reference]]
        app.extensions["kapa_handoff"].publisher.stop()
    assert "was not told" not in caplog.text


def test_broker_that_hangs_and_comes_back_is_told_again(
    make_site: Callable[..., Flask],
    broker: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The publisher does not wait for ever for a Redis that hangs; when that goes on, so does the publisher."""
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
    handler = _Watch(lambda text: said.set() if words in text else None)
    caplog.handler.addFilter(handler)
    try:
        assert words in caplog.text or said.wait(20), caplog.text
    finally:
        caplog.handler.removeFilter(handler)


class _Watch:
    def __init__(self, see: Callable[[str], object]) -> None:
        self._see = see

    def filter(self, record: Any) -> bool:
        self._see(record.getMessage())
        return True


@pytest.mark.parametrize("broken", ["silent", "nobody there"])
def test_broker_that_is_away_holds_up_no_visitor(
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
        wait_for_log(caplog, f"The broker was not told of ticket {sent[1]} (OperationalError); the sweep")
        app.extensions["kapa_handoff"].publisher.stop()
    run_task(app, delivery.SWEEP)
    assert references(mail_server) == sent
    assert not any(word in caplog.text for word in (*PERSONAL, "secret"))


def test_submit_waits_for_no_broker(
    make_site: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the publisher waits for a silent broker, tickets are taken; those that it cannot keep are named."""
    monkeypatch.setattr(publisher, "MOST_WAITING", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make_site(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        client = app.test_client()
        publishing = app.extensions["kapa_handoff"].publisher
        first = send_ticket(client)
        silent.settimeout(20)
        with silent.accept()[0]:  # now the thread has taken the first one out, and hangs with it
            fields = [ticket_fields(client) for _ in range(2)]
            answers = [
                client.post("/handoff/tickets", data=one, headers={"Accept": "application/json"}) for one in fields
            ]
            assert [answer.status_code for answer in answers] == [201, 201]
            assert f"not told of ticket {answers[1].json['reference']} (1 wait already)" in caplog.text
            assert first not in caplog.text
            publishing.stop(0.1)  # gives up the waiting, too
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
    assert f"not told of ticket {reference} (RuntimeError)" in caplog.text


# Workers


def test_worker_delivers_each_ticket_once(
    make_site: Callable[..., Flask], broker: RedisServer, mail_server: MailServer
) -> None:
    """A worker is told of each ticket and delivers it at once; many at a time share few connections; one mail each."""
    app = make_site(broker, MAIL_PORT=mail_server.port)
    with worker(app) as process:
        first = send_ticket(app.test_client())
        mail_server.wait_for(1)
        assert references(mail_server) == [first]
        sent = [send_ticket(app.test_client()) for _ in range(8)]
        app.extensions["celery"].tasks[delivery.DELIVER].delay(sent[0])
        app.extensions["celery"].tasks[delivery.DELIVER].delay("T-AAAAAA")
        mail_server.wait_for(9)
    assert sorted(references(mail_server)) == sorted([first, *sent])
    assert {look_up(app, one).status for one in sent} == {Status.DELIVERED}
    assert not any(word in process.log for word in PERSONAL)
    assert "raised unexpected" not in process.log


def test_lost_message_is_made_good_by_the_sweep(
    make_site: Callable[..., Flask], broker: RedisServer, mail_server: MailServer
) -> None:
    """A ticket whose message the broker has lost goes out with the next sweep."""
    app = make_site(broker, MAIL_PORT=mail_server.port)
    reference = send_ticket(app.test_client())
    broker.wait_for_messages(1)
    broker.client.flushall()
    with worker_with_beat(app) as process:
        mail_server.wait_for(1)
        process.wait_for("Scheduler: Sending due task kapa-handoff-sweep")
    assert references(mail_server) == [reference]
    assert look_up(app, reference).status is Status.DELIVERED


def test_killed_workers_ticket_goes_out_after_its_lease(make_site: Callable[..., Flask], broker: RedisServer) -> None:
    """A worker that is killed in the middle of a mail loses nothing: the lease runs out, and the sweep sends it."""
    with ScriptedServer({"END": [SILENCE]}) as server:
        app = make_site(broker, MAIL_PORT=server.port)
        reference = send_ticket(app.test_client())
        with worker(app) as process:
            server.wait_for(lambda: "END" in server.verbs(), 30)
            process.kill()
        assert look_up(app, reference).status is Status.SENDING
        rewrite(app, reference, leased_until=timedelta(seconds=-1))
        with worker_with_beat(app):
            server.wait_for(lambda: "QUIT" in server.verbs(), 30)
        assert look_up(app, reference).status is Status.DELIVERED
        assert [f"X-Kapa-Handoff-Ticket: {reference}".encode() in mail for mail in server.mails] == [True, True]


# Documentation


GUIDE = (ROOT / "docs" / "celery.md").read_text()


def blocks(language: str) -> list[str]:
    """The guide's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_guide_sets_up_a_site_that_delivers(tmp_path: Path, broker: RedisServer, mail_server: MailServer) -> None:
    """The guide's first block is a site, and its commands run beat and the worker that delivers the site's tickets."""
    program = blocks("python")[0].replace("redis://localhost", broker.url)
    program = program.replace('"smtp.example.com"', f'"127.0.0.1"; app.config["MAIL_PORT"] = {mail_server.port}')
    (tmp_path / "website.py").write_text(program)
    run_worker, run_beat = (shlex.split(line) for line in blocks("sh")[1].splitlines())
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    with (
        running(CeleryProcess(*run_worker, folder=tmp_path, PYTHONPATH=path)),
        running(CeleryProcess(*run_beat, folder=tmp_path, PYTHONPATH=path)) as beat,
    ):
        submit = (
            "from website import app; from tests.helpers.tickets import send_ticket; "
            "print(send_ticket(app.test_client()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", submit], env={**os.environ, "PYTHONPATH": path}, capture_output=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        mail_server.wait_for(1)
        assert references(mail_server) == done.stdout.decode().split()
        beat.wait_for("beat: Starting...")


def test_guides_changes_take_effect(make_site: Callable[..., Flask]) -> None:
    """The guide's block of changes gives the tasks their own queue, and the sweep another rhythm."""
    celery_app = make_site().extensions["celery"]
    exec(blocks("python")[1], {"celery_app": celery_app})  # noqa: S102
    assert celery_app.amqp.router.route({}, delivery.DELIVER)["queue"].name == "mail"
    assert schedule_of(celery_app)["kapa-handoff-sweep"].schedule.run_every == timedelta(seconds=10)


def test_guide_names_the_numbers_of_the_code() -> None:
    """What the guide says about times is what the code does."""
    words = " ".join(GUIDE.split())
    assert f"for {delivery.BATCH_SECONDS:.0f} seconds at most" in words
    assert f"and {outbox.LEASE_MARGIN.seconds} seconds)" in words
    assert (publisher.FLUSH_SECONDS, "takes three seconds at most" in words) == (3.0, True)
