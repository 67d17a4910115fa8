"""Logs contain no word of a visitor, whatever a site logs and however its own code fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import flask_mail
import pytest
from flask import Flask, request

from flask_kapa_handoff import Conversation, KapaHandoff
from flask_kapa_handoff.hooks import Visitor
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.signals import ticket_created, ticket_delivered
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.triggers import Facts, Trigger
from tests.helpers.commands import invoke
from tests.helpers.servers import MailServer
from tests.helpers.sites import close
from tests.helpers.tickets import send_ticket

WORD = "zeisig"
PAIR = {"id": f"{WORD}-1", "question": f"What is a {WORD}?", "answer": f"A {WORD} is a bird."}


def send(app: Flask) -> None:
    """A ticket of a visitor whose every word can be recognised."""
    with app.test_request_context():
        offered = Offer((Trigger.ALWAYS,), Facts(1), "default", f"{WORD}-t", PAIR["id"], f"https://{WORD}.example/")
        offer = state_of(app).offer_signer().sign(offered)
    send_ticket(
        app.test_client(), offer=offer, email=f"{WORD}@example.com", note=f"my {WORD}", conversation=json.dumps([PAIR])
    )


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """A site that debugs its own code, with all of SQLAlchemy's logs."""
    with caplog.at_level(logging.DEBUG, "sqlalchemy"):
        yield caplog


def test_all_of_sqlalchemys_logs_together_name_no_visitor(
    make_app: Callable[..., Flask], mail_server: MailServer, everything_logged: pytest.LogCaptureFixture
) -> None:
    """Its statements are there; what they wrote and what they read is not."""
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    send(app)
    invoke(app, "deliver")
    assert WORD in invoke(app, "tickets").output
    assert WORD in invoke(app, "export").output
    invoke(app, "erase", f"{WORD}@example.com", "--yes")
    close(app)
    assert "INSERT INTO kapa_handoff_ticket" in everything_logged.text
    assert "being returned to pool" in everything_logged.text
    assert WORD not in everything_logged.text.lower()


def broken(*arguments: Any, **named: Any) -> None:
    raise ValueError(f"what is a {WORD} to {request.form if request else arguments}, {named}?")


def conversation_loader(handoff: KapaHandoff) -> None:
    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation | None:
        broken(thread_id)
        return None


def visitor_loader(handoff: KapaHandoff) -> None:
    @handoff.visitor_loader
    def load() -> Visitor | None:
        broken()
        return None


@pytest.mark.parametrize("hook", [conversation_loader, visitor_loader])
def test_a_hook_that_fails_is_named_with_its_place_and_without_its_message(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, hook: Callable[[KapaHandoff], None]
) -> None:
    """Type, file, line and function of each call."""
    handoff = KapaHandoff()
    hook(handoff)
    send(make_app(handoff=handoff))
    assert f"The site's {hook.__name__} ({hook.__name__}.<locals>.load) raised ValueError in broken (" in caplog.text
    assert "called by load (" in caplog.text
    assert f"{__file__}, line " in caplog.text
    assert WORD not in caplog.text.lower()


@pytest.mark.parametrize("signal", [ticket_created, ticket_delivered, flask_mail.email_dispatched])
def test_a_receiver_that_fails_is_named_with_its_place_and_without_its_message(
    make_app: Callable[..., Flask], mail_server: MailServer, caplog: pytest.LogCaptureFixture, signal: Any
) -> None:
    """Of our signals and of Flask-Mail's."""
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    with signal.connected_to(broken, sender=app):
        send(app)
        invoke(app, "deliver")
    assert "failed. ValueError in broken (" in caplog.text
    assert WORD not in caplog.text.lower()


def test_a_transcript_that_a_site_gives_wrongly_is_not_repeated(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """Its own hook's mistake: no Conversation, but the text itself."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: [PAIR])  # type: ignore[type-var]
    send(make_app(handoff=handoff))
    assert "The site's conversation_loader (" in caplog.text
    assert ") returned list; it may return Conversation(" in caplog.text
    assert WORD not in caplog.text.lower()
