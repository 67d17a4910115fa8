"""Flask-AppBuilder, as its skeleton sets it up: Flask-Login with roles, Flask-Limiter, Bootstrap 3 (10 px root)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

PINS = ("Flask-AppBuilder==5.3.0",)
LAYOUT = "appbuilder/baselayout.html"
SHARES_DATABASE = True
OWN_PAGES = ("/", "/login/", "/users/list/", "/not-there")
ADMIN = "Ada Admin"
PASSWORD = "a password of this test"


def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
    from flask import redirect, request, url_for
    from flask_login import current_user

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        if current_user.is_authenticated and any(role.name == "Admin" for role in current_user.roles):
            return view(*args, **values)
        return redirect(url_for("AuthDBView.login", next=request.url))

    return guarded


def create_app(data: Path, mail_port: int) -> Flask:
    from flask import Flask
    from flask_appbuilder import AppBuilder
    from flask_appbuilder.models.sqla.base import SQLA
    from flask_login import current_user

    from .mounting import mount

    app = Flask("skeleton", instance_path=str(data))
    app.config.update(
        SECRET_KEY="ab3f92c07d51e864",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{data}/skeleton.db",
        APP_NAME="Skeleton",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mail_port,
    )
    db = SQLA(app)
    with app.app_context():
        appbuilder = AppBuilder(app, db.session)
        security = appbuilder.sm
        if security.find_user("admin") is None:
            role = security.find_role(security.auth_role_admin)
            security.add_user("admin", "Ada", "Admin", "admin@example.com", role, PASSWORD)
        appbuilder.add_link("Handoff", href="/handoff/admin/", icon="fa-life-ring")
    app.context_processor(lambda: {"appbuilder": appbuilder})  # its layout needs it; its views hand it in
    return mount(app, admin_required, layout=LAYOUT, admin_name=lambda: current_user.get_full_name())


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
