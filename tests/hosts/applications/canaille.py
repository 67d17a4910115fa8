"""Canaille: an app factory, sessions and identities of its own, CSP, CSRFProtect, every link boosted by htmx."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

PINS = ("canaille[front,sqlite]==0.3.6",)
LAYOUT = "base.html"
OWN_PAGES = ("/", "/login", "/about", "/users", "/not-there")
ADMIN = "Ada Admin"
PASSWORD = "a password of this test"


def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
    # The application's own guard gives the view another argument.
    from flask import abort, g

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        if not g.session or not g.session.user.can("manage_users"):
            abort(403)
        return view(*args, **values)

    return guarded


def create_app(data: Path, mail_port: int) -> Flask:
    from canaille import create_app as create
    from canaille.app import models
    from flask import g

    from .mounting import mount

    app = create(
        {
            "SECRET_KEY": "ab3f92c07d51e864",
            "SESSION_COOKIE_SECURE": False,
            "CANAILLE": {
                "ENABLE_REGISTRATION": False,
                "ACL": {
                    "DEFAULT": {"PERMISSIONS": ["edit_self"], "FILTER": None},
                    "ADMIN": {"PERMISSIONS": ["manage_users"], "FILTER": {"user_name": "admin"}},
                },
            },
            "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{data}/canaille.db"},
        }
    )
    app.instance_path = str(data)
    with app.app_context():
        backend = app.backend
        with backend.session():
            if backend.get(models.User, user_name="admin") is None:
                user = models.User(
                    user_name="admin",
                    formatted_name=ADMIN,
                    family_name="Admin",
                    emails=["admin@example.com"],
                    password=PASSWORD,
                )
                backend.save(user)
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_port)
    return mount(app, admin_required, layout=LAYOUT, admin_name=lambda: g.session.user.formatted_name)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.locator("input[name=login]").fill("admin")
    page.locator("input[name=login]").press("Enter")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
