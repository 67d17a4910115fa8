"""The delivery inside web processes: when the threads start, what they survive, how they end."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FunctionLoader
from sqlalchemy import update

from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.delivery.message import HTML, TEXT, _own_templates
from flask_kapa_handoff.signals import ticket_delivered, ticket_failed
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.models import ticket as ticket_table
from flask_kapa_handoff.storage.records import Status, Ticket, find_attempts, find_ticket
from tests.helpers.scripted_smtp import HANG_UP, ScriptedServer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.sites import environment_of
from tests.helpers.tickets import send_ticket, ticket_fields

JSON = {"Accept": "application/json"}


class Gate:
    """A reply that waits until the test lets it through."""

    def __init__(self, reply: str = "250 taken") -> None:
        self._reply = reply
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.reached.set()
        assert self.opened.wait(30)
        return self._reply

    def wait(self) -> None:
        assert self.reached.wait(20), "nobody came to the gate"


class Endings:
    """The tickets that were delivered or failed, as the signals tell it."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self._news = threading.Condition()

    def __call__(self, app: Flask, ticket: Ticket, error: str = "") -> None:
        with self._news:
            self.tickets[ticket.reference] = ticket
            self._news.notify_all()

    def wait_for(self, *references: str) -> list[Status]:
        with self._news:
            assert self._news.wait_for(lambda: all(one in self.tickets for one in references), 30), self.tickets
        return [self.tickets[one].status for one in references]


@contextmanager
def watching(app: Flask) -> Iterator[Endings]:
    endings = Endings()
    with ticket_delivered.connected_to(endings, app), ticket_failed.connected_to(endings, app):
        yield endings


@pytest.fixture
def make_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps that deliver in threads to a server of the test."""

    def build(server: ScriptedServer | MailServer | None = None, **config: Any) -> Flask:
        port = free_port() if server is None else server.port
        return make_app(**{"KAPA_HANDOFF_DELIVERY": "thread", "MAIL_PORT": port, **config})

    return build


def delivery_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("kapa-handoff-")]


def database_of(app: Flask) -> Database:
    found: Database = app.extensions["kapa_handoff"].database
    return found


def rewrite(app: Flask, reference: str, **values: Any) -> None:
    """Write into a ticket's row; a timedelta is counted from the database's own time."""
    with database_of(app).write() as connection:
        moment = database_now(connection)
        absolute = {name: moment + value if isinstance(value, timedelta) else value for name, value in values.items()}
        connection.execute(update(ticket_table).where(ticket_table.c.reference == reference).values(**absolute))


def look_up(app: Flask, reference: str) -> Ticket:
    with database_of(app).read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


# Start


def test_threads_start_with_the_first_request(make_site: Callable[..., Flask]) -> None:
    """Neither making the app nor a CLI command starts a thread; the first request does, whatever it asks for."""
    app = make_site()
    assert delivery_threads() == []
    runner = app.test_cli_runner()
    runner.invoke(args=["routes"])
    runner.invoke(args=["kapa-handoff", "--help"])
    runner.invoke(args=["kapa-handoff", "tickets"])
    assert delivery_threads() == []
    app.test_client().get("/no/such/page")
    assert len(delivery_threads()) == 2
    app.test_client().get("/no/such/page")
    assert len(delivery_threads()) == 2


def test_import_starts_nothing() -> None:
    """Importing the package starts no thread, opens no connection and leaves SMTP and SSL alone."""
    script = (
        "import sys, threading; import flask; before = set(sys.modules); import flask_kapa_handoff;"
        "print(threading.active_count(), {'smtplib', 'flask_mail'} & (set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "1 set()"


@pytest.mark.parametrize("delivery", ["external", "inline"])
def test_no_threads_without_being_asked(make_site: Callable[..., Flask], delivery: str) -> None:
    """Only KAPA_HANDOFF_DELIVERY=thread has threads."""
    app = make_site(KAPA_HANDOFF_DELIVERY=delivery)
    reference = send_ticket(app.test_client())
    assert delivery_threads() == []
    assert look_up(app, reference).status is Status.QUEUED


def test_as_many_threads_as_connections(make_site: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SMTP_CONNECTIONS says how many threads there are; they end with stop()."""
    app = make_site(KAPA_HANDOFF_SMTP_CONNECTIONS=3)
    app.test_client().get("/")
    assert len(delivery_threads()) == 3
    assert all(thread.daemon for thread in delivery_threads())
    app.extensions["kapa_handoff"].threads.stop()
    assert delivery_threads() == []


