"""The commands of `flask kapa-handoff`, and the sites in which they are run."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

import sqlalchemy
from click.testing import CliRunner, Result
from flask import Flask

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import delivery_attempt, ticket, transcript
from tests.helpers.servers import MailServer

SITE = """
from flask import Flask
from flask_kapa_handoff import KapaHandoff
app = Flask("site", instance_path={instance!r})
app.config.update({config!r})
KapaHandoff(app)
"""


def invoke(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["kapa-handoff", *words])


def invoke_apart(app: Flask, *words: str) -> Result:
    """The same with standard output and standard error apart."""
    # click before 8.2 joins both unless it is told not to, and later versions cannot be told.
    apart = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
    return app.test_cli_runner(**apart).invoke(args=["kapa-handoff", *words])


def mailing(make_app: Callable[..., Flask], server: MailServer, **config: object) -> Flask:
    return make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, **config)


def left(app: Flask) -> tuple[list[str], int, int]:
    """The remaining references, and the numbers of transcripts and attempts."""
    with state_of(app).database.read() as connection:
        references = connection.execute(sqlalchemy.select(ticket.c.reference).order_by(ticket.c.id)).scalars().all()
        transcripts = connection.execute(sqlalchemy.select(transcript.c.ticket_id)).all()
        attempts = connection.execute(sqlalchemy.select(delivery_attempt.c.id)).all()
    return list(references), len(transcripts), len(attempts)


def findings(app: Flask) -> tuple[int, str]:
    result = invoke(app, "doctor")
    return result.exit_code, result.output
