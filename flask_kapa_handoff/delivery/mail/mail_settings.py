"""Reads Flask-Mail's ``MAIL_*`` keys, which often come as text, such as ``MAIL_USE_TLS="False"`` from the environment.

Flask-Mail takes them as they are, and any text is true. Here each has the value that its text means, or is refused
with the key's name: at start, and again at each mail, since a site may set up Flask-Mail with another configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple

from ...config_values import parse_flag, whole_number
from ...errors import ConfigurationError

if TYPE_CHECKING:
    from flask import Flask
    from flask_mail import Mail

    from ..mailroom import Mailroom


class MailSettings(NamedTuple):
    """How the site sends mail.

    Arguments:
        server: the host name or address; None: not set.
        port: 0: the usual one.
        username, password: both, or neither.
        max_emails: how many mails one connection may carry; None: any number.
        suppress: sending is turned off.
    """

    server: str | None
    port: int
    use_tls: bool
    use_ssl: bool
    username: str | None
    password: str | None
    max_emails: int | None
    suppress: bool


def parse_server(value: Any) -> str:
    """The host name or address of a mail server."""
    text = value.strip() if isinstance(value, str) else ""
    with suppress(ValueError):  # brackets are for URLs, and no resolver takes them
        return str(IPv6Address(re.sub(r"\A\[(.*)\]\Z", r"\1", text)))
    if not re.fullmatch(r"[^/\s:@\[\]]+", text):
        raise ValueError("use a host name such as smtp.example.com; the port is MAIL_PORT")
    return text


def _text(value: Any) -> str:
    # from_prefixed_env() reads a password of digits as a number, which str() turns back, unlike 1e5 or true.
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise ValueError("use text; in the environment, put it in double quotes")
    return str(value)


# By the attribute of Flask-Mail's state: the value if the key is not set, and the parser.
_KEYS: Mapping[str, tuple[str, Any, Callable[[Any], Any]]] = {
    "server": ("MAIL_SERVER", None, parse_server),
    "port": ("MAIL_PORT", 0, whole_number(0, 65_535)),
    "use_tls": ("MAIL_USE_TLS", False, parse_flag),
    "use_ssl": ("MAIL_USE_SSL", False, parse_flag),
    "username": ("MAIL_USERNAME", None, _text),
    "password": ("MAIL_PASSWORD", None, _text),
    "max_emails": ("MAIL_MAX_EMAILS", None, whole_number(0, 1_000_000)),
    "suppress": ("MAIL_SUPPRESS_SEND", False, parse_flag),
}


def check_mail_keys(app: Flask, mail: Mail | None) -> None:
    """Check an app's ``MAIL_*`` keys at start.

    Arguments:
        mail: the ``flask_mail.Mail`` that the site passed, whose state counts if it has one.

    Raises:
        ConfigurationError: a value is wrong; the message names the key, the value and what is allowed.
    """
    try:
        if mail is not None and mail.state is not None:
            read_mail_settings(mail.state)
        else:
            _of_config(app)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def find_mail_settings(mailroom: Mailroom) -> MailSettings:
    """The settings of an app's mail, without Flask-Mail, which only a delivering process needs.

    Raises:
        ValueError: a value is wrong; the message begins with the key.
    """
    own = mailroom.mail.state if mailroom.mail is not None else None
    found = own or mailroom.app.extensions.get("mail")
    # Another library's, with the same name, has no such attribute.
    return read_mail_settings(found) if hasattr(found, "suppress") else _of_config(mailroom.app)


def _of_config(app: Flask) -> MailSettings:
    # As Flask-Mail has them.
    defaults = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": 25, "MAIL_SUPPRESS_SEND": app.testing}
    return _read({name: app.config.get(key, defaults.get(key)) for name, (key, _, _) in _KEYS.items()})


def read_mail_settings(state: Any) -> MailSettings:
    """The settings in Flask-Mail's state for an app.

    Raises:
        ValueError: a value is wrong; the message begins with the key.
    """
    return _read({name: getattr(state, name, None) for name in _KEYS})


def _read(given: Mapping[str, Any]) -> MailSettings:
    found = {}
    for name, (key, default, parse) in _KEYS.items():
        value = given[name]
        try:
            # An empty variable of the environment is as good as none.
            found[name] = default if value is None or value == "" else parse(value)
        except ValueError as error:
            # A password may be elsewhere, too: MAIL_SERVER="smtp://user:password@host". This text ends up in a log.
            written = "the value" if "@" in str(value) else repr(value)
            told = "" if name in ("username", "password") else f"{written} is not allowed: "
            raise ValueError(f"{key}: {told}{error}") from None
    settings = MailSettings(**found)
    if settings.suppress:
        return settings
    if settings.use_tls and settings.use_ssl:
        raise ValueError("MAIL_USE_TLS, MAIL_USE_SSL: use one of them: MAIL_USE_SSL for port 465, else MAIL_USE_TLS")
    if (settings.username is None) != (settings.password is None):
        missing, given_key = ("MAIL_PASSWORD", "MAIL_USERNAME")[:: -1 if settings.username is None else 1]
        raise ValueError(f"{missing}: is missing, but {given_key} is set; the mail server needs both, or neither")
    return settings
