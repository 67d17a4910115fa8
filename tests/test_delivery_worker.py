"""Delivery inside web processes: when the threads start, what they survive, how they end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.signals import ticket_delivered, ticket_failed
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status, Ticket, find_attempts
from flask_kapa_handoff.unknown import Unknown
from tests.helpers.deliveries import Gate, database_of, delivery_threads, look_up, rewrite, watching
from tests.helpers.pages import json_of
from tests.helpers.scripted_smtp import HANG_UP, ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket, ticket_fields

JSON = {"Accept": "application/json"}


# Start


def test_threads_start_with_the_first_request(delivering_site: Callable[..., Flask]) -> None:
    """Neither making the app nor a CLI command starts a thread; the first request does, whatever it asks for."""
    app = delivering_site()
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


@pytest.mark.parametrize("delivery", ["external", "inline"])
def test_no_threads_without_being_asked(delivering_site: Callable[..., Flask], delivery: str) -> None:
    """Only KAPA_HANDOFF_DELIVERY=thread has threads."""
    app = delivering_site(KAPA_HANDOFF_DELIVERY=delivery)
    reference = send_ticket(app.test_client())
    assert delivery_threads() == []
    assert look_up(app, reference).status is Status.QUEUED


def test_as_many_threads_as_connections(delivering_site: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SMTP_CONNECTIONS says how many threads there are; they end with stop()."""
    app = delivering_site(KAPA_HANDOFF_SMTP_CONNECTIONS=3)
    app.test_client().get("/")
    assert len(delivery_threads()) == 3
    assert all(thread.daemon for thread in delivery_threads())
    state_of(app).delivery.stop()
    assert delivery_threads() == []


def test_requests_at_once_start_one_set(delivering_site: Callable[..., Flask]) -> None:
    """Several first requests at the same moment start the threads once."""
    app = delivering_site()
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


def test_ticket_is_delivered(delivering_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket goes out automatically soon after it was stored, and the signal tells it."""
    app = delivering_site(mail_server)
    with watching(app) as endings:
        reference = send_ticket(app.test_client())
        assert endings.wait_for(reference) == [Status.DELIVERED]
    (mail,) = mail_server.received
    assert mail.message["X-Kapa-Handoff-Ticket"] == reference
    assert look_up(app, reference).status is Status.DELIVERED


def test_one_connection_serves_what_has_gathered(delivering_site: Callable[..., Flask]) -> None:
    """Tickets that gather while a mail is on its way go out over the same connection."""
    gate = Gate()
    with ScriptedServer({"END": [gate]}) as server:
        app = delivering_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1)
        with watching(app) as endings:
            references = [send_ticket(app.test_client())]
            gate.wait()
            references += [send_ticket(app.test_client()) for _ in range(4)]
            gate.opened.set()
            endings.wait_for(*references)
        assert (server.connections, len(server.mails)) == (1, 5)


def test_slow_server_gets_a_second_connection(delivering_site: Callable[..., Flask]) -> None:
    """While one mail hangs in a slow server, the next goes out over a second connection, and never a third."""
    first, second = Gate(), Gate()
    with ScriptedServer({"END": [first, second]}) as server:
        app = delivering_site(server)
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


def test_as_many_mails_at_once_as_connections(delivering_site: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SMTP_CONNECTIONS mails are on their way at the same time, and no more."""
    gates = [Gate() for _ in range(4)]
    with ScriptedServer({"END": list(gates)}) as server:
        app = delivering_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=4)
        with watching(app) as endings:
            references = [send_ticket(app.test_client()) for _ in range(6)]
            for gate in gates:
                gate.wait()
            assert server.verbs().count("MAIL") == 4
            for gate in gates:
                gate.opened.set()
            assert endings.wait_for(*references) == [Status.DELIVERED] * 6
        assert (server.connections, len(server.mails)) == (4, 6)


def test_broken_connection_is_replaced(delivering_site: Callable[..., Flask]) -> None:
    """When one of two connections breaks, its thread makes a new one, and the other goes on."""
    broken, other = Gate(HANG_UP), Gate()
    with ScriptedServer({"RCPT": [broken, other]}) as server:
        app = delivering_site(server)
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


