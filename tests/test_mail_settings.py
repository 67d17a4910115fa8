"""Flask-Mail's keys as text, as they come from the environment: understood, or refused at start by their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_mail
import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff, health
from flask_kapa_handoff.delivery.mail.mail_settings import read_mail_settings
from flask_kapa_handoff.delivery.mail.site_mail import SiteMail
from flask_kapa_handoff.errors import ConfigurationError
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.testing import deliver
from tests.helpers.commands import findings, invoke
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.tickets import send_ticket


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        ({"MAIL_SUPPRESS_SEND": "False"}, "suppress", False),
        ({"MAIL_SUPPRESS_SEND": "no"}, "suppress", False),
        ({"MAIL_SUPPRESS_SEND": ""}, "suppress", False),
        ({"MAIL_SUPPRESS_SEND": None}, "suppress", False),
        ({"MAIL_SUPPRESS_SEND": "True"}, "suppress", True),
        ({"MAIL_SUPPRESS_SEND": "1"}, "suppress", True),
        ({"TESTING": True}, "suppress", True),
        ({"TESTING": True, "MAIL_SUPPRESS_SEND": "false"}, "suppress", False),
        ({"MAIL_USE_TLS": "False"}, "use_tls", False),
        ({"MAIL_USE_TLS": "0"}, "use_tls", False),
        ({"MAIL_USE_TLS": "on"}, "use_tls", True),
        ({"MAIL_USE_SSL": "off"}, "use_ssl", False),
        ({"MAIL_USE_SSL": "true"}, "use_ssl", True),
        ({"MAIL_USE_TLS": "False", "MAIL_USE_SSL": "True"}, "use_ssl", True),
        ({"MAIL_PORT": "587"}, "port", 587),
        ({"MAIL_PORT": " 587 "}, "port", 587),
        ({"MAIL_PORT": ""}, "port", 0),
        ({"MAIL_PORT": None}, "port", 0),
        ({"MAIL_SERVER": " smtp.example.com "}, "server", "smtp.example.com"),
        ({"MAIL_SERVER": "::1"}, "server", "::1"),
        ({"MAIL_SERVER": "[::1]"}, "server", "::1"),
        ({"MAIL_SERVER": "2001:db8::1:25"}, "server", "2001:db8::1:25"),
        ({"MAIL_MAX_EMAILS": "20"}, "max_emails", 20),
        ({"MAIL_MAX_EMAILS": ""}, "max_emails", None),
        ({"MAIL_USERNAME": "", "MAIL_PASSWORD": ""}, "username", None),
        ({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": 20261130}, "password", "20261130"),
    ],
    ids=str,
)
def test_text_means_what_it_says(
    make_app: Callable[..., Flask], config: dict[str, Any], name: str, value: object
) -> None:
    """With the state that Flask-Mail makes of it, however that got there."""
    app = make_app(**config)
    assert getattr(SiteMail(state_of(app)).settings, name) == value
    flask_mail.Mail(app)
    assert getattr(SiteMail(state_of(app)).settings, name) == value


@pytest.mark.only("sqlite")
def test_a_key_that_is_not_used_is_no_fault(make_app: Callable[..., Flask]) -> None:
    """Flask-Mail makes a number of MAIL_DEBUG, which fails for text."""
    assert SiteMail(state_of(make_app(MAIL_DEBUG="False"))).settings.server == "127.0.0.1"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("config", "key", "allowed"),
    [
        ({"MAIL_SUPPRESS_SEND": "maybe"}, "MAIL_SUPPRESS_SEND: 'maybe'", "use True or False"),
        ({"MAIL_USE_TLS": "STARTTLS"}, "MAIL_USE_TLS: 'STARTTLS'", "use True or False"),
        ({"MAIL_USE_SSL": 2}, "MAIL_USE_SSL: 2", "use True or False"),
        ({"MAIL_USE_TLS": "True", "MAIL_USE_SSL": "True"}, "MAIL_USE_TLS, MAIL_USE_SSL", "use one of them"),
        ({"MAIL_PORT": "smtp"}, "MAIL_PORT: 'smtp'", "use a whole number"),
        ({"MAIL_PORT": 99_999}, "MAIL_PORT: 99999", "use a whole number"),
        ({"MAIL_PORT": True}, "MAIL_PORT: True", "use a whole number"),
        ({"MAIL_SERVER": "smtp.example.com:587"}, "MAIL_SERVER: 'smtp.example.com:587'", "the port is MAIL_PORT"),
        ({"MAIL_SERVER": "smtp example com"}, "MAIL_SERVER: 'smtp example com'", "use a host name"),
        ({"MAIL_SERVER": "smtp://smtp.example.com"}, "MAIL_SERVER: 'smtp://", "use a host name"),
        ({"MAIL_SERVER": "[::1]:25"}, "MAIL_SERVER: '[::1]:25'", "the port is MAIL_PORT"),
        ({"MAIL_SERVER": "docs:hunter2@smtp.example.com"}, "MAIL_SERVER: the value is not allowed", "use a host name"),
        ({"MAIL_MAX_EMAILS": "many"}, "MAIL_MAX_EMAILS: 'many'", "use a whole number"),
        ({"MAIL_USERNAME": "docs"}, "MAIL_PASSWORD", "is missing, but MAIL_USERNAME is set"),
        ({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": ""}, "MAIL_PASSWORD", "is missing, but MAIL_USERNAME is set"),
        ({"MAIL_PASSWORD": "hush"}, "MAIL_USERNAME", "is missing, but MAIL_PASSWORD is set"),
        ({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": 1e5}, "MAIL_PASSWORD", "put it in double quotes"),
        ({"MAIL_USERNAME": "docs", "MAIL_PASSWORD": True}, "MAIL_PASSWORD", "put it in double quotes"),
    ],
    ids=str,
)
@pytest.mark.parametrize("as_argument", [False, True])
def test_what_cannot_be_meant_is_refused_at_start(
    make_app: Callable[..., Flask], config: dict[str, Any], key: str, allowed: str, as_argument: bool
) -> None:
    """The message names the key, the value and what is allowed, and no password."""
    if as_argument:
        app = make_app(mount=False)
        mail = flask_mail.Mail()
        mail.state = mail.init_mail(config)
        build: Callable[[], object] = lambda: KapaHandoff(app, mail=mail)  # noqa: E731
    else:
        build = lambda: make_app(**config)  # noqa: E731
    with pytest.raises(ConfigurationError) as refused:
        build()
    assert str(refused.value).startswith(key)
    assert allowed in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "100000" not in str(refused.value)


@pytest.mark.only("sqlite")
def test_a_site_that_sends_nothing_needs_no_password(make_app: Callable[..., Flask]) -> None:
    """A developer has the user name from the repository, and the password is in production only."""
    make_app(MAIL_USERNAME="docs", MAIL_SUPPRESS_SEND="True")
    make_app(MAIL_USERNAME="docs", TESTING=True)


@pytest.mark.only("sqlite")
def test_a_state_that_was_made_later_is_read_the_same_way(
    make_app: Callable[..., Flask], smtp: Callable[..., ScriptedServer]
) -> None:
    """A wrong value in it makes the ticket wait, and the check-up and every admin page name the key."""
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp().port), MAIL_USE_TLS="False", MAIL_USE_SSL="")
    reference = send_ticket(app.test_client())
    app.extensions["mail"] = flask_mail.Mail().init_mail({**app.config, "MAIL_USE_TLS": "perhaps"})
    (ticket,) = deliver(app)
    assert ticket.status is Status.QUEUED
    assert ticket.last_error == "MAIL_USE_TLS: 'perhaps' is not allowed: use True or False"
    assert len(health(app).alarms) == 1
    code, output = findings(app)
    assert code == 1
    assert "Details: MAIL_USE_TLS: 'perhaps'" in output

    app.extensions["mail"] = flask_mail.Mail().init_mail(app.config)
    assert invoke(app, "retry", reference).exit_code == 0
    (ticket,) = deliver(app)
    assert ticket.status is Status.DELIVERED


def test_a_missing_attribute_of_the_state_is_as_good_as_an_unset_key() -> None:
    """Flask-Mail's state may lose or gain attributes from version to version."""
    assert read_mail_settings(object()).server is None
