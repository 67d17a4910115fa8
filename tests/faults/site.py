"""One site, built separately in each of its processes (web servers, workers, deliveries), which tests kill.

They are forked from a process that has imported everything and opened nothing: a new one takes milliseconds, and a
thousand can be killed.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flask import Flask
from flask.cli import ScriptInfo
from werkzeug.serving import make_server

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from tests.faults import sink

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "tests.faults.site",
        "tests.faults.points",
        "email_validator",
        # What the package imports at first use; the patterns of the redaction are compiled as well.
        "encodings.idna",
        "comrak",
        "nh3",
        "flask_kapa_handoff.cli.group",
        "flask_kapa_handoff.delivery.courier",
        "flask_kapa_handoff.delivery.mail.channel",
        "flask_kapa_handoff.redaction.finders",
        "flask_kapa_handoff.visitor.views",
        "sqlalchemy.dialects.sqlite.pysqlite",
        "sqlalchemy.dialects.postgresql.psycopg",
    ]
)


@dataclass(frozen=True)
class Site:
    """What another process needs to build the same site."""

    name: str
    instance_path: str
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, app: Flask) -> Site:
        """The description of this app's site."""
        kept = ("SECRET_KEY", "KAPA_HANDOFF_", "MAIL_", sink.PORT)
        return cls(app.name, app.instance_path, {key: app.config[key] for key in app.config if key.startswith(kept)})

    def build(self, **config: Any) -> Flask:
        """The site in this process; ``config`` replaces single keys."""
        app = Flask(self.name, instance_path=self.instance_path)
        app.config.update(self.config, **config)
        handoff = KapaHandoff(app)
        if sink.PORT in app.config:
            sink.register(handoff, app.config[sink.PORT])
        return app


def start(role: Callable[..., None], site: Site, *arguments: Any) -> BaseProcess:
    """Start a process in a role. It ends with this one at the latest."""
    process = _forks.Process(target=_run, args=(role, site, *arguments), daemon=True)
    process.start()
    return process


def serve(site: Site, listener: socket.socket) -> None:
    """A web process that also delivers; several share the listener, as gunicorn's workers do."""
    app = site.build(KAPA_HANDOFF_DELIVERY="thread")
    state_of(app).delivery.serving()
    make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()


def work(site: Site) -> None:
    """``flask kapa-handoff worker``."""
    _command(site, "worker")


def deliver(site: Site) -> None:
    """``flask kapa-handoff deliver``: what is due, once."""
    _command(site, "deliver")


def _command(site: Site, name: str) -> None:
    app = site.build()
    app.cli.main(["kapa-handoff", name], obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)


def _run(role: Callable[..., None], site: Site, *arguments: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    log = os.open(Path(site.instance_path).with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    role(site, *arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