def test_requests_at_once_start_one_set(make_site: Callable[..., Flask]) -> None:
    """Several first requests at the same moment start the threads once."""
    app = make_site()
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        app.test_client().get("/")

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(delivery_threads()) == 2


# Delivery


def test_ticket_is_delivered(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket goes out by itself soon after it was stored, and the signal tells it."""
    app = make_site(mail_server)
    with watching(app) as endings:
        reference = send_ticket(app.test_client())
        assert endings.wait_for(reference) == [Status.DELIVERED]
    (mail,) = mail_server.received
    assert mail.message["X-Kapa-Handoff-Ticket"] == reference
    assert look_up(app, reference).status is Status.DELIVERED


def test_one_connection_serves_what_has_gathered(make_site: Callable[..., Flask]) -> None:
    """Tickets that gather while a mail is on its way go out over the same connection."""
    gate = Gate()
    with ScriptedServer({"END": [gate]}) as server:
        app = make_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1)
        with watching(app) as endings:
            references = [send_ticket(app.test_client())]
            gate.wait()
            references += [send_ticket(app.test_client()) for _ in range(4)]
            gate.opened.set()
            endings.wait_for(*references)
        assert (server.connections, len(server.mails)) == (1, 5)


def test_slow_server_gets_a_second_connection(make_site: Callable[..., Flask]) -> None:
    """While one mail hangs in a slow server, the next goes out over a second connection, and never a third."""
    first, second = Gate(), Gate()
    with ScriptedServer({"END": [first, second]}) as server:
        app = make_site(server)
        with watching(app) as endings:
            references = [send_ticket(app.test_client()) for _ in range(4)]
            first.wait()
            second.wait()
            assert server.connections == 2
            second.opened.set()
            endings.wait_for(*references[2:])
            first.opened.set()
            assert endings.wait_for(*references) == [Status.DELIVERED] * 4
        assert (server.connections, len(server.mails)) == (2, 4)


def test_as_many_mails_at_once_as_connections(make_site: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SMTP_CONNECTIONS mails are on their way at the same time, and no more."""
    gates = [Gate() for _ in range(4)]
    with ScriptedServer({"END": list(gates)}) as server:
        app = make_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=4)
        with watching(app) as endings:
            references = [send_ticket(app.test_client()) for _ in range(6)]
            for gate in gates:
                gate.wait()
            assert server.verbs().count("MAIL") == 4
            for gate in gates:
                gate.opened.set()
            assert endings.wait_for(*references) == [Status.DELIVERED] * 6
        assert (server.connections, len(server.mails)) == (4, 6)


def test_broken_connection_is_replaced(make_site: Callable[..., Flask]) -> None:
    """When one of two connections breaks, its thread makes a new one, and the other goes on."""
    broken, other = Gate(HANG_UP), Gate()
    with ScriptedServer({"RCPT": [broken, other]}) as server:
        app = make_site(server)
        with watching(app) as endings:
            references = [send_ticket(app.test_client()) for _ in range(2)]
            broken.wait()
            other.wait()
            broken.opened.set()
            server.wait_for(lambda: server.open == 1)
            references += [send_ticket(app.test_client()) for _ in range(2)]
            endings.wait_for(*references[2:])  # while the other one waits
            assert server.connections == 3
            other.opened.set()
            server.wait_for(lambda: len(server.mails) == 3)
            delayed = [look_up(app, one) for one in references if look_up(app, one).status is Status.QUEUED]
            assert [ticket.attempts for ticket in delayed] == [1]


