"""What is wrong with a set-up, why it matters and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from .errors import RequestProblem
from .settings import DeskSettings, current_settings
from .storage.engine import now
from .storage.models import ticket
from .storage.records import Status

if TYPE_CHECKING:
    from flask import Flask

    from .state import State

SHORT_KEY = 16
RANDOM_VALUE = 'Set it to a random value, such as one from: python -c "import secrets; print(secrets.token_hex(32))"'

QUEUE_AGE = timedelta(minutes=15)
"""How long a ticket may be due before somebody should look."""


class Level(Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what is so, why it matters, how to mend it (both empty when all is well)."""

    level: Level
    what: str
    why: str = ""
    remedy: str = ""


def examine(app: Flask, state: State) -> list[Finding]:
    """Look at everything: configuration, database, mail server, queue. Sends no mail."""
    findings = [_secret(app)]
    try:
        with state.database.read() as connection:
            settings = current_settings(connection, state.config)
            moment = now(connection)
            oldest = connection.execute(
                select(func.min(ticket.c.next_attempt_at)).where(ticket.c.status == Status.QUEUED)
            ).scalar_one()
            failed = connection.execute(
                select(func.count()).select_from(ticket).where(ticket.c.status == Status.FAILED)
            ).scalar_one()
    except RequestProblem as problem:
        findings.append(
            Finding(
                Level.PROBLEM,
                f"The database cannot be used: {problem.__cause__ or problem}",
                "No button is shown, and no ticket can be stored.",
                "Mend what the message names; for a shared database run: flask kapa-handoff db upgrade",
            )
        )
    else:
        where = state.database.engine.url.render_as_string()
        findings.append(Finding(Level.OK, f"The database can be used: {where}"))
        findings += [_desk(settings), *_sender(state, settings), _queue(state, oldest, moment), _failures(failed)]
    findings.append(_mail_server(app, state))
    if not state.has_admin:
        findings.append(
            Finding(
                Level.WARNING,
                "There are no admin pages.",
                "Settings can only be changed by a deploy, and nobody sees a ticket that failed.",
                "Pass admin_required=<a view decorator such as login_required> to KapaHandoff.",
            )
        )
    return findings


def _secret(app: Flask) -> Finding:
    if app.secret_key and len(app.secret_key) < SHORT_KEY:
        return Finding(
            Level.WARNING,
            f"SECRET_KEY has {len(app.secret_key)} characters only.",
            "Who guesses it can sign offers, and sessions as well.",
            RANDOM_VALUE,
        )
    if app.secret_key:
        return Finding(Level.OK, "SECRET_KEY is set.")
    return Finding(
        Level.PROBLEM,
        "SECRET_KEY is not set.",
        "Offers are signed with it: no button can be shown.",
        RANDOM_VALUE,
    )


def _desk(settings: DeskSettings) -> Finding:
    if settings.takes_tickets:
        return Finding(Level.OK, f"Tickets go to {settings.email}.")
    what = "The handoff is switched off." if not settings.enabled else "There is no address that tickets go to."
    remedy = "Switch it on" if not settings.enabled else "Set KAPA_HANDOFF_EMAIL, or enter an address"
    return Finding(Level.WARNING, what, "No button is shown.", f"{remedy} on the settings page.")


def _sender(state: State, settings: DeskSettings) -> list[Finding]:
    from .delivery.transport import Transport

    try:
        sender = Transport(state.app, state.config, state.mail).sender
    except ValueError as error:
        sender, why = None, f"MAIL_DEFAULT_SENDER is no address: {error}"
    else:
        why = "There is no sender."
    remedy = "Set KAPA_HANDOFF_SENDER or MAIL_DEFAULT_SENDER to an address of the site's own domain."
    if sender is None:
        return [Finding(Level.PROBLEM, why, "Tickets are stored, but no mail can be sent.", remedy)]
    if settings.email and parseaddr(sender)[1].lower() == settings.email.lower():
        return [
            Finding(
                Level.WARNING,
                f"Sender and recipient are both {settings.email}.",
                "Many helpdesks drop mails from their own address, or answer themselves in a loop.",
                remedy,
            )
        ]
    return [Finding(Level.OK, f"Mails come from {sender}.")]


def _queue(state: State, oldest: datetime | None, moment: datetime) -> Finding:
    if oldest is None or moment - oldest < QUEUE_AGE:
        return Finding(Level.OK, "No ticket is overdue.")
    minutes = int((moment - oldest).total_seconds() // 60)
    remedies = {
        "external": "Start a worker: flask kapa-handoff worker",
        "inline": "Send what was left behind: flask kapa-handoff deliver",
    }
    return Finding(
        Level.PROBLEM,
        f"A ticket has been due for {minutes} minutes.",
        "Nobody is delivering, or not fast enough.",
        remedies.get(state.config.delivery, "Look into the log of the web processes, which deliver in threads."),
    )


def _failures(failed: int) -> Finding:
    if not failed:
        return Finding(Level.OK, "No ticket has failed.")
    return Finding(
        Level.WARNING,
        f"{failed} ticket{'s' if failed != 1 else ''} failed for good.",
        "These visitors wait for an answer that nobody will give.",
        "Read the reason with `flask kapa-handoff tickets --json`, mend it, then: flask kapa-handoff retry REFERENCE",
    )


def _mail_server(app: Flask, state: State) -> Finding:
    from .delivery.transport import Delayed, Transport

    transport = Transport(app, state.config, state.mail)
    mail = transport.state
    if mail.suppress:
        return Finding(
            Level.WARNING,
            "MAIL_SUPPRESS_SEND is on (TESTING switches it on as well).",
            "Tickets count as delivered, but no mail leaves.",
            "Set MAIL_SUPPRESS_SEND to False in production.",
        )
    if not mail.server:
        return Finding(
            Level.PROBLEM, "No mail server is set.", "Tickets are stored and wait.", "Set MAIL_SERVER and MAIL_PORT."
        )
    where = f"{mail.server}:{mail.port}"
    try:
        transport.check()
    except Delayed as error:
        return Finding(
            Level.PROBLEM,
            f"The mail server {where} cannot be used: {error}",
            "Tickets are stored and wait.",
            "Check MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS, MAIL_USE_SSL, MAIL_USERNAME and MAIL_PASSWORD.",
        )
    if not state.config.smtp_verify_tls and (mail.use_tls or mail.use_ssl):
        return Finding(
            Level.WARNING,
            f"The mail server {where} answers, but its certificate is not checked.",
            "Whoever sits between can read the tickets and the password.",
            "Set KAPA_HANDOFF_SMTP_VERIFY_TLS to True.",
        )
    return Finding(Level.OK, f"The mail server {where} answers.")
