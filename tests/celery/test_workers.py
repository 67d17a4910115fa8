"""Delivery by Celery: real workers, and what happens when one is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from flask_kapa_handoff.delivery.engines import celery as delivery
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.celery_processes import PERSONAL, references, worker, worker_with_beat
from tests.helpers.deliveries import look_up, rewrite
from tests.helpers.redis_server import RedisServer
from tests.helpers.scripted_smtp import SILENCE, ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket


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
