"""The example app, with its own data and mail server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app import create_app
from example_app.inbox import mail_folder
from example_app.mail_server import MailServer, start_mail_server
from tests.example.site import PASSWORD
from tests.helpers.sites import close


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    server = start_mail_server(mail_folder(tmp_path))
    yield server
    server.stop()


@pytest.fixture
def app(tmp_path: Path, mail_server: MailServer) -> Iterator[Flask]:
    app = create_app(
        {
            "INSTANCE_PATH": str(tmp_path),
            "MAIL_PORT": mail_server.port,
            "ADMIN_PASSWORD": PASSWORD,
            "KAPA_CHAT_SECONDS": 0,
            "KAPA_HANDOFF_DELIVERY": "inline",
        }
    )
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
