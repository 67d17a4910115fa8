"""The points at which a process can be killed: before and after each statement, commit and step of SMTP."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.delivery.mail.smtp_client import SMTPClient
from flask_kapa_handoff.delivery.reminders import Reminders
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from tests.faults.site import Site

JSON = {"Accept": "application/json"}


class Points:
    """Counts the points that this process passes, and kills it at one of them.

    Arguments:
        journal: the file to which each point is written before anything else happens there.
        last: the number of the point at which it dies, counted from 1.
    """

    def __init__(self, journal: Path, last: int) -> None:
        self._journal = os.open(journal, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        self._left = last
        self._has_begun = False

    def pass_by(self, name: str) -> None:
        """Count a point; if it is the chosen one, kill the process.

        From outside, the moment before something is that after what was before it, so only the first such counts.
        """
        os.write(self._journal, f"{name}\n".encode())
        if name.startswith("before") and self._has_begun:
            return
        self._has_begun = True
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch_database(self, engine: Engine) -> None:
        """Pass a point before and after each statement and each commit."""

        def before(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            self.pass_by(f"before {statement.split()[0]}")

        def after(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            self.pass_by(f"after {statement.split()[0]}")

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        self._watch(engine.dialect, "do_commit", "COMMIT")

    def watch_mail(self) -> None:
        """Pass a point before and after each command to the mail server, and each reply."""
        said = SMTPClient.send

        def send(client: SMTPClient, words: Any) -> None:
            text = words if isinstance(words, str) else words.decode("latin-1")
            name = "the mail" if text.endswith("\r\n.\r\n") else text.split()[0]
            self.pass_by(f"before {name}")
            said(client, words)
            self.pass_by(f"after {name}")

        SMTPClient.send = send  # type: ignore[assignment,method-assign]
        self._watch(SMTPClient, "getreply", "reply")

    def _watch(self, owner: Any, method: str, name: str) -> None:
        original = getattr(owner, method)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.pass_by(f"before {name}")
            result = original(*arguments, **options)
            self.pass_by(f"after {name}")
            return result

        setattr(owner, method, watched)


def deliver_one(site: Site, journal: Path, last: int, reference: str) -> None:
    """A process that attempts one delivery and is killed at a point of it."""
    app = site.build()
    state = state_of(app)
    courier = Courier(state)
    points = _watched(state.database, journal, last)
    points.watch_mail()
    courier.deliver_next(reference)
    courier.close()


def remind_one(site: Site, journal: Path, last: int) -> None:
    """A process that sends the reminder that is due and is killed at a point of it."""
    app = site.build()
    state = state_of(app)
    points = _watched(state.database, journal, last)
    points.watch_mail()
    with app.app_context():
        Reminders(state).send_due()


def submit_one(site: Site, journal: Path, last: int, fields: dict[str, str]) -> None:
    """A process that handles one submit and is killed at a point of it."""
    app = site.build()
    _watched(state_of(app).database, journal, last)
    assert app.test_client().post("/handoff/tickets", data=fields, headers=JSON).status_code == 201


def _watched(database: Database, journal: Path, last: int) -> Points:
    """The points of this process, after the database was opened."""
    with database.read():
        pass
    points = Points(journal, last)
    points.watch_database(database.engine)
    return points
