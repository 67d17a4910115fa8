"""changedetection.io: all behind one password, Flask-Login with one user, CSRFProtect, SocketIO, Flask-Compress."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

PINS = ("changedetection.io==0.60.10",)
LAYOUT = "base.html"
OWN_PAGES = ("/", "/login", "/settings/", "/not-there")
ADMIN = "the holder of the password"
PASSWORD = "a password of this test"
VISITORS_SIGN_IN = True


def create_app(data: Path, mail_port: int) -> Flask:
    salt = b"s" * 32
    key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 100_000)
    os.environ.update(SALTED_PASS=base64.b64encode(salt + key).decode(), FETCH_WORKERS="1")
    from changedetectionio import store
    from changedetectionio.flask_app import changedetection_app
    from flask_login import login_required

    from .mounting import mount

    datastore = store.ChangeDetectionStore(datastore_path=str(data), include_default_watches=False, version_tag="0")
    app = changedetection_app({"datastore_path": str(data), "batch_mode": True}, datastore)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_port)
    return mount(app, login_required, layout=LAYOUT, admin_name=lambda: ADMIN)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
