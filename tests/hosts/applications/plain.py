"""A small site of its own, for the tests of web servers and proxies: HTTP's own login, a layout of three lines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

ADMIN, PASSWORD = "ada", "a password of this test"


def admin_required(view: Callable[..., Any]) -> Callable[..., Any]:
    from flask import request

    @wraps(view)
    def guarded(*args: Any, **values: Any) -> Any:
        given = request.authorization
        if given is not None and (given.username, given.password) == (ADMIN, PASSWORD):
            return view(*args, **values)
        return "Sign in first", 401, {"WWW-Authenticate": 'Basic realm="Office"'}

    return guarded


def create_app(data: Path, mail_port: int) -> Flask:
    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from .mounting import mount

    app = Flask("plain", instance_path=str(data))
    app.config.update(SECRET_KEY="ab3f92c07d51e864", MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_port)
    if trusted := json.loads(os.environ.get("HANDOFF_PROXY_FIX", "{}")):
        app.wsgi_app = ProxyFix(app.wsgi_app, **trusted)  # type: ignore[method-assign]
    return mount(app, admin_required, layout="plain.html")
