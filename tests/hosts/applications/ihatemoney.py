"""I Hate Money: Flask-SQLAlchemy, Flask-Talisman with a CSP, one password for admins and no users, Bootstrap 4."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

PINS = ("ihatemoney==7.2.1", "pytest==9.0.2", "pytest-flask==1.3.0")
LAYOUT = "layout.html"
SHARES_DATABASE = True
OWN_PAGES = ("/", "/admin", "/create", "/dashboard", "/not-there")
ADMIN = "the holder of the admin password"
PASSWORD = "a password of this test"


def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
    # The application's own guard redirects to ".admin", which it can only find from its own blueprint.
    from flask import redirect, request, session, url_for
    from ihatemoney.utils import has_claim

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        if has_claim(session, "is_admin"):
            return view(*args, **values)
        return redirect(url_for("main.admin", goto=request.path))

    return guarded


def create_app(data: Path, mail_port: int) -> Flask:
    from ihatemoney.run import create_app as create
    from werkzeug.security import generate_password_hash

    from .mounting import mount

    class Settings:
        SECRET_KEY = "ab3f92c07d51e864"
        SQLALCHEMY_DATABASE_URI = f"sqlite:///{data}/ihatemoney.db"
        ADMIN_PASSWORD = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
        ACTIVATE_ADMIN_DASHBOARD = True
        SESSION_COOKIE_SECURE = False
        MAIL_SERVER = "127.0.0.1"
        MAIL_PORT = mail_port

    app = create(Settings, instance_path=str(data))
    return mount(app, admin_required, layout=LAYOUT, admin_name=lambda: ADMIN)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/admin")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main [type=submit]").click()
