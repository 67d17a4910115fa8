"""The documentation site of Pebblecask, a product that does not exist, with an Ask AI chat.

It shows ``flask_kapa_handoff`` at work: ask, create a ticket, read the mail, change the settings. Start it
with ``python -m example_app``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, render_template
from flask_login import login_required
from werkzeug.security import generate_password_hash

from . import chat, documentation, inbox, kapa_chat, login, threads, tour
from .content_security_policy import add_headers
from .mail_server import LOOPBACK
from .ticket_handoff import handoff


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the site.

    Arguments:
        config: overrides the values below. ``INSTANCE_PATH`` is the folder for the chats, the mails, the tickets and
            three secrets; without it, Flask's own choice, ``instance`` beside this package.
    """
    config = dict(config or {})
    app = Flask(__name__, instance_path=config.pop("INSTANCE_PATH", None))
    instance = Path(app.instance_path)
    inbox.mail_folder(instance).mkdir(parents=True, exist_ok=True)
    threads.create_database(instance)

    app.config.from_mapping(
        SECRET_KEY=kept_secret(instance / "secret-key"),
        ADMIN_PASSWORD=kept_secret(instance / "admin-password"),
        TOUR_KEY=kept_secret(instance / "tour-key"),
        SESSION_COOKIE_SAMESITE="Lax",
        MAIL_SERVER=LOOPBACK,
        MAIL_DEFAULT_SENDER="Pebblecask documentation <docs@pebblecask.example.com>",
        KAPA_CHAT_SECONDS=2.0,  # for an answer of the scripted backend
        KAPA_WEBSITE_ID=os.environ.get("KAPA_WEBSITE_ID"),
        KAPA_HANDOFF_EMAIL="support@pebblecask.example.com",
        KAPA_HANDOFF_SITE_NAME="Pebblecask",
        KAPA_HANDOFF_TRIGGERS="uncertainty, downvote, conversation-length",
        KAPA_HANDOFF_ADMIN_TEMPLATE="settings_frame.html",
    )
    app.config.from_prefixed_env()
    app.config.update(config)
    # A real site stores only the hash. The example has to print the password at every start.
    app.config["ADMIN_PASSWORD_HASH"] = generate_password_hash(app.config["ADMIN_PASSWORD"])

    login.login_manager.init_app(app)
    handoff.init_app(app, admin_required=login_required)
    for module in (documentation, chat, kapa_chat, inbox, login, tour):
        app.register_blueprint(module.blueprint)
    add_headers(app, kapa=bool(app.config["KAPA_WEBSITE_ID"]))

    @app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return render_template("not_found.html"), 404

    return app


def kept_secret(path: Path) -> str:
    """A random secret that survives a restart, in a file that only its owner can read."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(18))
    return path.read_text(encoding="ascii")