def test_what_was_left_behind_is_picked_up(delivering_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Tickets that an earlier process left queued, or had in hand when it died, go out after the first request."""
    earlier = delivering_site(KAPA_HANDOFF_DELIVERY="external")
    queued, in_hand, delayed = (send_ticket(earlier.test_client()) for _ in range(3))
    assert outbox.claim(database_of(earlier), 30, reference=in_hand)
    rewrite(earlier, in_hand, leased_until=timedelta(seconds=-1))
    rewrite(earlier, delayed, next_attempt_at=timedelta(seconds=-1), attempts=3)
    app = delivering_site(mail_server)
    with watching(app) as endings:
        app.test_client().get("/")
        assert endings.wait_for(queued, in_hand, delayed) == [Status.DELIVERED] * 3
    with database_of(app).read() as connection:
        attempts = find_attempts(connection, look_up(app, in_hand).id)
    assert [str(attempt.outcome) for attempt in attempts] == ["None", "delivered"]


def test_threads_wake_when_something_is_due(delivering_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A ticket that waits, and one whose lease runs out, go out at their time without any further request."""
    earlier = delivering_site(KAPA_HANDOFF_DELIVERY="external")
    waiting, leased = (send_ticket(earlier.test_client()) for _ in range(2))
    assert outbox.claim(database_of(earlier), 30, reference=leased)
    rewrite(earlier, waiting, next_attempt_at=timedelta(seconds=0.5))
    rewrite(earlier, leased, leased_until=timedelta(seconds=1))
    app = delivering_site(mail_server)
    with watching(app) as endings:
        app.test_client().get("/")
        assert endings.wait_for(waiting, leased) == [Status.DELIVERED] * 2
    # Each once; in which order depends on whether the first is out before the second is due.
    assert sorted(mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received) == sorted([waiting, leased])


# Errors


@pytest.mark.only("sqlite")
def test_threads_survive_a_broken_database(
    delivering_site: Callable[..., Flask], mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """While the tables are away the visitor is told 503; when they are back, the threads go on automatically."""
    app = delivering_site(mail_server)
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
            state_of(app).delivery.tickets_due()
            assert complained.wait(20), caplog.text
            rename(app, "kapa_handoff_gone", "kapa_handoff_ticket")
        finally:
            logging.getLogger("flask_kapa_handoff.delivery").removeHandler(handler)
        stored = client.post("/handoff/tickets", data=fields, headers=JSON)
        assert stored.status_code == 201
        assert endings.wait_for(json_of(stored)["reference"]) == [Status.DELIVERED]


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
    delivering_site: Callable[..., Flask], mail_server: MailServer, tmp_path: Path
) -> None:
    """A database file that is garbage stops neither requests nor threads, and once it is fixed tickets go out."""
    path = tmp_path / "handoff.sqlite3"
    path.write_bytes(b"garbage " * 4096)
    app = delivering_site(mail_server, KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    client = app.test_client()
    assert client.get("/handoff/offer?pairs=1").status_code == 503
    assert len(delivery_threads()) == 2
    path.write_bytes(b"")
    with watching(app) as endings:
        reference = send_ticket(client)
        assert endings.wait_for(reference) == [Status.DELIVERED]


def test_raising_template_loses_no_mail(
    delivering_site: Callable[..., Flask], mail_server: MailServer, tmp_path: Path
) -> None:
    """A mail template of the site that raises costs that mail its text as the site writes it, nothing else."""
    folder = tmp_path / "templates" / "kapa_handoff" / "mail"
    folder.mkdir(parents=True)
    (folder / "ticket.txt").write_text("OWN {{ 1 // 0 if 'boom' in ticket.note else ticket.note }}")
    app = delivering_site(mail_server)
    app.template_folder = str(tmp_path / "templates")
    with watching(app) as endings:
        bad = send_ticket(app.test_client(), note="boom")
        good = send_ticket(app.test_client(), note="fine")
        assert endings.wait_for(bad, good) == [Status.DELIVERED, Status.DELIVERED]
    texts = {mail.message["X-Kapa-Handoff-Ticket"]: mail.body("plain") for mail in mail_server.received}
    assert texts[good].strip() == "OWN fine"
    assert "\r\n| boom\r\n" in texts[bad]
    assert bad in texts[bad]


def test_raising_receivers_harm_no_ticket(delivering_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Receivers of our own signals that raise stop neither the delivery nor the other receivers."""

    def broken(sender: Flask, **arguments: Any) -> None:
        raise RuntimeError("the receiver is broken")

    app = delivering_site(mail_server)
    with ticket_delivered.connected_to(broken, app), watching(app) as endings:
        for _ in range(3):
            assert endings.wait_for(send_ticket(app.test_client())) == [Status.DELIVERED]
    assert len(mail_server.received) == 3


def test_refused_ticket_raises_the_signal(delivering_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """ticket_failed comes with the server's words, once the database says so, too."""
    mail_server.replies["RCPT"] = ["550 5.1.1 no such mailbox"]
    app = delivering_site(mail_server)
    failed: list[tuple[Any, Status | Unknown, str]] = []
    told = threading.Event()

    def receive(sender: Flask, ticket: Ticket, error: str) -> None:
        failed.append((sender, look_up(app, ticket.reference).status, error))
        told.set()

    with ticket_failed.connected_to(receive, app):
        send_ticket(app.test_client())
        assert told.wait(20)
    assert failed == [(app, Status.FAILED, "550 5.1.1 no such mailbox")]


# Stop


def test_stop_finishes_the_current_mail(delivering_site: Callable[..., Flask]) -> None:
    """stop() waits for the mail that is being sent, records it, and takes no other."""
    gate = Gate()
    with ScriptedServer({"END": [gate]}) as server:
        app = delivering_site(server, KAPA_HANDOFF_SMTP_CONNECTIONS=1)
        delivery = state_of(app).delivery
        in_hand = send_ticket(app.test_client())
        gate.wait()
        waiting = send_ticket(app.test_client())
        stopped = threading.Event()

        def stop() -> None:
            delivery.stop(30)
            stopped.set()

        stopper = threading.Thread(target=stop)
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


def test_stop_without_start_does_nothing(delivering_site: Callable[..., Flask]) -> None:
    """Stopping twice, or before the first request, does nothing; a request afterwards starts the threads again."""
    app = delivering_site()
    delivery = state_of(app).delivery
    delivery.stop()
    app.test_client().get("/")
    delivery.stop()
    delivery.stop()
    assert delivery_threads() == []
    app.test_client().get("/")
    assert len(delivery_threads()) == 2


def test_page_does_not_fail_when_no_thread_can_be_started(
    delivering_site: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process at its limit of threads goes on answering, and says in the log what is missing."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    app = delivering_site()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = app.test_client()
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    assert client.get("/handoff/offer?pairs=1").status_code == 200
    assert caplog.text.count("could be started") == 1
