"""Calibre-Web: one app at import, a login manager of its own, CSRFProtect, a session in the mounted path, jQuery."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Page

PINS = ("calibreweb==0.6.27",)
LAYOUT = "calibreweb_frame.html"
OWN_PAGES = ("/", "/login", "/admin/view", "/search?query=none", "/opds", "/not-there")
ADMIN = "admin"
PASSWORD = "admin123"


def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
    from cps.cw_login import current_user
    from cps.usermanagement import user_login_required
    from flask import abort

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        if not current_user.role_admin():
            abort(403)
        return view(*args, **values)

    with_a_user: Callable[..., Any] = user_login_required(guarded)
    return with_a_user


def create_app(data: Path, mail_port: int) -> Flask:
    # It reads its command line, and its package lies below another one.
    sys.argv = ["calibreweb", "-p", str(data / "app.db"), "-o", str(data / "calibre-web.log")]
    os.environ["CALIBRE_DBPATH"] = str(data)
    import calibreweb

    sys.path.insert(0, str(Path(calibreweb.__file__).parent))
    import cps
    from cps import db
    from cps.cw_login import current_user
    from cps.main import main
    from sqlalchemy import create_engine, text

    from .mounting import mount

    if not (data / "metadata.db").exists():
        library = create_engine(
            f"sqlite:///{data}/metadata.db", execution_options={"schema_translate_map": {"calibre": None}}
        )
        with library.begin() as connection:
            db.Base.metadata.create_all(connection)
            connection.execute(text("insert into library_id (uuid) values ('an empty library')"))
        library.dispose()
    # The only way to all of its blueprints is to start it: its own server stays out.
    cps.web_server.start = lambda: True
    with suppress(SystemExit):
        main()
    cps.config.config_calibre_dir = str(data)
    cps.config.config_anonbrowse = 1
    cps.config.save()
    cps.calibre_db.update_config(cps.config, str(data), cps.cli_param.settings_path)
    cps.app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_port)
    return mount(cps.app, admin_required, layout=LAYOUT, admin_name=lambda: current_user.name)


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[name=submit]").click()
