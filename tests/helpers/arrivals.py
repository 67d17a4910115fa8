"""The links in mails: found in a mail, opened, and their button pressed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff.settings_api import Settings
from flask_kapa_handoff.state import state_of
from tests.helpers.pages import Page
from tests.helpers.servers import MailServer, Received

ADDRESS = "docs.example.com"
MakeApp = Callable[..., Flask]


def mailing_app(admin_app: MakeApp, server: MailServer, **config: Any) -> Flask:
    """An app with admin pages, a mail server and an address of its own."""
    defaults: dict[str, Any] = {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": server.port,
        "KAPA_HANDOFF_TRUSTED_HOSTS": [ADDRESS],
        "KAPA_HANDOFF_SMTP_TIMEOUT": 5,
    }
    return admin_app(**{**defaults, **config})


def with_desk(app: Flask, desk: str = "default", **values: Any) -> None:
    """Change a desk's settings."""
    Settings(lambda: state_of(app)).save(desk, changed_by="test", **values)


def link_in(mail: Received, path: str) -> str | None:
    """The link in a mail to one of our pages, the same in its text and its HTML; None: there is none."""
    [of_text, of_html] = [
        set(re.findall(rf"https?://[^\s\"<>]+/handoff/{path}\?key=[\w.-]+", mail.body(kind)))
        for kind in ("plain", "html")
    ]
    assert of_text == of_html
    assert len(of_text) < 2
    return next(iter(of_text), None)


def key_of(link: str | None) -> str:
    """The token of a link."""
    assert link is not None
    return parse_qs(urlsplit(link).query)["key"][0]


def press(client: FlaskClient, page: TestResponse) -> TestResponse:
    """Press the button of a page that a link leads to."""
    assert page.status_code == 200, page.text
    found = Page(page.text)
    return client.post(found.one("form")["action"], data=found.fields)
