"""The mailers that are compared: ways to hand the same ticket to a mail server.

All of them send the same parts: text, HTML from the answers' Markdown, and conversation.json.

raw               smtplib, over connections that stay open; the mail was composed before the clock started. The limit
flask_mail        Flask-Mail composes and sends within ``mail.connect()``, with the package's own Markdown renderer
flask_mail_usual  the same with markdown-it-py, as most sites render Markdown
courier           the package composes and sends; no database
delivery          the package's threads as in ``flask kapa-handoff worker``: claim, compose, send and record tickets
"""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from flask import Flask
from flask_mail import Mail
from sqlalchemy import select

from flask_kapa_handoff.conversation import Conversation
from flask_kapa_handoff.delivery.channels import Channels
from flask_kapa_handoff.delivery.engines.threads import DeliveryThreads
from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.markdown import to_html
from flask_kapa_handoff.signals import ticket_delivered
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Ticket, find_conversation
from flask_kapa_handoff.template_environment import make_environment
from flask_kapa_handoff.translation import ENGLISH

from .contenders import submit
from .flask_mail_baseline import Renderer, usual_renderer, whole_message
from .requests_of_visitors import submissions

MAILERS = ("raw", "flask_mail", "flask_mail_usual", "courier", "delivery")

_Send = Callable[[], Any]
_Make = Callable[[Flask, Ticket, Conversation], _Send]


@dataclass
class Sent:
    """How long a number of mails took, in wall-clock seconds and in seconds of this process's processor time."""

    mails: int
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        return self.mails / self.seconds

    @property
    def processor_milliseconds(self) -> float:
        """The processor time of one mail."""
        return self.processor_seconds / self.mails * 1000


class Mailer:
    """One of the mailers, with this many connections to the mail server.

    Arguments:
        size: bytes of the tickets' conversations.
    """

    def __init__(self, name: str, connections: int, size: int) -> None:
        self._size = size
        self._application = submit("external", connections)
        self._threads = DeliveryThreads(state_of(self._application))
        fill(self._application, 1, size)
        self._is_delivery = name == "delivery"
        if not self._is_delivery:
            makers: dict[str, _Make] = {
                "raw": _raw,
                "flask_mail": _flask_mail,
                "flask_mail_usual": partial(_flask_mail, renderer=usual_renderer()),
                "courier": _courier,
            }
            ticket, conversation = _stored(self._application)
            self._senders = [makers[name](self._application, ticket, conversation) for _ in range(connections)]

    def send(self, mails: int) -> Sent:
        """Send this many mails; tickets are stored before the clock starts."""
        if self._is_delivery:
            fill(self._application, mails, self._size)
        began, began_processor = time.perf_counter(), time.process_time()
        if self._is_delivery:
            self._deliver(mails)
        else:
            _share(self._senders, mails)
        sent = Sent(mails, time.perf_counter() - began, time.process_time() - began_processor)
        self._threads.stop()
        return sent

    def _deliver(self, mails: int) -> None:
        done, left = threading.Event(), iter(range(mails - 1))

        def count(sender: Flask, ticket: Ticket) -> None:
            if next(left, None) is None:
                done.set()

        with ticket_delivered.connected_to(count, self._application):
            self._threads.start(beside_visitors=False)
            if not done.wait(300):
                raise RuntimeError("the tickets were not delivered")


def fill(application: Flask, tickets: int, size: int) -> None:
    """Store tickets as visitors send them."""
    client = application.test_client()
    for visitor in islice(submissions(time.time_ns(), size), tickets):
        answer = client.post("/handoff/tickets", data=visitor.body, headers=visitor.headers)
        if answer.status_code != 201:
            raise RuntimeError(f"answered {answer.status}: {answer.text[:500]}")


def _stored(application: Flask) -> tuple[Ticket, Conversation]:
    with state_of(application).database.read() as connection:
        ticket = Ticket.from_row(connection.execute(select(ticket_table).limit(1)).one())
        if not isinstance(ticket, Ticket):
            raise RuntimeError(f"the ticket is damaged: {ticket}")
        return ticket, find_conversation(connection, ticket)


def _share(senders: list[_Send], mails: int) -> None:
    """Each connection takes the next mail once it has sent one."""
    waiting = iter(range(mails))

    def work(send: _Send) -> None:
        for _ in waiting:
            send()

    with ThreadPoolExecutor(len(senders)) as pool:
        list(pool.map(work, senders))


def _raw(application: Flask, ticket: Ticket, conversation: Conversation) -> _Send:
    message = compose(
        make_environment(application, language=ENGLISH), Letterhead("Docs", "docs@example.com"), ticket, conversation
    )
    host = smtplib.SMTP("127.0.0.1", application.config["MAIL_PORT"], "localhost")
    host.ehlo()
    return lambda: host.sendmail(message.sender, [*message.recipients], message.data)


def _flask_mail(application: Flask, ticket: Ticket, conversation: Conversation, renderer: Renderer = to_html) -> _Send:
    # smtplib asks the DNS for the machine's name at every connection, which is not to be measured here.
    smtplib.socket.getfqdn = lambda name="": "localhost"  # type: ignore[attr-defined]
    environment, pairs = make_environment(application, language=ENGLISH), conversation.as_json()
    connection = Mail(application).connect().__enter__()

    def send() -> None:
        with application.app_context():
            connection.send(whole_message(environment, ticket, pairs, renderer))

    return send


def _courier(application: Flask, ticket: Ticket, conversation: Conversation) -> _Send:
    channels = Channels(state_of(application))

    def send() -> None:
        with application.app_context():
            channels.send(ticket, conversation)

    return send
