"""Checks what a site passes to :class:`KapaHandoff`; each message gives the name, the value and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from inspect import isfunction
from typing import Any

from flask import Flask
from sqlalchemy import Engine

from .config_values import CHANNEL_NAME, MAIL, shown
from .errors import ConfigurationError
from .hook_checks import CHANNEL, Hook, misfit, name_of
from .hooks import ViewDecorator
from .lazy_text import LazyText
from .lazy_text import lazy_gettext as _

VIEW_DECORATOR = "a view decorator such as Flask-Login's login_required"
DATABASES = ("sqlite", "postgresql")
MAX_SHOWN = 200
MAX_LABEL = 40

ENGINES = {
    "AsyncEngine": "pass a synchronous engine, such as create_engine('postgresql+psycopg://…')",
    "SQLAlchemy": "leave engine out: the database of Flask-SQLAlchemy is found on the app",
    "Session": "pass the engine that the session is bound to",
    "scoped_session": "pass the engine that the session is bound to",
    "sessionmaker": "pass the engine that its sessions are bound to",
    "AsyncSession": "pass a synchronous engine, such as create_engine('postgresql+psycopg://…')",
    "Connection": "pass the connection's engine, which is connection.engine",
    "str": "set KAPA_HANDOFF_DATABASE_URI to the address, or pass create_engine(…)",
    "URL": "set KAPA_HANDOFF_DATABASE_URI to the address, or pass create_engine(…)",
}
"""The hint for an object that resembles an engine, by the name of its class or a base class."""


@dataclass(frozen=True)
class Arguments:
    """The keyword arguments of :class:`KapaHandoff` and its ``init_app()``; None: not given.

    Raises:
        ConfigurationError: one of them is wrong.
    """

    admin_required: ViewDecorator | None = None
    viewer_required: ViewDecorator | None = None
    mail: Any = None
    engine: Engine | None = None

    def __post_init__(self) -> None:
        for value, check in (
            (self.admin_required, partial(check_view_decorator, "admin_required")),
            (self.viewer_required, partial(check_view_decorator, "viewer_required")),
            (self.mail, check_mail),
            (self.engine, check_engine),
        ):
            if value is not None:
                check(value)

    def overridden_by(self, later: Arguments) -> Arguments:
        """These arguments, overridden by those of ``later`` that are given."""
        return replace(self, **{name: value for name, value in vars(later).items() if value is not None})


def check_app(app: object) -> None:
    """Refuse anything that is not a Flask app.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(app, Flask):
        return
    if isfunction(app) and misfit(app, ()) is None:
        hint = f"it is a function: call it if it makes the app, as in KapaHandoff({name_of(app)}())"
    elif type(app).__name__ == "Blueprint":
        hint = "the handoff is mounted on the app itself, not on a blueprint"
    else:
        hint = "pass the Flask app, or leave it out and call init_app(app) later"
    raise _refused("app", app, hint)


def check_secret_key(name: str, key: object) -> None:
    """Refuse a secret key that nothing can be signed with; its value is not shown.

    Raises:
        ConfigurationError: it is set, but neither text nor bytes.
    """
    if trouble := secret_key_trouble(name, key):
        raise ConfigurationError(trouble.english)


def secret_key_trouble(name: str, key: object) -> LazyText | None:
    """What is wrong with a secret key's type; None: nothing, or it is not set."""
    if key is None or isinstance(key, (str, bytes)):
        return None
    code = f"FLASK_{name}='\"…\"'"
    return _(
        "%(name)s: %(type)s is not allowed: use text or bytes. In the environment, put digits into double quotes: "
        "%(code)s",
        name=name,
        type=type(key).__name__,
        code=code,
    )


def check_view_decorator(name: str, decorator: object) -> None:
    """Refuse anything that cannot decorate a view.

    Raises:
        ConfigurationError: it cannot.
    """
    # A class may be a decorator: its instances are the views.
    wrong = None if isinstance(decorator, type) else misfit(decorator, ("view",))
    if wrong:
        raise _refused(name, decorator, f"{wrong}; use {VIEW_DECORATOR}")


def check_mail(mail: object) -> None:
    """Refuse anything that is not a ``flask_mail.Mail``: deliveries use the configuration that it holds.

    Raises:
        ConfigurationError: it is not.
    """
    from flask_mail import Mail

    if isinstance(mail, Mail):
        return
    library = type(mail).__module__.partition(".")[0]
    if mail is Mail:
        hint = "it is the class; pass an object of it, such as Mail(app)"
    elif library == Mail.__module__:
        hint = "pass the flask_mail.Mail object itself"
    else:
        hint = "pass a flask_mail.Mail, or leave mail out: MAIL_* of the app's configuration is read then"
    raise _refused("mail", mail, hint)


def check_engine(engine: object) -> None:
    """Refuse anything that is not an SQLAlchemy engine that can store the tickets. Opens no connection.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(engine, Engine):
        names = [base.__name__ for base in type(engine).__mro__]
        hint = next((ENGINES[name] for name in names if name in ENGINES), "pass a sqlalchemy.Engine")
        raise _refused("engine", engine, hint)
    if engine.dialect.name not in DATABASES:
        raise _refused("engine", engine, f"{engine.dialect.name} is not supported; use SQLite or PostgreSQL")
    if getattr(engine.dialect, "is_async", False):
        raise _refused(
            "engine", engine, f"its driver {engine.dialect.driver} is for asyncio; {ENGINES['AsyncEngine']}"
        )


def check_hook(hook: Hook, function: object) -> None:
    """Refuse a function that cannot be this hook.

    Raises:
        ConfigurationError: it cannot be called as the hook is called.
    """
    wrong = misfit(function, hook.arguments)
    if wrong:
        allowed = f"use a function ({', '.join(hook.arguments)}) that returns {hook.returns}"
        raise _refused(hook.name, function, f"{wrong}; {allowed}")


def check_channel(name: object, label: object) -> None:
    """Refuse a name or a label that no channel can have.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    if callable(name):
        raise _refused(CHANNEL.name, name, 'write @handoff.channel("zendesk", label="Zendesk") above the function')
    if not isinstance(name, str) or not CHANNEL_NAME.fullmatch(name):
        raise _refused(CHANNEL.name, name, "use a lower-case letter, then up to 31 more, digits, _ or -")
    if name == MAIL:
        raise _refused(CHANNEL.name, name, "mail is the package's own channel; use another name")
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= MAX_LABEL or not label.isprintable():
        raise _refused("label", label, f"use text of 1 to {MAX_LABEL} characters, such as the helpdesk's name")
    if set(label) & set("@:"):
        raise _refused("label", label, "use text without @ and : , such as the helpdesk's name")


def _refused(name: str, value: object, why: str) -> ConfigurationError:
    text = getattr(value, "__qualname__", None) or shown(value)
    return ConfigurationError(f"{name}: {str(text)[:MAX_SHOWN]} is not allowed: {why}")
