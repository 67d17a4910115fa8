"""Otter Wiki: one app at import, Flask-Login, a site-wide CSRFProtect, Flask-Mail, routes that catch every path."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

PINS = ("otterwiki==2.26.1",)
LAYOUT = "wiki.html"
SHARES_DATABASE = True
OWN_PAGES = ("/", "/-/changelog", "/-/login", "/Not/there")
ADMIN = "admin@example.com"
PASSWORD = "a password of this test"


def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
    from flask import abort
    from otterwiki.auth import has_permission

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        if not has_permission("ADMIN"):
            abort(403)
        return view(*args, **values)

    return guarded


def create_app(data: Path, mail_port: int) -> Flask:
    repository = data / "pages"
    if not repository.exists():
        subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    os.environ.update(
        REPOSITORY=str(repository),
        SECRET_KEY="ab3f92c07d51e864",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{data}/wiki.sqlite",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=str(mail_port),
        MAIL_DEFAULT_SENDER="wiki@example.com",
        EMAIL_NEEDS_CONFIRMATION="false",
    )
    from flask_login import current_user
    from otterwiki.server import User, app, db
    from werkzeug.security import generate_password_hash

    from .mounting import mount

    with app.app_context():
        if User.query.first() is None:
            now = datetime.now(timezone.utc)
            user = User(name="Admin", email=ADMIN, is_admin=True, is_approved=True, first_seen=now, last_seen=now)
            user.email_confirmed, user.password_hash = True, generate_password_hash(PASSWORD)
            db.session.add(user)
            db.session.commit()
    return mount(app, admin_required, layout=LAYOUT, admin_name=lambda: current_user.email)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/-/login")
    page.locator("input[name=email]").fill(ADMIN)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
