"""The applications that are compared; gunicorn calls these functions.

All of them get the same requests and respond with 201.
"""

from __future__ import annotations

import json
import logging
import os
import smtplib
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, render_template_string, request
from flask_mail import Mail, Message
from flask_wtf import FlaskForm
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, event, insert
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import EmailField, HiddenField, TextAreaField
from wtforms.validators import DataRequired, Email, Length

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.markdown import to_html
from flask_kapa_handoff.storage import sqlite
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.template_environment import make_environment
from flask_kapa_handoff.translation import ENGLISH

from .flask_mail_baseline import Renderer, usual_renderer, whole_message
from .requests_of_visitors import SECRET_KEY

PATHS = {"submit": "/handoff/tickets", "bare": "/", "in_request": "/"}
"""The path of each contender's POST."""

CHECKPOINTS = ("submit", "submit_copying_beside", "submit_copying_itself", "submit_never_copying")
"""Variants in who copies SQLite's write-ahead log into the database, and when; their POST has the path of submit."""

PROCESSOR_SECONDS = "/processor-seconds"
"""The path at which each reports its process's processor time: with one gunicorn worker, that is its whole cost."""

DIRECTORY, SMTP_PORT, DATABASE = "BENCHMARK_DIRECTORY", "BENCHMARK_SMTP_PORT", "BENCHMARK_DATABASE"
UNLIMITED = 1_000_000


def _application(name: str) -> Flask:
    application = Flask(name, instance_path=os.environ[DIRECTORY])
    application.config.update(
        SECRET_KEY=SECRET_KEY,
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=int(os.environ.get(SMTP_PORT, "0")),
        MAIL_DEFAULT_SENDER="docs@example.com",
    )
    application.add_url_rule(PROCESSOR_SECONDS, view_func=lambda: str(time.process_time()))
    return application


def submit(delivery: str = "thread", connections: int = 2) -> Flask:
    """The package as a site mounts it behind a proxy; limits raised, everything else by default."""
    application = _application("submit")
    application.config.update(
        KAPA_HANDOFF_EMAIL="support@example.com",
        KAPA_HANDOFF_DELIVERY=delivery,
        KAPA_HANDOFF_SMTP_CONNECTIONS=connections,
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=UNLIMITED,
        KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=UNLIMITED,
        KAPA_HANDOFF_TICKETS_PER_HOUR=UNLIMITED,
    )
    if uri := os.environ.get(DATABASE):
        application.config["KAPA_HANDOFF_DATABASE_URI"] = uri
    application.wsgi_app = ProxyFix(application.wsgi_app)  # type: ignore[method-assign]
    logging.getLogger("flask_kapa_handoff.extension").setLevel(logging.ERROR)  # the hint that there is no admin page
    KapaHandoff().init_app(application)
    return application


def submit_copying_beside() -> Flask:
    """The same; the log is copied while others write, which is not quite safe with SQLite before 3.51.3."""

    def checkpoint(database: Database) -> None:
        with database.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    Database.checkpoint = checkpoint  # type: ignore[assignment, method-assign]
    return submit()


def submit_copying_itself() -> Flask:
    """The same; a commit copies the log when it has 1,000 pages, which is SQLite's default."""
    sqlite.CHECKPOINT_PAGES = 1_000
    sqlite.checkpoint = lambda engine: None
    return submit()


def submit_never_copying() -> Flask:
    """The same; the log grows."""
    sqlite.CHECKPOINT_PAGES = 0
    sqlite.checkpoint = lambda engine: None
    return submit()


def bare() -> Flask:
    """The floor: one Core insert into one table, as wide as the package's ticket and transcript together.

    WAL, synchronous=FULL, BEGIN IMMEDIATE and one writer per process, as in the package, since that is the fastest
    durable way to write. The body is stored as it comes: it is not decoded, and nothing is checked or rendered. There
    is no index but the primary key. A GET of the same route does nothing and responds with 204.
    """
    application = _application("bare")
    metadata = MetaData()
    columns = [Column(column.name, Integer if column.name in _NUMBERS else Text) for column in ticket_table.c]
    table = Table("row", metadata, Column("key", Text, primary_key=True), *columns, Column("conversation", Text))
    path = Path(os.environ[DIRECTORY]) / "bare.sqlite3"
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 15}, pool_size=16)
    event.listen(engine, "connect", lambda driver, record: driver.execute("PRAGMA synchronous=FULL"))
    with engine.connect() as connection:
        if connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one() != "wal":
            raise RuntimeError("the bare route's database is not in WAL mode")
        connection.exec_driver_sql(str(_create(table, engine)))
        connection.commit()
    writing, statement = threading.Lock(), insert(table)

    @application.get("/")
    def nothing() -> tuple[str, int]:
        return "", 204

    @application.post("/")
    def store() -> tuple[dict[str, str], int]:
        row = _row(request.get_data(as_text=True))
        with writing, engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.execute(statement, row)
        return {"reference": row["reference"]}, 201

    return application


