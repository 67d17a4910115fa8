"""For a site's own tests: act as a visitor, and check what the site stores and sends.

Functions that act as a visitor (:func:`make_offer`, :func:`send_ticket`) take the test client, so the site's own code
runs as well; functions for the site's side take the app. Nothing is kept between calls. Import this in tests only.

Every function raises RuntimeError if the app would use the tickets of the real site: the default SQLite file in its
instance folder.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import flask_mail
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import NoResultFound

from .config import Config, key_of
from .config_values import PINNABLE
from .conversation import Conversation, QuestionAnswer
from .delivery.courier import Courier
from .delivery.mail.site_mail import SentMessage, SiteMail
from .delivery.outcomes import Unreachable
from .settings import DEFAULT_DESK, DeskSettings, current_settings, save_settings
from .state import State
from .storage.tables import ticket as ticket_table
from .storage.tickets import Ticket, find_conversation, find_ticket, latest_tickets
from .testing_checks import (
    Rejected,
    check_conversation,
    check_facts,
    check_fields,
    check_settings,
    check_ticket,
    json_of,
    state_of_app,
    state_of_client,
    why_no_button,
)
from .triggers import Facts, reported_facts

__all__ = [
    "CONVERSATION",
    "Rejected",
    "change_settings",
    "conversation_of",
    "create_tables",
    "deliver",
    "make_offer",
    "record_mails",
    "send_ticket",
    "tickets",
]

CONVERSATION = Conversation((QuestionAnswer("How do I rotate a key?", "Run `keys rotate`.", id="a1"),))
"""The conversation of a ticket by default."""


def make_offer(
    client: FlaskClient,
    *,
    pairs: int = 1,
    question: str = "",
    headers: Mapping[str, str] | None = None,
    **facts: str | int | bool | None,
) -> str:
    """Request an answer's button, as a page does, and return the offer in it.

    Arguments:
        client: the app's test client: ``app.test_client()``.
        pairs: how many questions the conversation has so far; 0: the visitor asks directly, without an answer.
        question: what the visitor asked, for a desk whose triggers include ``asked-for-human``.
        headers: headers of the request, such as the site's login needs.
        facts: the other parameters of ``GET /offer``: ``uncertain``, ``downvoted``, ``stopped``, ``thread_id``,
            ``answer_id``, ``desk``, ``page``, and ``direct`` as ``KapaHandoff.open()`` sends it. None leaves one out.

    Raises:
        Rejected: the answer does not qualify (``code`` is ``not_offered``), or a fact is wrong.
        TypeError: there is no such fact.
    """
    state = state_of_client(client)
    check_facts(facts)
    query = {"pairs": pairs, **{name: _fact(value) for name, value in facts.items() if value is not None}}
    path = f"{state.config.url_prefix}/offer"
    state.hook_failures.latest = ""
    response = client.get(path, query_string=query, headers=_asking_forjson_of(headers))
    if question and response.headers.get("X-Kapa-Handoff") == "question":
        body = {"question": question}
        response = client.post(path, query_string=query, data=body, headers=_asking_forjson_of(headers))
    offer = json_of(response).get("offer") if response.status_code == 200 else None
    if not isinstance(offer, str):
        not_offered = json_of(response).get("offered") is False
        reason = why_no_button(state, facts.get("desk"), facts.get("thread_id")) if not_offered else ""
        raise Rejected(response, f"GET {path} with {query}", reason, state.hook_failures.latest)
    return offer


def send_ticket(
    client: FlaskClient,
    *,
    offer: str | None = None,
    email: str | None = "visitor@example.com",
    note: str | None = "",
    conversation: Conversation | str | None = CONVERSATION,
    headers: Mapping[str, str] | None = None,
    **fields: str | Sequence[str] | None,
) -> Ticket:
    """Send the form of a ticket, as a visitor does, and return the stored ticket.

    Arguments:
        client: the app's test client: ``app.test_client()``.
        offer: from :func:`make_offer`; it opens one ticket. None: make one for the conversation.
        email, note: what the visitor types.
        conversation: the one on the visitor's page, or its JSON as a script sends it. None: the page sends none, as on
            sites that keep the threads.
        headers: headers of the request, such as the site's login needs.
        fields: further fields of the form, by name: those of KAPA_HANDOFF_FIELDS, and the inputs that the
            site's ``ticket_filter`` reads, such as ``_proof``. None leaves one out. ``left_out`` has the keys of the
            pairs that the visitor leaves out.

    Raises:
        Rejected: the ticket was refused; the error says why.
        TypeError: a keyword is neither a field of the form nor an input that the site's ``ticket_filter`` could read.
    """
    state = state_of_client(client)
    check_fields(state, fields)
    check_conversation(conversation)
    path = f"{state.config.url_prefix}/tickets"
    if offer is None:
        known = conversation if isinstance(conversation, Conversation) else CONVERSATION
        offer = make_offer(client, headers=headers, **_facts(known))
    form = {
        "offer": offer,
        "submission_id": str(uuid.uuid4()),
        "email": email,
        "note": note,
        "conversation": json.dumps(conversation.as_json()) if isinstance(conversation, Conversation) else conversation,
        **fields,
    }
    filled = {name: value for name, value in form.items() if value is not None}
    state.hook_failures.latest = ""
    response = client.post(path, data=filled, headers=_asking_forjson_of(headers))
    if response.status_code not in (200, 201) or "reference" not in (stored := json_of(response)):
        raise Rejected(response, f"POST {path}", hook=state.hook_failures.latest)
    with state.database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == stored["reference"])
    if ticket is None:
        raise LookupError(f"Ticket {stored['reference']} was deleted before it could be read.")
    return ticket


def tickets(app: Flask) -> list[Ticket]:
    """All tickets that the app has stored, oldest first."""
    with state_of_app(app).database.read() as connection:
        return latest_tickets(connection, limit=sys.maxsize)[::-1]


def conversation_of(app: Flask, ticket: Ticket) -> Conversation:
    """The stored conversation of a ticket: cleaned, and with secrets hidden.

    Raises:
        LookupError: there is none.
    """
    state = state_of_app(app)
    check_ticket(ticket)
    try:
        with state.database.read() as connection:
            return find_conversation(connection, ticket)
    except NoResultFound:
        raise LookupError(f"Ticket {ticket.reference} has no conversation in this app's database.") from None


def deliver(app: Flask) -> list[Ticket]:
    """Deliver what is due, immediately, whatever KAPA_HANDOFF_DELIVERY says.

    Where the app sends no mail, as in tests, the mails count as accepted; see :func:`record_mails`. If a mail server
    refuses a mail, there is only one attempt: the next one is due in a minute or more.

    Returns:
        The tickets with an attempt, in order: ``status`` says how it ended (``delivered``, ``queued`` again,
        ``failed``), and ``last_error`` why.
    """
    state = state_of_app(app)
    courier = Courier(state)
    tried = []
    try:
        with record_mails(app) if _suppresses_mail(state) else nullcontext():
            while not courier.pause and (ticket := courier.deliver_next()):
                tried.append(ticket)
    finally:
        courier.close()
    return tried


@contextmanager
def record_mails(app: Flask) -> Iterator[list[EmailMessage]]:
    """Record the mails that the handoff sends meanwhile, as a mail program reads them; none leaves the machine.

    It stands in for the mail server, so these tickets count as delivered. Unlike Flask-Mail's ``record_messages()``,
    it needs no ``Mail`` object, returns the whole message (headers, parts, the attached conversation), and leaves out
    the site's other mails and those of other apps.

    Returns:
        A context manager, for ``with record_mails(app) as mails:``; each mail is appended to the list.

    Raises:
        RuntimeError: the mails would really be sent.
    """
    if not _suppresses_mail(state_of_app(app)):
        raise RuntimeError(
            "The handoff's mails would really be sent. Set TESTING = True, or MAIL_SUPPRESS_SEND = True, before "
            "Flask-Mail is set up on this app."
        )
    recorded: list[EmailMessage] = []

    def record(sender: Flask, message: flask_mail.Message) -> None:
        if not isinstance(message, SentMessage):
            return  # the site's own
        mail = message_from_bytes(message.as_bytes(), policy=policy.default)
        if isinstance(mail, EmailMessage):
            recorded.append(mail)
            message.accepted = True

    with flask_mail.email_dispatched.connected_to(record, app):
        yield recorded


def change_settings(app: Flask, desk: str = DEFAULT_DESK, **values: Any) -> DeskSettings:
    """Save settings of a desk, as an admin does, and return the current ones.

    Arguments:
        values: any of ``enabled``, ``email``, ``button_text``, ``triggers``, ``threshold`` and ``form``, which is a
            dict as in KAPA_HANDOFF_FORM. Others stay as they are.

    Raises:
        ConfigurationError: a value is wrong; the message names the configuration key.
        TypeError: there is no such setting.
        ValueError: there is no such desk, ``enabled`` is not a bool, or KAPA_HANDOFF_PINNED fixes the setting.
    """
    state = state_of_app(app)
    check_settings(state, desk, values, ("enabled", *PINNABLE))
    configured = {key_of(name): value for name, value in values.items() if name != "enabled"}
    checked = Config.from_mapping({**app.config, **configured})
    saved = {name: value if name == "enabled" else getattr(checked, name) for name, value in values.items()}
    with state.database.write() as connection:
        wanted = replace(current_settings(connection, state.config, desk), **saved)
        _, after = save_settings(connection, state.config, wanted, changed_by="a test")
    state.settings_cache.clear()
    return after


def create_tables(app: Flask) -> None:
    """Create or upgrade the handoff's tables, like ``flask kapa-handoff db upgrade``.

    Only needed if tickets are in the site's own database; call it after the site has created its own tables.
    """
    state_of_app(app).database.upgrade()


def _suppresses_mail(state: State) -> bool:
    try:
        return SiteMail(state).settings.suppress
    except Unreachable:
        return False  # a setting is wrong: nothing is sent, and the ticket says which


def _facts(conversation: Conversation) -> dict[str, Any]:
    """The facts that a page sends about the last answer when it requests its button."""
    facts = Facts.of(conversation)
    said = {fact.name: getattr(facts, fact.name) for fact in reported_facts()}
    if not conversation.pairs:
        return said
    latest = conversation.pairs[-1]
    return {**said, "thread_id": conversation.thread_id, "answer_id": latest.id, "question": latest.question}


def _fact(value: str | int | bool) -> str | int:
    return str(value).lower() if isinstance(value, bool) else value


def _asking_forjson_of(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"Accept": "application/json", **(headers or {})}
