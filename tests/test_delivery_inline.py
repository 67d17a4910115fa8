"""The delivery in the request itself, and mails that cannot be composed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from jinja2 import FunctionLoader

from flask_kapa_handoff.delivery import requeue
from flask_kapa_handoff.delivery.engines.threads import DeliveryThreads
from flask_kapa_handoff.delivery.mail.rendering import HTML, TEXT, own_templates
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.couriers import courier_of
from tests.helpers.deliveries import look_up, rewrite, watching
from tests.helpers.pages import JSON, json_of
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket, ticket_fields


def test_inline_sends_in_the_request(delivering_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """With inline delivery the mail is sent before the visitor gets the response, and no connection stays open."""
    app = delivering_site(mail_server, KAPA_HANDOFF_DELIVERY="inline")
    reference = send_ticket(app.test_client())
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in mail_server.received] == [reference]
    assert look_up(app, reference).status is Status.DELIVERED


@pytest.mark.only("sqlite")
def test_templates_are_loaded_once_for_all_couriers(
    delivering_site: Callable[..., Flask], mail_server: MailServer
) -> None:
    """With inline delivery each ticket has its own courier; to compile a template takes longer than to send it."""
    loaded = []

    def load(name: str) -> str | None:
        loaded.append(name)
        return "Ours" if name in (TEXT, HTML) else None

    app = delivering_site(mail_server, KAPA_HANDOFF_DELIVERY="inline")
    app.jinja_loader = FunctionLoader(load)
    for _ in range(2):
        send_ticket(app.test_client())
    assert len(mail_server.received) == 2
    assert [loaded.count(name) for name in (TEXT, HTML)] == [1, 1]


@pytest.mark.parametrize("problem", ["nothing listens", "refused", "no sender", "broken Mail object"])
def test_inline_failure_does_not_affect_the_visitor(
    delivering_site: Callable[..., Flask], mail_server: MailServer, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With inline delivery, a ticket whose mail is not sent is stored anyway, and the response is 201."""
    config: dict[str, dict[str, Any]] = {
        "nothing listens": {"MAIL_PORT": free_port()},
        "no sender": {"MAIL_DEFAULT_SENDER": None},
    }
    app = delivering_site(mail_server, KAPA_HANDOFF_DELIVERY="inline", **config.get(problem, {}))
    if problem == "refused":
        mail_server.replies["RCPT"] = ["550 no such mailbox"]
    if problem == "broken Mail object":
        # Resembles Flask-Mail's state, and is none.
        app.extensions["mail"] = SimpleNamespace(suppress=False, default_sender="docs@example.com")
    client = app.test_client()
    answer = client.post("/handoff/tickets", data=ticket_fields(client), headers=JSON)
    assert answer.status_code == 201
    ticket = look_up(app, json_of(answer)["reference"])
    assert ticket.status is (Status.FAILED if problem == "refused" else Status.QUEUED)
    assert ticket.last_error
    if problem != "refused":
        names = {
            "nothing listens": "ConnectionRefusedError",
            "no sender": "MAIL_DEFAULT_SENDER",
            "broken Mail object": "MAIL_SERVER",
        }
        assert f"could not be sent ({names[problem]})" in caplog.text


def test_ticket_that_cannot_be_composed_fails_alone(
    delivering_site: Callable[..., Flask], mail_server: MailServer
) -> None:
    """A ticket of which no mail can be made is failed with the reason, and the next one goes out."""
    app = delivering_site(mail_server, KAPA_HANDOFF_DELIVERY="external")
    client = app.test_client()
    broken, sound = send_ticket(client), send_ticket(client)
    rewrite(app, broken, visitor_email="two@example.com, three@example.com")
    with watching(app) as endings:
        worker = DeliveryThreads(state_of(app))
        worker.start(beside_visitors=False)
        endings.wait_for(broken)
        endings.wait_for(sound)
        worker.stop()
    ticket = look_up(app, broken)
    assert ticket.status is Status.FAILED
    assert "could not be composed" in str(ticket.last_error)
    assert "no address that a mail can carry" in str(ticket.last_error)
    assert look_up(app, sound).status is Status.DELIVERED


def test_ticket_waits_while_the_templates_are_being_replaced(
    delivering_site: Callable[..., Flask], mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fault of the machine while a mail is composed says nothing about the ticket: it is tried again."""
    app = delivering_site(mail_server, KAPA_HANDOFF_DELIVERY="external")
    reference = send_ticket(app.test_client())
    courier = courier_of(app)

    def too_many(name: str) -> str | None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(app, "jinja_loader", FunctionLoader(too_many))
        broken.setattr("flask_kapa_handoff.delivery.mail.rendering.TEMPLATES", tmp_path)
        own_templates.cache_clear()
        ticket = courier.deliver_next()
    own_templates.cache_clear()
    assert ticket is not None
    assert ticket.status is Status.QUEUED
    assert str(ticket.last_error).startswith("TemplateNotFound while the mail was composed: ")
    assert requeue.send_again(state_of(app).database, reference) is not None
    ticket = courier.deliver_next()
    courier.close()
    assert ticket is not None
    assert ticket.status is Status.DELIVERED