_NUMBERS = ("pairs", "attempts")


def _create(table: Table, engine: Any) -> Any:
    from sqlalchemy.schema import CreateTable

    return CreateTable(table, if_not_exists=True).compile(engine)  # two workers start at the same moment


def _row(body: str) -> dict[str, Any]:
    moment = datetime.now(timezone.utc).isoformat()
    key = uuid.uuid4().hex
    return {
        "key": key,
        "id": key,
        "reference": "T-" + key[:6],
        "submission_id": key,
        "content_digest": key * 2,
        "created_at": moment,
        "desk": "default",
        "recipient": "support@example.com",
        "visitor_email": "visitor@example.com",
        "visitor_name": None,
        "note": "",
        "subject": "Why is the token of API number 1 refused, and where does the password go?",
        "pairs": 5,
        "transcript_source": "browser",
        "triggers": "always,uncertainty",
        "answer_id": key,
        "thread_id": key,
        "page": "https://docs.example.com/restoring-files",
        "locale": "en-GB",
        "client_key": key,
        "follows": None,
        "status": "queued",
        "attempts": 0,
        "queued_at": moment,
        "next_attempt_at": moment,
        "leased_until": None,
        "last_error": None,
        "delivered_at": None,
        "conversation": body,
    }


class _QuestionForm(FlaskForm):  # type: ignore[misc]
    email = EmailField("Your email", validators=[DataRequired(), Email()])
    note = TextAreaField("Note", validators=[Length(max=5000)])
    conversation = HiddenField(validators=[DataRequired()])


_Write = Callable[[_QuestionForm, list[dict[str, Any]]], Message]

_PAGE = """{% if sent %}<p>Thank you, we will answer you at {{ form.email.data }}.</p>{% else %}
<form method="post">{{ form.hidden_tag() }}{{ form.email }}{{ form.note }}<button>Send</button></form>{% endif %}"""


def in_request(renderer: Renderer | None = None) -> Flask:
    """What a site would write by hand: Flask-WTF checks the form, Flask-Mail sends before the response. No database.

    Arguments:
        renderer: renders the answers in a mail of the package's parts; None: the mail is plain text.
    """
    application = _application("in_request")
    # In this contender's favour: its token would need a session.
    application.config["WTF_CSRF_ENABLED"] = False
    # smtplib asks the DNS for the machine's name at every connection, which is not to be measured here.
    smtplib.socket.getfqdn = lambda name="": "localhost"  # type: ignore[attr-defined]
    mail = Mail(application)
    write = _plain if renderer is None else _whole_writer(application, renderer)

    @application.post("/")
    def send() -> tuple[str, int]:
        form = _QuestionForm()
        if not form.validate_on_submit():
            return render_template_string(_PAGE, form=form), 422
        mail.send(write(form, json.loads(form.conversation.data)))
        return render_template_string(_PAGE, form=form, sent=True), 201

    return application


def in_request_whole() -> Flask:
    """The same; the mail has the package's parts, from its own templates and with its own Markdown renderer."""
    return in_request(to_html)


def in_request_usual() -> Flask:
    """The same with markdown-it-py, as most sites render Markdown."""
    return in_request(usual_renderer())


def _plain(form: _QuestionForm, pairs: list[dict[str, Any]]) -> Message:
    lines = [f"Q: {pair['question']}\n\nA: {pair['answer']}\n" for pair in pairs]
    return Message(
        f"Question from {form.email.data}",
        recipients=["support@example.com"],
        body="\n".join([form.note.data, *lines]),
        reply_to=form.email.data,
    )


def _whole_writer(application: Flask, renderer: Renderer) -> _Write:
    environment = make_environment(application, language=ENGLISH)

    def write(form: _QuestionForm, pairs: list[dict[str, Any]]) -> Message:
        ticket = SimpleNamespace(
            reference="T-" + uuid.uuid4().hex[:6],
            subject=pairs[0]["question"],
            note=form.note.data,
            visitor_email=form.email.data,
            visitor_name=None,
            created_at=datetime.now(timezone.utc),
            page="https://docs.example.com/restoring-files",
            transcript_source="browser",
        )
        return whole_message(environment, ticket, pairs, renderer)

    return write
