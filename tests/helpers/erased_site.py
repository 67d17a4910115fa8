"""A visitor who is erased, and what remains of them: raw bytes of every file beside the database.

``python -m tests.helpers.erased_site FOLDER`` does so with an SQLite that was built without SECURE_DELETE.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from flask import Flask, request

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.hooks import Visitor
from flask_kapa_handoff.settings import current_settings, save_settings
from flask_kapa_handoff.state import state_of
from tests.helpers.commands import invoke
from tests.helpers.offers import signed_offer
from tests.helpers.sites import close, new_site
from tests.helpers.tickets import send_ticket

CANARY = "zeisig"
EMAIL = f"{CANARY}@example.com"


def site_of_a_visitor(build: Callable[[KapaHandoff], Flask], handoff: KapaHandoff, port: int) -> Flask:
    """A site with the tickets of one visitor in every state, who is an admin as well, between those of others."""
    handoff.visitor_loader(lambda: Visitor(EMAIL, f"Vera {CANARY}") if request.form.get("email") == EMAIL else None)
    app = build(handoff)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port)
    client = app.test_client()
    # With pages of its own, and on pages with others'.
    for number, length in enumerate((1, 3_000, 1, 60_000)):
        send_ticket(client, email=f"other{number}@example.com", note="x" * (length % 5_000))
        pair = {"id": f"{CANARY}-{number}", "question": f"{CANARY} {number}?", "answer": f"{CANARY} " * length}
        offer = signed_offer(client, thread_id=f"{CANARY}-t", answer_id=f"{CANARY}-{number}", page=f"/{CANARY}")
        send_ticket(client, offer=offer, email=EMAIL, note=f"{CANARY} {number}", conversation=json.dumps([pair]))
    state = state_of(app)
    with state.database.write() as connection:
        for text in ("Help", "Ask"):
            settings = current_settings(connection, state.config)
            wanted = type(settings)(**{**vars(settings), "button_text": text, "email": EMAIL})
            save_settings(connection, state.config, wanted, changed_by=EMAIL.upper())
        settings = current_settings(connection, state.config)
        wanted = type(settings)(**{**vars(settings), "email": "support@example.com"})
        save_settings(connection, state.config, wanted, changed_by="boss@example.com")
    return app


def traces(folder: Path) -> list[str]:
    """The files that still contain the visitor, in upper or lower case."""
    return [path.name for path in sorted(folder.iterdir()) if CANARY.encode() in path.read_bytes().lower()]


def erase(app: Flask, folder: Path) -> None:
    """Erase the visitor and check that nothing remains, while the app has the database open and afterwards."""
    assert traces(folder)
    result = invoke(app, "erase", EMAIL, "--yes")
    assert result.exit_code == 0, result.output
    assert traces(folder) == []
    assert send_ticket(app.test_client(), email="another@example.com")
    assert traces(folder) == []
    close(app)
    assert traces(folder) == []


def main(folder: Path) -> None:
    """The same in a process of its own, whose SQLite leaves deleted text where it was unless it is told not to."""
    from tests.helpers.servers import MailServer

    assert sqlite3.connect(":memory:").execute("PRAGMA secure_delete").fetchone() == (0,)
    server = MailServer().start()
    server.replies["RCPT"] = ["450 later"] * 3

    def build(handoff: KapaHandoff) -> Flask:
        app = new_site(folder)
        handoff.init_app(app)
        return app

    app = site_of_a_visitor(build, KapaHandoff(), server.port)
    invoke(app, "deliver")
    server.stop()
    erase(app, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