def test_what_was_left_behind_is_picked_up(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Tickets that an earlier process left queued, or had in hand when it died, go out after the first request."""
    earlier = make_site(KAPA_HANDOFF_DELIVERY="external")
    queued, in_hand, delayed = (send_ticket(earlier.test_client()) for _ in range(3))
    assert outbox.claim(database_of(earlier), 30, reference=in_hand)
    rewrite(earlier, in_hand, leased_until=timedelta(seconds=-1))
    rewrite(earlier, delayed, next_attempt_at=timedelta(seconds=-1), attempts=3)
    app = make_site(mail_server)
    with watching(app) as endings:
        app.test_client().get("/")
        assert endings.wait_for(queued, in_hand, delayed) == [Status.DELIVERED] * 3
    with database_of(app).read() as connection:
        attempts = find_attempts(connection, look_up(app, in_hand).id)
    assert [str(attempt.outcome) for attempt in attempts] == ["None", "delivered"]


def test_threads_wake_when_something_is_due(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket that waits, and one whose lease runs out, go out at their time without any further request."""
    earlier = make_site(KAPA_HANDOFF_DELIVERY="external")
    waiting, leased = (send_ticket(earlier.test_client()) for _ in range(2))
    assert outbox.claim(database_of(earlier), 30, reference=leased)
    rewrite(earlier, waiting, next_attempt_at=timedelta(seconds=0.5))
    rewrite(earlier, leased, leased_until=timedelta(seconds=1))
    app = make_site(mail_server)
    with watching(app) as endings:
        app.test_client().get("/")
        assert endings.wait_for(waiting, leased) == [Status.DELIVERED] * 2
    # Each once; in which order depends on whether the first is out before the second is due.
    assert sorted(mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received) == sorted([waiting, leased])


# Errors


@pytest.mark.only("sqlite")
def test_threads_survive_a_broken_database(
    make_site: Callable[..., Flask], mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """While the tables are away the visitor is told 503; when they are back, the threads go on by themselves."""
    app = make_site(mail_server)
    client = app.test_client()
    with watching(app) as endings:
        first = send_ticket(client)
        endings.wait_for(first)
        fields = ticket_fields(client)
        complained = threading.Event()
        handler = _Calls(lambda record: complained.set() if "database" in record.getMessage() else None)
        logging.getLogger("flask_kapa_handoff").addHandler(handler)
        try:
            rename(app, "kapa_handoff_ticket", "kapa_handoff_gone")
            assert client.post("/handoff/tickets", data=fields, headers=JSON).status_code == 503
            app.extensions["kapa_handoff"].threads.wake()
            assert complained.wait(20), caplog.text
            rename(app, "kapa_handoff_gone", "kapa_handoff_ticket")
        finally:
            logging.getLogger("flask_kapa_handoff.delivery").removeHandler(handler)
        stored = client.post("/handoff/tickets", data=fields, headers=JSON)
        assert stored.status_code == 201
        assert endings.wait_for(stored.json["reference"]) == [Status.DELIVERED]


class _Calls(logging.Handler):
    def __init__(self, call: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        self._call(record)


def rename(app: Flask, old: str, new: str) -> None:
    with database_of(app).engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")
        connection.commit()


@pytest.mark.only("sqlite")
def test_threads_survive_a_garbage_file(
    make_site: Callable[..., Flask], mail_server: MailServer, tmp_path: Path
) -> None:
    """A database file that is garbage stops neither requests nor threads, and once it is mended tickets go out."""
    path = tmp_path / "handoff.sqlite3"
    path.write_bytes(b"garbage " * 4096)
    app = make_site(mail_server, KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    client = app.test_client()
    assert client.get("/handoff/offer?pairs=1").status_code == 503
    assert len(delivery_threads()) == 2
    path.write_bytes(b"")
    with watching(app) as endings:
        reference = send_ticket(client)
        assert endings.wait_for(reference) == [Status.DELIVERED]


def test_raising_template_loses_no_mail(
    make_site: Callable[..., Flask], mail_server: MailServer, tmp_path: Path
) -> None:
    """A mail template of the site that raises costs that mail its text as the site writes it, nothing else."""
    folder = tmp_path / "templates" / "kapa_handoff" / "mail"
    folder.mkdir(parents=True)
    (folder / "ticket.txt").write_text("OWN {{ 1 // 0 if 'boom' in ticket.note else ticket.note }}")
    app = make_site(mail_server)
    app.template_folder = str(tmp_path / "templates")
    with watching(app) as endings:
        bad = send_ticket(app.test_client(), note="boom")
        good = send_ticket(app.test_client(), note="fine")
        assert endings.wait_for(bad, good) == [Status.DELIVERED, Status.DELIVERED]
    texts = {mail.message["X-Kapa-Handoff-Ticket"]: mail.message.get_body(("plain",)) for mail in mail_server.received}
    assert texts[good].get_content().strip() == "OWN fine"
    assert "\r\n> boom\r\n" in texts[bad].get_content()
    assert bad in texts[bad].get_content()


def test_raising_receivers_harm_nobody(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Receivers of our own signals that raise stop neither the delivery nor the other receivers."""

    def broken(sender: Flask, **arguments: Any) -> None:
        raise RuntimeError("the receiver is broken")

    app = make_site(mail_server)
    with ticket_delivered.connected_to(broken, app), watching(app) as endings:
        for _ in range(3):
            assert endings.wait_for(send_ticket(app.test_client())) == [Status.DELIVERED]
    assert len(mail_server.received) == 3


def test_refused_ticket_raises_the_signal(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """ticket_failed comes with the server's words, once the database says so, too."""
    mail_server.replies["RCPT"] = ["550 5.1.1 no such mailbox"]
    app = make_site(mail_server)
    failed: list[tuple[Any, Status, str]] = []
    told = threading.Event()

    def receive(sender: Flask, ticket: Ticket, error: str) -> None:
        failed.append((sender, look_up(app, ticket.reference).status, error))
        told.set()

    with ticket_failed.connected_to(receive, app):
        send_ticket(app.test_client())
        assert told.wait(20)
    assert failed == [(app, Status.FAILED, "550 5.1.1 no such mailbox")]


# Stop


def test_stop_finishes_the_mail_in_hand(make_site: Callable[..., Flask]) -> None:
    """stop() waits for the mail that is on its way, records it, and takes up no other."""
    gate = Gate()
    with ScriptedServer({"END": [gate]}) as server:
        app = make_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1)
        threads = app.extensions["kapa_handoff"].threads
        in_hand = send_ticket(app.test_client())
        gate.wait()
        waiting = send_ticket(app.test_client())
        stopped = threading.Event()
        stopper = threading.Thread(target=lambda: (threads.stop(30), stopped.set()))
        stopper.start()
        assert not stopped.wait(0.2)
        gate.opened.set()
        stopper.join(20)
        assert stopped.is_set()
        assert delivery_threads() == []
        assert look_up(app, in_hand).status is Status.DELIVERED
        assert look_up(app, waiting).status is Status.QUEUED
        assert len(server.mails) == 1
        assert server.verbs()[-1] == "QUIT"


def test_stop_without_start_is_nothing(make_site: Callable[..., Flask]) -> None:
    """Stopping twice, or before the first request, does nothing; a request afterwards starts the threads again."""
    app = make_site()
    threads = app.extensions["kapa_handoff"].threads
    threads.stop()
    app.test_client().get("/")
    threads.stop()
    threads.stop()
    assert delivery_threads() == []
    app.test_client().get("/")
    assert len(delivery_threads()) == 2


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


def test_process_that_ends_finishes_the_mail_in_hand(make_site: Callable[..., Flask]) -> None:
    """An orderly end of the process lets the mail in hand arrive and be recorded."""
    gate = Gate()
    with ScriptedServer({"END": [gate]}) as server:
        app = make_site(server, KAPA_HANDOFF_DELIVERY="external")
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
    root = str(Path(__file__).parent.parent)
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


# Inline


def test_inline_sends_in_the_request(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """With inline delivery the mail is out when the visitor has the answer, and no connection is left open."""
    app = make_site(mail_server, KAPA_HANDOFF_DELIVERY="inline")
    reference = send_ticket(app.test_client())
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [reference]
    assert look_up(app, reference).status is Status.DELIVERED


@pytest.mark.only("sqlite")
def test_templates_are_loaded_once_for_all_couriers(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """With inline delivery each ticket has its own courier; to compile a template takes longer than to send it."""
    loaded = []

    def load(name: str) -> str | None:
        loaded.append(name)
        return "Ours" if name in (TEXT, HTML) else None

    app = make_site(mail_server, KAPA_HANDOFF_DELIVERY="inline")
    app.jinja_loader = FunctionLoader(load)
    for _ in range(2):
        send_ticket(app.test_client())
    assert len(mail_server.received) == 2
    assert [loaded.count(name) for name in (TEXT, HTML)] == [1, 1]


@pytest.mark.parametrize("problem", ["nothing listens", "refused", "no sender", "broken Mail object"])
def test_inline_failure_is_not_the_visitors(
    make_site: Callable[..., Flask], mail_server: MailServer, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With inline delivery and a mail that does not go out the ticket is stored all the same, and 201 says so."""
    config: dict[str, dict[str, Any]] = {
        "nothing listens": {"MAIL_PORT": free_port()},
        "no sender": {"MAIL_DEFAULT_SENDER": None},
    }
    app = make_site(mail_server, KAPA_HANDOFF_DELIVERY="inline", **config.get(problem, {}))
    if problem == "refused":
        mail_server.replies["RCPT"] = ["550 no such mailbox"]
    if problem == "broken Mail object":
        app.extensions["mail"] = object()
    client = app.test_client()
    answer = client.post("/handoff/tickets", data=ticket_fields(client), headers=JSON)
    assert answer.status_code == 201
    ticket = look_up(app, answer.json["reference"])
    assert ticket.status is (Status.FAILED if problem == "refused" else Status.QUEUED)
    assert ticket.last_error
    if problem != "refused":
        names = {
            "nothing listens": "ConnectionRefusedError",
            "no sender": "MAIL_DEFAULT_SENDER",
            "broken Mail object": "AttributeError",
        }
        assert f"could not be sent ({names[problem]})" in caplog.text


def test_ticket_that_cannot_be_composed_fails_alone(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket of which no mail can be made is failed with the reason, and the next one goes out."""
    app = make_site(mail_server, KAPA_HANDOFF_DELIVERY="external")
    client = app.test_client()
    broken, sound = send_ticket(client), send_ticket(client)
    rewrite(app, broken, visitor_email="two@example.com, three@example.com")
    with watching(app) as endings:
        app.extensions["kapa_handoff"].threads.start(beside_visitors=False)
        endings.wait_for(broken)
        endings.wait_for(sound)
    ticket = look_up(app, broken)
    assert ticket.status is Status.FAILED
    assert "could not be composed" in str(ticket.last_error)
    assert "no address that a mail can carry" in str(ticket.last_error)
    assert look_up(app, sound).status is Status.DELIVERED


def test_ticket_waits_while_the_templates_are_being_replaced(
    make_site: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fault of the machine while a mail is composed says nothing about the ticket: it is tried again."""
    app = make_site(mail_server, KAPA_HANDOFF_DELIVERY="external")
    reference = send_ticket(app.test_client())
    courier = Courier(app, app.extensions["kapa_handoff"])

    def too_many(name: str) -> str | None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(app, "jinja_loader", FunctionLoader(too_many))
        broken.setattr("flask_kapa_handoff.delivery.message.TEMPLATES", tmp_path)
        _own_templates.cache_clear()
        ticket = courier.deliver_next()
    _own_templates.cache_clear()
    assert ticket is not None
    assert ticket.status is Status.QUEUED
    assert str(ticket.last_error).startswith("TemplateNotFound while the mail was composed: ")
    assert requeue.send_again(app.extensions["kapa_handoff"].database, reference) is not None
    ticket = courier.deliver_next()
    courier.close()
    assert ticket is not None
    assert ticket.status is Status.DELIVERED


def test_page_does_not_fail_when_no_thread_can_be_started(
    make_site: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process at its limit of threads goes on answering, and says in the log what is missing."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    app = make_site()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = app.test_client()
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    assert caplog.text.count("could be started") == 1
